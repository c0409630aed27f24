// LayerNormalization, RMSNormalization and UnitNormalization over the composites of
// ops/layer_norm.cc and ops/reduce.cc.
#include "frontend/layers/layer_normalization.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/scaled_normalization.h"
#include "frontend/layers/simple_layer.h"
#include "ops/layer_norm.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

// One axis as a number, several as a list, as they are given and as Keras writes them.
ConfigValue axis_value(const Axes& axis) {
  if (axis.list().size() == 1) return axis.list()[0];
  return ConfigValue::ints(axis.list());
}

// As in Keras: the axes as they are given, ascending; -1 is before 1.
Ints ascending(const Axes& axis) {
  Ints axes = axis.list();
  std::ranges::sort(axes);
  return axes;
}

// Once the layer is built, always a list.
ConfigValue built_axis_value(const Axes& axis) { return ConfigValue::ints(ascending(axis)); }

void check_given(const std::string& title, const Axes& axis) {
  if (axis.list().empty()) throw Error(fmt::format("{}: axis must name one axis or more", title));
}

// The axes counted from the start, ascending.
Ints sample_axes(const std::string& title, const Shape& x, const Axes& axis) {
  Ints result;
  for (const int64_t given : axis.list()) {
    const int64_t at = given < 0 ? given + x.rank() : given;
    if (at < 0 || at >= x.rank())
      throw ShapeError(fmt::format("{}: the input {} has no axis {}", title, x.to_string(), given));
    if (at == 0) throw ShapeError(fmt::format("{}: axis {} is the batch", title, given));
    if (std::ranges::find(result, at) != result.end())
      throw ShapeError(fmt::format("{}: axis {} is given twice", title, given));
    result.push_back(at);
  }
  std::ranges::sort(result);
  return result;
}

Shape dimensions_at(const Shape& x, const Ints& axes) {
  Ints dims;
  for (const int64_t axis : axes) dims.push_back(x[static_cast<int>(axis)]);
  return Shape(std::move(dims));
}

// The rank of x, with its dimensions at `axes` and 1 elsewhere.
Shape broadcast_shape(const Shape& x, const Ints& axes) {
  Ints dims(static_cast<size_t>(x.rank()), 1);
  for (const int64_t axis : axes) dims[static_cast<size_t>(axis)] = x[static_cast<int>(axis)];
  return Shape(std::move(dims));
}

class LayerNormalizationImpl : public ScaledNormalizationImpl<LayerNormalizationOptions> {
 public:
  LayerNormalizationImpl(LayerNormalizationOptions options, SourceLocation where)
      : ScaledNormalizationImpl("LayerNormalization", std::move(options), where) {
    check_given(title(), this->options().axis);
  }

  Config config() const override {
    const LayerNormalizationOptions& o = options();
    Config c = base_config();
    return c
        .merge({{"axis", built() ? built_axis_value(o.axis) : axis_value(o.axis)},
                {"epsilon", o.epsilon},
                {"center", o.center},
                {"scale", o.scale},
                {"rms_scaling", o.rms_scaling}})
        .merge(weight_settings());
  }

  void build(std::span<const ValueType> inputs) override {
    const Shape& x = only_input(title(), inputs).shape;
    const LayerNormalizationOptions& o = options();
    sample_axes(title(), x, o.axis);  // raises ShapeError for one that does not fit
    // Keras's gamma of axes [1, -1] has the last dimension first, and its values go over the axes
    // of the input in their order nonetheless.
    Ints dims;
    for (const int64_t axis : ascending(o.axis)) dims.push_back(x.dim(static_cast<int>(axis)));
    const Shape shape(std::move(dims));
    if (o.scale || o.rms_scaling) add_gamma(shape);
    if (o.center && !o.rms_scaling) add_beta(shape);
  }

  std::shared_ptr<LayerImpl> clone() const override {
    return std::make_shared<LayerNormalizationImpl>(options_with_name(), SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = cast(only_input(title(), inputs), dtype());
    const LayerNormalizationOptions& o = options();
    const Ints axes = sample_axes(title(), x.shape(), o.axis);
    const Shape shape = broadcast_shape(x.shape(), axes);
    if (o.rms_scaling)
      return {x * rsqrt(variance(x, axes, true) + o.epsilon) * gamma(context, shape)};
    const Symbol scale = gamma(context, shape), offset = beta(context, shape);
    return {layer_norm(x, scale, offset, axes, o.epsilon).y};
  }
};

class RMSNormalizationImpl : public LayerImpl {
 public:
  RMSNormalizationImpl(RMSNormalizationOptions options, SourceLocation where)
      : LayerImpl("RMSNormalization", options.name, where), options_(std::move(options)) {
    check_given(title(), options_.axis);
    check_number(title(), "epsilon", options_.epsilon, kNotNegative);
  }

  Config config() const override {
    Config c = base_config();
    return c.merge({{"axis", built() ? built_axis_value(options_.axis) : axis_value(options_.axis)},
                    {"epsilon", options_.epsilon}});
  }

  void build(std::span<const ValueType> inputs) override {
    const Shape& x = only_input(title(), inputs).shape;
    scale_ = add_weight("scale", dimensions_at(x, sample_axes(title(), x, options_.axis)), "ones");
  }

  std::shared_ptr<LayerImpl> clone() const override {
    auto options = options_;
    options.name = name();
    return std::make_shared<RMSNormalizationImpl>(std::move(options), SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = cast(only_input(title(), inputs), dtype());
    const Ints axes = sample_axes(title(), x.shape(), options_.axis);
    const Symbol scale = weight_as(title(), context, scale_, broadcast_shape(x.shape(), axes));
    return {rms_norm(x, scale, axes, options_.epsilon).y};
  }

 private:
  RMSNormalizationOptions options_;
  VariablePtr scale_;
};

}  // namespace

LayerNormalization::LayerNormalization(LayerNormalizationOptions options, SourceLocation where)
    : Layer(std::make_shared<LayerNormalizationImpl>(std::move(options), where)) {}

RMSNormalization::RMSNormalization(RMSNormalizationOptions options, SourceLocation where)
    : Layer(std::make_shared<RMSNormalizationImpl>(std::move(options), where)) {}

UnitNormalization::UnitNormalization(UnitNormalizationOptions options, SourceLocation where)
    : Layer(simple_layer("UnitNormalization", options.name, where,
                         {{"axis", axis_value(options.axis)}},
                         [axis = options.axis](Symbol x) { return normalize(x, axis, 1e-12); })) {}

void register_layer_normalization() {
  register_layer("LayerNormalization", [](const Config& c, SourceLocation where) -> Layer {
    auto o = scaled_normalization_options<LayerNormalizationOptions>(c);
    o.axis = c.get_ints("axis", {-1});
    o.rms_scaling = c.get_bool("rms_scaling", false);
    return LayerNormalization(std::move(o), where);
  });
  register_layer("RMSNormalization", [](const Config& c, SourceLocation where) -> Layer {
    return RMSNormalization({.axis = c.get_ints("axis", {-1}),
                             .epsilon = c.get_float("epsilon", 1e-6),
                             .name = c.get_string("name", "")},
                            where);
  });
  register_layer("UnitNormalization", [](const Config& c, SourceLocation where) -> Layer {
    return UnitNormalization({.axis = c.get_ints("axis", {-1}), .name = c.get_string("name", "")},
                             where);
  });
}

}  // namespace sinter
