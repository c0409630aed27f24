// Activation layers.
#include "frontend/layers/activation.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class PReLUImpl : public LayerImpl {
 public:
  PReLUImpl(PReLUOptions options, SourceLocation where)
      : LayerImpl("PReLU", options.name, where), options_(std::move(options)) {}

  Config config() const override {
    Config c = base_config();
    return c.merge(
        {{"alpha_initializer", options_.alpha_initializer.to_config()},
         {"alpha_regularizer", options_.alpha_regularizer.to_config()},
         {"alpha_constraint", options_.alpha_constraint.to_config()},
         {"shared_axes", options_.shared_axes.empty() ? ConfigValue(nullptr)
                                                      : ConfigValue::ints(options_.shared_axes)}});
  }

  void build(std::span<const ValueType> inputs) override {
    std::vector<int64_t> shape(inputs[0].shape.begin() + 1, inputs[0].shape.end());
    for (int64_t axis : options_.shared_axes) {
      if (axis < 1 || axis > static_cast<int64_t>(shape.size())) {
        throw ShapeError(
            fmt::format("{}: shared axis {} is not an axis of input {} (counted from 1)", title(),
                        axis, inputs[0].shape.to_string()));
      }
      shape[static_cast<size_t>(axis - 1)] = 1;
    }
    alpha_ = add_weight("alpha", Shape(shape), options_.alpha_initializer, true,
                        options_.alpha_regularizer);
    alpha_->constraint = options_.alpha_constraint;
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = inputs[0];
    return {relu(x) - context.variable(alpha_) * relu(negative(x))};
  }

 private:
  PReLUOptions options_;
  VariablePtr alpha_;
};

Symbol general_relu(Symbol x, const ReLUOptions& o) {
  const bool plain = o.threshold == 0;
  if (plain && o.negative_slope == 0 && !o.max_value) return relu(x);
  if (plain && o.negative_slope == 0 && *o.max_value == 6) return relu6(x);
  if (plain && !o.max_value) return leaky_relu(x, o.negative_slope);
  Symbol y = plain ? relu(x) : select(greater(x, o.threshold), x, 0.0);
  if (o.max_value) y = minimum(y, *o.max_value);
  return o.negative_slope == 0 ? y : y - o.negative_slope * relu(o.threshold - x);
}

// The layer itself, which has no weights and asks for nothing of its context.
ActivationFunction::Function function_of(const ConfigObject& object) {
  const Layer layer = make_layer(object.class_name, object.config, {});
  return [layer](Symbol x) {
    CallContext context(x.graph(), false);
    return layer.impl().call(context, {&x, 1}).at(0);
  };
}

std::string relu_mistake(const ReLUOptions& o) {
  // Infinity bounds nothing.
  if (o.max_value && !(*o.max_value >= 0))
    return number_mistake("max_value", *o.max_value, kNotNegative);
  const std::string slope = number_mistake("negative_slope", o.negative_slope, kNotNegative);
  return slope.empty() ? number_mistake("threshold", o.threshold, kNotNegative) : slope;
}

LayerOptions named(const Config& c) { return {.name = c.get_string("name", "")}; }

}  // namespace

Activation::Activation(ActivationFunction activation, LayerOptions options, SourceLocation where)
    : Layer(simple_layer("Activation", options.name, where,
                         {{"activation", activation.to_config()}},
                         [activation](Symbol x) { return activation(x); })) {}

ReLU::ReLU(ReLUOptions o, SourceLocation where)
    : Layer(simple_layer(
          "ReLU", o.name, where,
          {{"max_value", o.max_value ? ConfigValue(*o.max_value) : ConfigValue(nullptr)},
           {"negative_slope", o.negative_slope},
           {"threshold", o.threshold}},
          [o](Symbol x) { return general_relu(x, o); }, relu_mistake(o))) {}

LeakyReLU::LeakyReLU(RealNumber negative_slope, LayerOptions options, SourceLocation where)
    : Layer(simple_layer(
          "LeakyReLU", options.name, where, {{"negative_slope", double{negative_slope}}},
          [negative_slope](Symbol x) { return leaky_relu(x, negative_slope); },
          number_mistake("negative_slope", negative_slope, kNotNegative))) {
  warn_of_whole_zero(named_with_line("LeakyReLU", where), "negative_slope",
                     negative_slope.is_whole_zero());
}

ELU::ELU(RealNumber alpha, LayerOptions options, SourceLocation where)
    : Layer(simple_layer(
          "ELU", options.name, where, {{"alpha", double{alpha}}},
          [alpha](Symbol x) { return elu(x, alpha); }, number_mistake("alpha", alpha, kFinite))) {
  warn_of_whole_zero(named_with_line("ELU", where), "alpha", alpha.is_whole_zero());
}

PReLU::PReLU(PReLUOptions options, SourceLocation where)
    : Layer(std::make_shared<PReLUImpl>(std::move(options), where)) {}

Softmax::Softmax(WholeNumber axis, LayerOptions options, SourceLocation where)
    : Layer(simple_layer("Softmax", options.name, where, {{"axis", axis.nearest_int()}},
                         [axis = axis.nearest_int()](Symbol x) { return softmax(x, axis); })) {}

void register_activation_layers() {
  register_activation_objects({"Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"}, function_of);
  register_layer("Activation", [](const Config& c, SourceLocation where) -> Layer {
    return Activation(ActivationFunction::from_config(c.get("activation")), named(c), where);
  });
  register_layer("ReLU", [](const Config& c, SourceLocation where) -> Layer {
    ReLUOptions o{.negative_slope = c.get_float("negative_slope", 0),
                  .threshold = c.get_float("threshold", 0),
                  .name = named(c).name};
    if (!c.get("max_value").is_null()) o.max_value = c.get_float("max_value", 0);
    return ReLU(o, where);
  });
  register_layer("LeakyReLU", [](const Config& c, SourceLocation where) -> Layer {
    // Keras 2 calls the slope alpha.
    return LeakyReLU(c.get_float("negative_slope", c.get_float("alpha", 0.3)), named(c), where);
  });
  register_layer("ELU", [](const Config& c, SourceLocation where) -> Layer {
    return ELU(c.get_float("alpha", 1.0), named(c), where);
  });
  register_layer("PReLU", [](const Config& c, SourceLocation where) -> Layer {
    return PReLU({.alpha_initializer = c.contains("alpha_initializer")
                                           ? Initializer::from_config(c.get("alpha_initializer"))
                                           : Initializer("zeros"),
                  .alpha_regularizer = Regularizer::from_config(c.get("alpha_regularizer")),
                  .alpha_constraint = Constraint::from_config(c.get("alpha_constraint")),
                  .shared_axes = c.get_ints("shared_axes", {}),
                  .name = named(c).name},
                 where);
  });
  register_layer("Softmax", [](const Config& c, SourceLocation where) -> Layer {
    const std::vector<int64_t> axis = c.get_ints("axis", {-1});
    if (axis.size() != 1) throw Error("Softmax over several axes is not supported");
    return Softmax(to_int32("axis", axis[0]), named(c), where);
  });
}

}  // namespace sinter
