// The settings of all convolution layers as one, and what Keras's files call them.
#pragma once

#include <optional>
#include <string>

#include "frontend/layers/convolution.h"

namespace sinter {

enum class ConvolutionKind : uint8_t { kPlain, kDepthwise, kSeparable, kTransposed };

/// Of one weight.
struct WeightSettings {
  Initializer initializer;
  Regularizer regularizer;
  Constraint constraint;
};

struct ConvolutionSettings {
  ConvolutionKind kind = ConvolutionKind::kPlain;
  int rank = 2;
  int64_t filters = 0;
  Sizes kernel_size = 1, strides = 1;
  std::string padding, data_format;
  Sizes dilation_rate = 1;
  int64_t groups = 1, depth_multiplier = 1;
  std::optional<Sizes> output_padding = std::nullopt;
  ActivationFunction activation;
  bool use_bias = true;
  WeightSettings kernel, pointwise = {"glorot_uniform", {}, {}}, bias;
  Regularizer activity_regularizer;
  std::string name;

  explicit ConvolutionSettings(ConvOptions o);
  explicit ConvolutionSettings(DepthwiseConvOptions o);
  explicit ConvolutionSettings(SeparableConvOptions o);
  explicit ConvolutionSettings(ConvTransposeOptions o);

  static ConvolutionSettings from_config(ConvolutionKind kind, int rank, const Config& config);
  /// Without what all layers have; of the windows the entries of all dimensions.
  Config to_config(const WindowSettings& windows) const;
  /// "Conv2D", "Conv2DTranspose" ...
  std::string class_name() const;
};

}  // namespace sinter
