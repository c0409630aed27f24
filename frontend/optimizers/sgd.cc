// Stochastic gradient descent, with momentum and Nesterov's variant.
#include "frontend/argument_checks.h"
#include "frontend/optimizers/optimizers.h"
#include "frontend/optimizers/shared_options.h"

namespace sinter {
namespace {

class SgdImpl : public OptimizerImpl {
 public:
  explicit SgdImpl(const SGDOptions& o)
      : OptimizerImpl("SGD", o.learning_rate, shared_options(o)),
        momentum_(o.momentum),
        nesterov_(o.nesterov) {
    check_number("SGD", "momentum", o.momentum, kZeroToOne);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    if (momentum_ == 0) return {};
    return {{{"momentum", 0.0}}};
  }
  void own_config(Config& c) const override {
    c.merge({{"momentum", momentum_}, {"nesterov", nesterov_}});
  }

  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol change = g * step.lr;
    if (momentum_ == 0) return w - change;
    const Symbol m = momentum_ * slot(step, weight, "momentum") - change;
    set_slot(step, weight, "momentum", m);
    return nesterov_ ? w + (momentum_ * m - change) : w + m;
  }

 private:
  double momentum_;
  bool nesterov_;
};

}  // namespace

SGD::SGD(SGDOptions options, SourceLocation where)
    : Optimizer(optimizer_at<SgdImpl>(where, options)) {}
SGD::SGD(LearningRate learning_rate, RealNumber momentum, bool nesterov, SourceLocation where)
    : SGD({.learning_rate = std::move(learning_rate), .momentum = momentum, .nesterov = nesterov},
          where) {}

void register_sgd() {
  register_optimizer("SGD", [](const Config& c) -> Optimizer {
    SGDOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.01),
                 .momentum = c.get_float("momentum", 0.0),
                 .nesterov = c.get_bool("nesterov", false)};
    return SGD(read_shared_options(o, c));
  });
}

void register_optimizers() {
  register_sgd();
  register_adaptive();
  register_adam_family();
  register_ftrl_and_lion();
}

}  // namespace sinter
