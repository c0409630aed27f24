// What normalization layers with a learned scale and offset share: the settings of gamma and beta,
// and the weights themselves.
#pragma once

#include <string>
#include <utility>

#include "core/tensor.h"
#include "frontend/argument_checks.h"
#include "frontend/layer.h"
#include "frontend/layers/registry.h"
#include "ops/layer_norm.h"

namespace sinter {

/// The weight in a shape that broadcasts to the input. Raises ShapeError when the layer was built
/// for another one.
Symbol weight_as(const std::string& title, CallContext& context, const VariablePtr& variable,
                 const Shape& shape);

/// `Options` has epsilon, center, scale and the initializers, regularizers and constraints of beta
/// and gamma.
template <typename Options>
class ScaledNormalizationImpl : public LayerImpl {
 protected:
  ScaledNormalizationImpl(const char* class_name, Options options, SourceLocation where)
      : LayerImpl(class_name, options.name, where), options_(std::move(options)) {
    check_number(title(), "epsilon", options_.epsilon, kNotNegative);
  }

  /// What follows `scale` in Keras's order.
  Config weight_settings() const {
    const Options& o = options_;
    return {{"beta_initializer", o.beta_initializer.to_config()},
            {"gamma_initializer", o.gamma_initializer.to_config()},
            {"beta_regularizer", o.beta_regularizer.to_config()},
            {"gamma_regularizer", o.gamma_regularizer.to_config()},
            {"beta_constraint", o.beta_constraint.to_config()},
            {"gamma_constraint", o.gamma_constraint.to_config()}};
  }

  void add_gamma(const Shape& shape) {
    gamma_ =
        add_weight("gamma", shape, options_.gamma_initializer, true, options_.gamma_regularizer);
    gamma_->constraint = options_.gamma_constraint;
  }
  void add_beta(const Shape& shape) {
    beta_ = add_weight("beta", shape, options_.beta_initializer, true, options_.beta_regularizer);
    beta_->constraint = options_.beta_constraint;
  }

  /// The weights in a shape that broadcasts to the input; ones and zeros where there are none.
  Symbol gamma(CallContext& context, const Shape& shape) const {
    return weight(context, gamma_, shape, 1);
  }
  Symbol beta(CallContext& context, const Shape& shape) const {
    return weight(context, beta_, shape, 0);
  }

  const Options& options() const { return options_; }
  Options options_with_name() const {
    Options options = options_;
    options.name = name();
    return options;
  }

 private:
  Symbol weight(CallContext& context, const VariablePtr& variable, const Shape& shape,
                double otherwise) const {
    if (variable) return weight_as(title(), context, variable, shape);
    return constant(context.graph(), Tensor::full(dtype(), shape, otherwise));
  }

  Options options_;
  VariablePtr gamma_, beta_;
};

/// Reads from `c` what weight_settings() and all such layers write.
template <typename Options>
Options scaled_normalization_options(const Config& c) {
  Options o;
  o.epsilon = c.get_float("epsilon", o.epsilon);
  o.center = c.get_bool("center", true);
  o.scale = c.get_bool("scale", true);
  o.beta_initializer = initializer_or(c, "beta_initializer", "zeros");
  o.gamma_initializer = initializer_or(c, "gamma_initializer", "ones");
  o.beta_regularizer = Regularizer::from_config(c.get("beta_regularizer"));
  o.gamma_regularizer = Regularizer::from_config(c.get("gamma_regularizer"));
  o.beta_constraint = Constraint::from_config(c.get("beta_constraint"));
  o.gamma_constraint = Constraint::from_config(c.get("gamma_constraint"));
  o.name = c.get_string("name", "");
  return o;
}

}  // namespace sinter
