// The dense layer.
#include "frontend/layers/dense.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layers/input.h"
#include "frontend/layers/maxout.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

class DenseImpl : public LayerImpl {
 public:
  DenseImpl(int64_t units, DenseOptions options, SourceLocation where)
      : LayerImpl("Dense", options.name, where), units_(units), options_(std::move(options)) {
    if (units <= 0)
      throw Error(fmt::format("{}: units must be positive, found {}", title(), units));
    set_activity_regularizer(options_.activity_regularizer);
  }

  Config config() const override {
    Config c = base_config();
    return c.merge({{"units", units_},
                    {"activation", options_.activation.to_config()},
                    {"use_bias", options_.use_bias},
                    {"kernel_initializer", options_.kernel_initializer.to_config()},
                    {"bias_initializer", options_.bias_initializer.to_config()},
                    {"kernel_regularizer", options_.kernel_regularizer.to_config()},
                    {"bias_regularizer", options_.bias_regularizer.to_config()},
                    {"kernel_constraint", options_.kernel_constraint.to_config()},
                    {"bias_constraint", options_.bias_constraint.to_config()}});
  }

  void build(std::span<const ValueType> inputs) override {
    const Shape& x = check_one(inputs);
    kernel_ = add_weight("kernel", {x.dim(-1), units_}, options_.kernel_initializer, true,
                         options_.kernel_regularizer);
    kernel_->constraint = options_.kernel_constraint;
    if (options_.use_bias) {
      bias_ =
          add_weight("bias", {units_}, options_.bias_initializer, true, options_.bias_regularizer);
      bias_->constraint = options_.bias_constraint;
    }
  }

  std::shared_ptr<LayerImpl> clone() const override {
    auto options = options_;
    options.name = name();
    return std::make_shared<DenseImpl>(units_, std::move(options), SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = inputs[0].dtype() == dtype() ? inputs[0] : cast(inputs[0], dtype());
    const int64_t expected = checked_variable(kernel_).value.shape()[0];
    if (x.rank() < 2 || x.shape().dim(-1) != expected) {
      throw ShapeError(fmt::format("{}: input {} has {}, the kernel {} expects {}", title(),
                                   x.shape().to_string(),
                                   counted_text(dimension_text(x.shape().dim(-1)), "feature"),
                                   kernel_->value.shape().to_string(), expected));
    }
    const Symbol kernel = context.variable(kernel_);
    const Symbol bias = options_.use_bias ? context.variable(bias_) : Symbol();
    return {options_.activation(dense(x, kernel, bias))};
  }

 private:
  const Shape& check_one(std::span<const ValueType> inputs) const {
    if (inputs.size() != 1)
      throw ShapeError(fmt::format("{}: takes one input, found {}", title(), inputs.size()));
    const Shape& shape = inputs[0].shape;
    if (shape.rank() < 2 || shape.dim(-1) <= 0) {
      throw ShapeError(
          fmt::format("{}: input must be [batch, ..., features] with known features, found {}",
                      title(), shape.to_string()));
    }
    return shape;
  }

  int64_t units_;
  DenseOptions options_;
  VariablePtr kernel_, bias_;
};

Layer dense_from_config(const Config& c, SourceLocation where) {
  return Dense(c.get_int("units", 0),
               {.activation = ActivationFunction::from_config(c.get("activation")),
                .use_bias = c.get_bool("use_bias", true),
                .kernel_initializer = c.contains("kernel_initializer")
                                          ? Initializer::from_config(c.get("kernel_initializer"))
                                          : Initializer("glorot_uniform"),
                .bias_initializer = c.contains("bias_initializer")
                                        ? Initializer::from_config(c.get("bias_initializer"))
                                        : Initializer("zeros"),
                .kernel_regularizer = Regularizer::from_config(c.get("kernel_regularizer")),
                .bias_regularizer = Regularizer::from_config(c.get("bias_regularizer")),
                .kernel_constraint = Constraint::from_config(c.get("kernel_constraint")),
                .bias_constraint = Constraint::from_config(c.get("bias_constraint")),
                .name = c.get_string("name", "")},
               where);
}

Layer input_from_config(const Config& c, SourceLocation where) {
  // Keras 3 writes batch_shape, Keras 2 batch_input_shape; the first entry is the batch.
  std::vector<int64_t> dims =
      c.get_ints(c.contains("batch_shape") ? "batch_shape" : "batch_input_shape", {});
  if (!dims.empty()) dims.erase(dims.begin());
  InputOptions options{.name = c.get_string("name", "")};
  if (const auto* dtype = c.get("dtype").as<std::string>()) options.dtype = parse_dtype(*dtype);
  return Layer(std::make_shared<InputLayerImpl>(Shape(std::move(dims)), options, where));
}

}  // namespace

Dense::Dense(WholeNumber units, DenseOptions options, SourceLocation where)
    : Layer(std::make_shared<DenseImpl>(units, std::move(options), where)) {}

Dense::Dense(WholeNumber units, ActivationArgument activation, SourceLocation where)
    : Dense(units, {.activation = std::move(activation).function()}, where) {}

void register_core_layers() {
  register_layer("InputLayer", input_from_config);
  register_layer("Dense", dense_from_config);
  register_maxout();
}

}  // namespace sinter
