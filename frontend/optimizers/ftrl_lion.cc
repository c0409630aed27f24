// Ftrl (McMahan and others, KDD 2013) and Lion (Chen and others, 2023), in Keras's form.
#include <utility>

#include "frontend/argument_checks.h"
#include "frontend/optimizers/optimizers.h"
#include "frontend/optimizers/shared_options.h"

namespace sinter {
namespace {

class FtrlImpl : public OptimizerImpl {
 public:
  explicit FtrlImpl(const FtrlOptions& o)
      : OptimizerImpl("Ftrl", o.learning_rate, shared_options(o)), o_(o) {
    check_number("Ftrl", "learning_rate_power", o.learning_rate_power, kNotPositive);
    for (const auto& [name, value] :
         {std::pair{"initial_accumulator_value", o.initial_accumulator_value},
          {"l1_regularization_strength", o.l1_regularization_strength},
          {"l2_regularization_strength", o.l2_regularization_strength},
          {"l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength},
          {"beta", o.beta}}) {
      check_number("Ftrl", name, value, kNotNegative);
    }
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    return {{{"accumulator", o_.initial_accumulator_value}, {"linear", 0.0}}};
  }
  void own_config(Config& c) const override {
    c.merge({{"learning_rate_power", o_.learning_rate_power},
             {"initial_accumulator_value", o_.initial_accumulator_value},
             {"l1_regularization_strength", o_.l1_regularization_strength},
             {"l2_regularization_strength", o_.l2_regularization_strength},
             {"l2_shrinkage_regularization_strength", o_.l2_shrinkage_regularization_strength},
             {"beta", o_.beta}});
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol n = slot(step, weight, "accumulator");
    const Symbol grown = n + square(g);
    const Symbol shrunk = o_.l2_shrinkage_regularization_strength == 0
                              ? g
                              : g + 2.0 * o_.l2_shrinkage_regularization_strength * w;
    const Symbol power_now = power(grown, -o_.learning_rate_power);
    const Symbol z = slot(step, weight, "linear") + shrunk -
                     (power_now - power(n, -o_.learning_rate_power)) / step.lr * w;
    const Symbol l2 = o_.beta / (2.0 * step.lr) + o_.l2_regularization_strength;
    const Symbol q = power_now / step.lr + 2.0 * l2;
    set_slot(step, weight, "accumulator", grown);
    set_slot(step, weight, "linear", z);
    // q is 0 while there has been no gradient and nothing regularizes: the weight stays.
    const Symbol none = equal(q, 0.0);
    const Symbol l1 = clip(z, -o_.l1_regularization_strength, o_.l1_regularization_strength);
    return select(none, w, (l1 - z) / select(none, 1.0, q));
  }

 private:
  FtrlOptions o_;
};

class LionImpl : public OptimizerImpl {
 public:
  explicit LionImpl(const LionOptions& o)
      : OptimizerImpl("Lion", o.learning_rate, shared_options(o)), o_(o) {
    check_number("Lion", "beta_1", o.beta_1, kAboveZeroToOne);
    check_number("Lion", "beta_2", o.beta_2, kZeroToOne);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override { return {{{"momentum", 0.0}}}; }
  void own_config(Config& c) const override {
    c.merge({{"beta_1", o_.beta_1}, {"beta_2", o_.beta_2}});
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol m = slot(step, weight, "momentum");
    set_slot(step, weight, "momentum", o_.beta_2 * m + (1.0 - o_.beta_2) * g);
    return w - step.lr * sign(o_.beta_1 * m + (1.0 - o_.beta_1) * g);
  }

 private:
  LionOptions o_;
};

}  // namespace

Ftrl::Ftrl(FtrlOptions options, SourceLocation where)
    : Optimizer(optimizer_at<FtrlImpl>(where, options)) {}
Ftrl::Ftrl(LearningRate learning_rate, SourceLocation where)
    : Ftrl({.learning_rate = std::move(learning_rate)}, where) {}
Lion::Lion(LionOptions options, SourceLocation where)
    : Optimizer(optimizer_at<LionImpl>(where, options)) {}
Lion::Lion(LearningRate learning_rate, SourceLocation where)
    : Lion({.learning_rate = std::move(learning_rate)}, where) {}

void register_ftrl_and_lion() {
  register_optimizer("Ftrl", [](const Config& c) -> Optimizer {
    FtrlOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                  .learning_rate_power = c.get_float("learning_rate_power", -0.5),
                  .initial_accumulator_value = c.get_float("initial_accumulator_value", 0.1),
                  .l1_regularization_strength = c.get_float("l1_regularization_strength", 0.0),
                  .l2_regularization_strength = c.get_float("l2_regularization_strength", 0.0),
                  .l2_shrinkage_regularization_strength =
                      c.get_float("l2_shrinkage_regularization_strength", 0.0),
                  .beta = c.get_float("beta", 0.0)};
    return Ftrl(read_shared_options(o, c));
  });
  register_optimizer("Lion", [](const Config& c) -> Optimizer {
    LionOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                  .beta_1 = c.get_float("beta_1", 0.9),
                  .beta_2 = c.get_float("beta_2", 0.99)};
    return Lion(read_shared_options(o, c));
  });
}

}  // namespace sinter
