// The batch normalisation layer over the composites of ops/batch_norm.cc.
#include "frontend/layers/batch_normalization.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/argument_checks.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class BatchNormalizationImpl : public LayerImpl {
 public:
  BatchNormalizationImpl(BatchNormalizationOptions options, SourceLocation where)
      : LayerImpl("BatchNormalization", options.name, where), options_(std::move(options)) {
    check_number(title(), "momentum", options_.momentum, kZeroToOne);
    check_number(title(), "epsilon", options_.epsilon, kNotNegative);
  }

  Config config() const override {
    const BatchNormalizationOptions& o = options_;
    Config c = base_config();
    return c.merge({{"axis", o.axis},
                    {"momentum", o.momentum},
                    {"epsilon", o.epsilon},
                    {"center", o.center},
                    {"scale", o.scale},
                    {"beta_initializer", o.beta_initializer.to_config()},
                    {"gamma_initializer", o.gamma_initializer.to_config()},
                    {"moving_mean_initializer", o.moving_mean_initializer.to_config()},
                    {"moving_variance_initializer", o.moving_variance_initializer.to_config()},
                    {"beta_regularizer", o.beta_regularizer.to_config()},
                    {"gamma_regularizer", o.gamma_regularizer.to_config()},
                    {"beta_constraint", o.beta_constraint.to_config()},
                    {"gamma_constraint", o.gamma_constraint.to_config()},
                    {"synchronized", false}});
  }

  void build(std::span<const ValueType> inputs) override {
    const Shape& x = inputs[0].shape;
    if (x.rank() < 2)
      throw ShapeError(fmt::format("{}: input must be [batch, ..., features], found {}", title(),
                                   x.to_string()));
    if (x.normalize_axis(options_.axis) == 0)
      throw ShapeError(fmt::format("{}: axis {} is the batch", title(), options_.axis));
    const Shape features{x.dim(options_.axis)};
    if (options_.scale)
      gamma_ = add_weight("gamma", features, options_.gamma_initializer, true,
                          options_.gamma_regularizer);
    if (options_.center)
      beta_ =
          add_weight("beta", features, options_.beta_initializer, true, options_.beta_regularizer);
    if (gamma_) gamma_->constraint = options_.gamma_constraint;
    if (beta_) beta_->constraint = options_.beta_constraint;
    mean_ = add_weight("moving_mean", features, options_.moving_mean_initializer, false);
    variance_ =
        add_weight("moving_variance", features, options_.moving_variance_initializer, false);
  }

  std::shared_ptr<LayerImpl> clone() const override {
    auto options = options_;
    options.name = name();
    return std::make_shared<BatchNormalizationImpl>(std::move(options), SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = inputs[0];
    const Symbol mean = context.current(mean_);
    const Symbol variance = context.current(variance_);
    const Symbol gamma = options_.scale ? context.variable(gamma_) : ones_like(mean);
    const Symbol beta = options_.center ? context.variable(beta_) : zeros_like(mean);
    if (!trainable() || context.inference())
      return {
          batch_norm_inference(x, gamma, beta, mean, variance, options_.epsilon, options_.axis)};
    const BatchNormResult r = batch_norm(x, gamma, beta, mean, variance, options_.momentum,
                                         options_.epsilon, options_.axis);
    context.add_update(mean_, r.mean);
    context.add_update(variance_, r.variance);
    return {r.y};
  }

 private:
  BatchNormalizationOptions options_;
  VariablePtr gamma_, beta_, mean_, variance_;
};

}  // namespace

BatchNormalization::BatchNormalization(BatchNormalizationOptions options, SourceLocation where)
    : Layer(std::make_shared<BatchNormalizationImpl>(std::move(options), where)) {}

void register_normalization_layers() {
  register_layer("BatchNormalization", [](const Config& c, SourceLocation where) -> Layer {
    const std::vector<int64_t> axis = c.get_ints("axis", {-1});  // Keras 2 writes a list
    if (axis.size() != 1) throw Error("batch normalization over several axes is not supported");
    if (c.get_bool("renorm", false)) throw Error("batch renormalization is not supported");
    return BatchNormalization(
        {.axis = to_int32("axis", axis[0]),
         .momentum = c.get_float("momentum", 0.99),
         .epsilon = c.get_float("epsilon", 1e-3),
         .center = c.get_bool("center", true),
         .scale = c.get_bool("scale", true),
         .beta_initializer = initializer_or(c, "beta_initializer", "zeros"),
         .gamma_initializer = initializer_or(c, "gamma_initializer", "ones"),
         .moving_mean_initializer = initializer_or(c, "moving_mean_initializer", "zeros"),
         .moving_variance_initializer = initializer_or(c, "moving_variance_initializer", "ones"),
         .beta_regularizer = Regularizer::from_config(c.get("beta_regularizer")),
         .gamma_regularizer = Regularizer::from_config(c.get("gamma_regularizer")),
         .beta_constraint = Constraint::from_config(c.get("beta_constraint")),
         .gamma_constraint = Constraint::from_config(c.get("gamma_constraint")),
         .name = c.get_string("name", "")},
        where);
  });
}

}  // namespace sinter
