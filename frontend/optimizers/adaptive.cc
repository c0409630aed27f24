// Adagrad, RMSprop and Adadelta: steps scaled by the history of squared gradients.
#include "frontend/argument_checks.h"
#include "frontend/optimizers/optimizers.h"
#include "frontend/optimizers/shared_options.h"

namespace sinter {
namespace {

// rho x + (1 - rho) y
Symbol decayed(double rho, Symbol x, Symbol y) { return rho * x + (1.0 - rho) * y; }

class AdagradImpl : public OptimizerImpl {
 public:
  explicit AdagradImpl(const AdagradOptions& o)
      : OptimizerImpl("Adagrad", o.learning_rate, shared_options(o)), o_(o) {
    check_number("Adagrad", "initial_accumulator_value", o.initial_accumulator_value, kNotNegative);
    check_number("Adagrad", "epsilon", o.epsilon, kNotNegative);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    return {{{"accumulator", o_.initial_accumulator_value}}};
  }
  void own_config(Config& c) const override {
    c.merge({{"initial_accumulator_value", o_.initial_accumulator_value}, {"epsilon", o_.epsilon}});
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol a = slot(step, weight, "accumulator") + square(g);
    set_slot(step, weight, "accumulator", a);
    return w - step.lr * g / sqrt(a + o_.epsilon);
  }

 private:
  AdagradOptions o_;
};

class RmspropImpl : public OptimizerImpl {
 public:
  explicit RmspropImpl(const RMSpropOptions& o)
      : OptimizerImpl("RMSprop", o.learning_rate, shared_options(o)), o_(o) {
    check_number("RMSprop", "rho", o.rho, kZeroToBelowOne);
    check_number("RMSprop", "momentum", o.momentum, kZeroToOne);
    check_number("RMSprop", "epsilon", o.epsilon, kNotNegative);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    std::vector<std::vector<Slot>> runs = {{{"velocity", 0.0}}};
    if (o_.momentum > 0) runs.push_back({{"momentum", 0.0}});
    if (o_.centered) runs.push_back({{"average_gradient", 0.0}});
    return runs;
  }
  void own_config(Config& c) const override {
    c.merge({{"rho", o_.rho},
             {"momentum", o_.momentum},
             {"epsilon", o_.epsilon},
             {"centered", o_.centered}});
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol v = decayed(o_.rho, slot(step, weight, "velocity"), square(g));
    set_slot(step, weight, "velocity", v);
    Symbol d = v + o_.epsilon;
    if (o_.centered) {
      const Symbol a = decayed(o_.rho, slot(step, weight, "average_gradient"), g);
      set_slot(step, weight, "average_gradient", a);
      // The variance of the gradients, which rounding makes negative where they do not change.
      d = maximum(v - square(a), 0.0) + o_.epsilon;
    }
    const Symbol increment = step.lr * g / sqrt(d);
    if (!(o_.momentum > 0)) return w - increment;
    const Symbol m = o_.momentum * slot(step, weight, "momentum") + increment;
    set_slot(step, weight, "momentum", m);
    return w - m;
  }

 private:
  RMSpropOptions o_;
};

class AdadeltaImpl : public OptimizerImpl {
 public:
  explicit AdadeltaImpl(const AdadeltaOptions& o)
      : OptimizerImpl("Adadelta", o.learning_rate, shared_options(o)), o_(o) {
    check_number("Adadelta", "rho", o.rho, kZeroToBelowOne);
    check_number("Adadelta", "epsilon", o.epsilon, kNotNegative);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    return {{{"accumulated_grad", 0.0}, {"accumulated_delta_var", 0.0}}};
  }
  void own_config(Config& c) const override { c.merge({{"rho", o_.rho}, {"epsilon", o_.epsilon}}); }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol squares = decayed(o_.rho, slot(step, weight, "accumulated_grad"), square(g));
    const Symbol deltas = slot(step, weight, "accumulated_delta_var");
    const Symbol delta = negative(sqrt(deltas + o_.epsilon) / sqrt(squares + o_.epsilon) * g);
    set_slot(step, weight, "accumulated_grad", squares);
    set_slot(step, weight, "accumulated_delta_var", decayed(o_.rho, deltas, square(delta)));
    return w + step.lr * delta;
  }

 private:
  AdadeltaOptions o_;
};

}  // namespace

Adagrad::Adagrad(AdagradOptions options, SourceLocation where)
    : Optimizer(optimizer_at<AdagradImpl>(where, options)) {}
Adagrad::Adagrad(LearningRate learning_rate, SourceLocation where)
    : Adagrad({.learning_rate = std::move(learning_rate)}, where) {}
RMSprop::RMSprop(RMSpropOptions options, SourceLocation where)
    : Optimizer(optimizer_at<RmspropImpl>(where, options)) {}
RMSprop::RMSprop(LearningRate learning_rate, SourceLocation where)
    : RMSprop({.learning_rate = std::move(learning_rate)}, where) {}
Adadelta::Adadelta(AdadeltaOptions options, SourceLocation where)
    : Optimizer(optimizer_at<AdadeltaImpl>(where, options)) {}
Adadelta::Adadelta(LearningRate learning_rate, SourceLocation where)
    : Adadelta({.learning_rate = std::move(learning_rate)}, where) {}

void register_adaptive() {
  register_optimizer("Adagrad", [](const Config& c) -> Optimizer {
    AdagradOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                     .initial_accumulator_value = c.get_float("initial_accumulator_value", 0.1),
                     .epsilon = c.get_float("epsilon", 1e-7)};
    return Adagrad(read_shared_options(o, c));
  });
  register_optimizer("RMSprop", [](const Config& c) -> Optimizer {
    RMSpropOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                     .rho = c.get_float("rho", 0.9),
                     .momentum = c.get_float("momentum", 0.0),
                     .epsilon = c.get_float("epsilon", 1e-7),
                     .centered = c.get_bool("centered", false)};
    return RMSprop(read_shared_options(o, c));
  });
  register_optimizer("Adadelta", [](const Config& c) -> Optimizer {
    AdadeltaOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                      .rho = c.get_float("rho", 0.95),
                      .epsilon = c.get_float("epsilon", 1e-7)};
    return Adadelta(read_shared_options(o, c));
  });
}

}  // namespace sinter
