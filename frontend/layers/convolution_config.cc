#include "frontend/layers/convolution_config.h"

#include <fmt/format.h>

namespace sinter {
namespace {

// What Keras calls the settings of the kernel: "kernel_initializer", "depthwise_initializer".
const char* kernel_name(ConvolutionKind kind) {
  return kind == ConvolutionKind::kPlain || kind == ConvolutionKind::kTransposed ? "kernel"
                                                                                 : "depthwise";
}

WeightSettings read_weight(const Config& c, const std::string& name, const char* initializer) {
  const std::string key = name + "_initializer";
  return {c.contains(key) ? Initializer::from_config(c.get(key)) : Initializer(initializer),
          Regularizer::from_config(c.get(name + "_regularizer")),
          Constraint::from_config(c.get(name + "_constraint"))};
}

}  // namespace

ConvolutionSettings::ConvolutionSettings(ConvOptions o)
    : strides(std::move(o.strides)),
      padding(std::move(o.padding)),
      data_format(std::move(o.data_format)),
      dilation_rate(std::move(o.dilation_rate)),
      groups(o.groups),
      activation(std::move(o.activation)),
      use_bias(o.use_bias),
      kernel{std::move(o.kernel_initializer), std::move(o.kernel_regularizer),
             std::move(o.kernel_constraint)},
      bias{std::move(o.bias_initializer), std::move(o.bias_regularizer),
           std::move(o.bias_constraint)},
      activity_regularizer(std::move(o.activity_regularizer)),
      name(std::move(o.name)) {}

ConvolutionSettings::ConvolutionSettings(DepthwiseConvOptions o)
    : strides(std::move(o.strides)),
      padding(std::move(o.padding)),
      data_format(std::move(o.data_format)),
      dilation_rate(std::move(o.dilation_rate)),
      depth_multiplier(o.depth_multiplier),
      activation(std::move(o.activation)),
      use_bias(o.use_bias),
      kernel{std::move(o.depthwise_initializer), std::move(o.depthwise_regularizer),
             std::move(o.depthwise_constraint)},
      bias{std::move(o.bias_initializer), std::move(o.bias_regularizer),
           std::move(o.bias_constraint)},
      activity_regularizer(std::move(o.activity_regularizer)),
      name(std::move(o.name)) {}

ConvolutionSettings::ConvolutionSettings(SeparableConvOptions o)
    : strides(std::move(o.strides)),
      padding(std::move(o.padding)),
      data_format(std::move(o.data_format)),
      dilation_rate(std::move(o.dilation_rate)),
      depth_multiplier(o.depth_multiplier),
      activation(std::move(o.activation)),
      use_bias(o.use_bias),
      kernel{std::move(o.depthwise_initializer), std::move(o.depthwise_regularizer),
             std::move(o.depthwise_constraint)},
      pointwise{std::move(o.pointwise_initializer), std::move(o.pointwise_regularizer),
                std::move(o.pointwise_constraint)},
      bias{std::move(o.bias_initializer), std::move(o.bias_regularizer),
           std::move(o.bias_constraint)},
      activity_regularizer(std::move(o.activity_regularizer)),
      name(std::move(o.name)) {}

ConvolutionSettings::ConvolutionSettings(ConvTransposeOptions o)
    : strides(std::move(o.strides)),
      padding(std::move(o.padding)),
      data_format(std::move(o.data_format)),
      dilation_rate(std::move(o.dilation_rate)),
      output_padding(std::move(o.output_padding)),
      activation(std::move(o.activation)),
      use_bias(o.use_bias),
      kernel{std::move(o.kernel_initializer), std::move(o.kernel_regularizer),
             std::move(o.kernel_constraint)},
      bias{std::move(o.bias_initializer), std::move(o.bias_regularizer),
           std::move(o.bias_constraint)},
      activity_regularizer(std::move(o.activity_regularizer)),
      name(std::move(o.name)) {}

ConvolutionSettings ConvolutionSettings::from_config(ConvolutionKind kind, int rank,
                                                     const Config& c) {
  ConvolutionSettings s{ConvOptions{}};
  s.kind = kind;
  s.rank = rank;
  s.filters = c.get_int("filters", 0);
  s.kernel_size = c.get_ints("kernel_size", {1});
  s.strides = c.get_ints("strides", {1});
  s.padding = c.get_string("padding", "valid");
  s.data_format = read_data_format(c);
  s.dilation_rate = c.get_ints("dilation_rate", {1});
  // Keras 2 writes the groups of depthwise layers, too: as many as there are channels, or 1.
  const int64_t groups = c.get_int("groups", 1);
  if (kind == ConvolutionKind::kPlain) s.groups = groups;
  if (kind == ConvolutionKind::kDepthwise || kind == ConvolutionKind::kSeparable)
    s.depth_multiplier = c.get_int("depth_multiplier", 1);
  if (kind == ConvolutionKind::kTransposed && !c.get("output_padding").is_null())
    s.output_padding = c.get_ints("output_padding", {});
  s.activation = ActivationFunction::from_config(c.get("activation"));
  s.use_bias = c.get_bool("use_bias", true);
  s.kernel = read_weight(c, kernel_name(kind), "glorot_uniform");
  if (kind == ConvolutionKind::kSeparable)
    s.pointwise = read_weight(c, "pointwise", "glorot_uniform");
  s.bias = read_weight(c, "bias", "zeros");
  s.name = c.get_string("name", "");
  return s;
}

Config ConvolutionSettings::to_config(const WindowSettings& w) const {
  Config c;
  const auto of_weights = [&](const char* what, auto setting) {
    const std::string suffix = std::string("_") + what;
    c.set(kernel_name(kind) + suffix, setting(kernel));
    if (kind == ConvolutionKind::kSeparable) c.set("pointwise" + suffix, setting(pointwise));
    c.set("bias" + suffix, setting(bias));
  };
  if (kind != ConvolutionKind::kDepthwise) c.set("filters", filters);
  c.set("kernel_size", ConfigValue::ints(w.size()));
  c.set("strides", ConfigValue::ints(w.strides()));
  c.set("padding", w.padding());
  if (kind == ConvolutionKind::kDepthwise) c.set("depth_multiplier", depth_multiplier);
  c.set("data_format", w.data_format());
  c.set("dilation_rate", ConfigValue::ints(w.dilations()));
  if (kind == ConvolutionKind::kPlain) c.set("groups", groups);
  if (kind == ConvolutionKind::kSeparable) c.set("depth_multiplier", depth_multiplier);
  c.set("activation", activation.to_config());
  c.set("use_bias", use_bias);
  of_weights("initializer", [](const WeightSettings& s) { return s.initializer.to_config(); });
  of_weights("regularizer", [](const WeightSettings& s) { return s.regularizer.to_config(); });
  of_weights("constraint", [](const WeightSettings& s) { return s.constraint.to_config(); });
  if (kind == ConvolutionKind::kTransposed)
    c.set("output_padding",
          output_padding ? ConfigValue::ints(output_padding->values()) : ConfigValue(nullptr));
  return c;
}

std::string ConvolutionSettings::class_name() const {
  switch (kind) {
    case ConvolutionKind::kPlain: return fmt::format("Conv{}D", rank);
    case ConvolutionKind::kDepthwise: return fmt::format("DepthwiseConv{}D", rank);
    case ConvolutionKind::kSeparable: return fmt::format("SeparableConv{}D", rank);
    case ConvolutionKind::kTransposed: return fmt::format("Conv{}DTranspose", rank);
  }
  return {};
}

}  // namespace sinter
