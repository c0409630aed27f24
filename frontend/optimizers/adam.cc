// Adam (Kingma and Ba, 2015) and its kin: AdamW, Adamax, Nadam (Dozat, 2016), in Keras's form.
#include "frontend/argument_checks.h"
#include "frontend/optimizers/optimizers.h"
#include "frontend/optimizers/shared_options.h"

namespace sinter {
namespace {

// Rules divide by 1 - beta^t.
template <typename Options>
void check_betas(const char* owner, const Options& o, const NumberRange& of_beta_2) {
  check_number(owner, "beta_1", o.beta_1, kZeroToBelowOne);
  check_number(owner, "beta_2", o.beta_2, of_beta_2);
  check_number(owner, "epsilon", o.epsilon, kNotNegative);
}

// x + (y - x)(1 - beta)
Symbol approached(double beta, Symbol x, Symbol y) { return x + (y - x) * (1.0 - beta); }

class AdamImpl : public OptimizerImpl {
 public:
  AdamImpl(const char* class_name, const AdamOptions& o)
      : OptimizerImpl(class_name, o.learning_rate, shared_options(o)), o_(o) {
    check_betas(class_name, o, kZeroToBelowOne);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    std::vector<std::vector<Slot>> runs = {{{"momentum", 0.0}, {"velocity", 0.0}}};
    if (o_.amsgrad) runs.push_back({{"velocity_hat", 0.0}});
    return runs;
  }
  void own_config(Config& c) const override {
    c.merge({{"beta_1", o_.beta_1},
             {"beta_2", o_.beta_2},
             {"epsilon", o_.epsilon},
             {"amsgrad", o_.amsgrad}});
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol alpha = step.once("alpha", [&] {
      return step.lr * sqrt(1.0 - power(o_.beta_2, step.t)) / (1.0 - power(o_.beta_1, step.t));
    });
    const Symbol m = approached(o_.beta_1, slot(step, weight, "momentum"), g);
    Symbol v = approached(o_.beta_2, slot(step, weight, "velocity"), square(g));
    set_slot(step, weight, "momentum", m);
    set_slot(step, weight, "velocity", v);
    if (o_.amsgrad) {
      v = maximum(slot(step, weight, "velocity_hat"), v);
      set_slot(step, weight, "velocity_hat", v);
    }
    return w - m * alpha / (sqrt(v) + o_.epsilon);
  }

 private:
  AdamOptions o_;
};

class AdamaxImpl : public OptimizerImpl {
 public:
  explicit AdamaxImpl(const AdamaxOptions& o)
      : OptimizerImpl("Adamax", o.learning_rate, shared_options(o)), o_(o) {
    check_betas("Adamax", o, kZeroToOne);  // 1: the largest of all gradients
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    return {{{"momentum", 0.0}, {"norm", 0.0}}};
  }
  void own_config(Config& c) const override {
    c.merge({{"beta_1", o_.beta_1}, {"beta_2", o_.beta_2}, {"epsilon", o_.epsilon}});
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol correction =
        step.once("correction", [&] { return 1.0 - power(o_.beta_1, step.t); });
    const Symbol m = approached(o_.beta_1, slot(step, weight, "momentum"), g);
    const Symbol u = maximum(o_.beta_2 * slot(step, weight, "norm"), abs(g));
    set_slot(step, weight, "momentum", m);
    set_slot(step, weight, "norm", u);
    return w - step.lr * m / (correction * (u + o_.epsilon));
  }

 private:
  AdamaxOptions o_;
};

class NadamImpl : public OptimizerImpl {
 public:
  explicit NadamImpl(const AdamaxOptions& o)
      : OptimizerImpl("Nadam", o.learning_rate, shared_options(o)), o_(o) {
    check_betas("Nadam", o, kZeroToBelowOne);
  }

 protected:
  std::vector<std::vector<Slot>> slots() const override {
    return {{{"momentum", 0.0}, {"velocity", 0.0}}};
  }
  std::vector<Slot> globals() const override { return {{"u_product", 1.0}}; }
  void own_config(Config& c) const override {
    c.merge({{"beta_1", o_.beta_1}, {"beta_2", o_.beta_2}, {"epsilon", o_.epsilon}});
  }
  void begin(StepContext& step) override {
    const auto u = [&](Symbol t) { return o_.beta_1 * (1.0 - 0.5 * power(0.96, t)); };
    u_ = u(step.t);
    u_next_ = u(step.t + 1.0);
    product_ = global(step, "u_product") * u_;
    set_global(step, "u_product", product_);
  }
  Symbol rule(StepContext& step, size_t weight, Symbol w, Symbol g) override {
    const Symbol m = approached(o_.beta_1, slot(step, weight, "momentum"), g);
    const Symbol v = approached(o_.beta_2, slot(step, weight, "velocity"), square(g));
    set_slot(step, weight, "momentum", m);
    set_slot(step, weight, "velocity", v);
    const Symbol of_m = step.once("of_m", [&] { return u_next_ / (1.0 - product_ * u_next_); });
    const Symbol of_g = step.once("of_g", [&] { return (1.0 - u_) / (1.0 - product_); });
    const Symbol of_v = step.once("of_v", [&] { return 1.0 - power(o_.beta_2, step.t); });
    return w - step.lr * (of_m * m + of_g * g) / (sqrt(v / of_v) + o_.epsilon);
  }

 private:
  AdamaxOptions o_;
  Symbol u_, u_next_, product_;  // of the step being written
};

AdamOptions with_decay(AdamOptions o) {
  if (!o.weight_decay) o.weight_decay = 0.004;
  return o;
}

AdamOptions read_adam(const Config& c) {
  AdamOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                .beta_1 = c.get_float("beta_1", 0.9),
                .beta_2 = c.get_float("beta_2", 0.999),
                .epsilon = c.get_float("epsilon", 1e-7),
                .amsgrad = c.get_bool("amsgrad", false)};
  return read_shared_options(o, c);
}

AdamaxOptions read_adamax(const Config& c) {
  AdamaxOptions o{.learning_rate = LearningRate::from_config(c.get("learning_rate"), 0.001),
                  .beta_1 = c.get_float("beta_1", 0.9),
                  .beta_2 = c.get_float("beta_2", 0.999),
                  .epsilon = c.get_float("epsilon", 1e-7)};
  return read_shared_options(o, c);
}

}  // namespace

Adam::Adam(AdamOptions options, SourceLocation where)
    : Optimizer(optimizer_at<AdamImpl>(where, "Adam", options)) {}
Adam::Adam(LearningRate learning_rate, SourceLocation where)
    : Adam({.learning_rate = std::move(learning_rate)}, where) {}
AdamW::AdamW(AdamOptions options, SourceLocation where)
    : Optimizer(optimizer_at<AdamImpl>(where, "AdamW", with_decay(std::move(options)))) {}
AdamW::AdamW(LearningRate learning_rate, SourceLocation where)
    : AdamW({.learning_rate = std::move(learning_rate)}, where) {}
Adamax::Adamax(AdamaxOptions options, SourceLocation where)
    : Optimizer(optimizer_at<AdamaxImpl>(where, options)) {}
Adamax::Adamax(LearningRate learning_rate, SourceLocation where)
    : Adamax({.learning_rate = std::move(learning_rate)}, where) {}
Nadam::Nadam(AdamaxOptions options, SourceLocation where)
    : Optimizer(optimizer_at<NadamImpl>(where, options)) {}
Nadam::Nadam(LearningRate learning_rate, SourceLocation where)
    : Nadam({.learning_rate = std::move(learning_rate)}, where) {}

void register_adam_family() {
  register_optimizer("Adam", [](const Config& c) -> Optimizer { return Adam(read_adam(c)); });
  register_optimizer("AdamW", [](const Config& c) -> Optimizer { return AdamW(read_adam(c)); });
  register_optimizer("Adamax", [](const Config& c) -> Optimizer { return Adamax(read_adamax(c)); });
  register_optimizer("Nadam", [](const Config& c) -> Optimizer { return Nadam(read_adamax(c)); });
}

}  // namespace sinter
