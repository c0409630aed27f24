// Convolution layers of one, two and three spatial dimensions: plain, depthwise, separable and
// transposed. Their input is [batch, spatial.., channels] or, with data_format "channels_first",
// [batch, channels, spatial..], their output of the same form. "same" pads with zeros so that there
// is an output for each `strides` inputs, the odd one behind; "valid" pads nothing; "causal" (of
// Conv1D) pads before alone.
//
// Constructors raise Error for settings that cannot be; the first call raises ShapeError where the
// input does not fit.
#pragma once

#include <optional>

#include "frontend/activations.h"
#include "frontend/layers/windowed.h"

namespace sinter {

struct ConvOptions {
  Sizes strides = 1;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  Sizes dilation_rate = 1;
  int64_t groups = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = "";
};

/// activation(x * kernel + bias); weights kernel [size.., channels / groups, filters], bias
/// [filters].
class Conv1D : public Layer {
 public:
  Conv1D(WholeNumber filters, Sizes kernel_size, ConvOptions options = {},
         SourceLocation where = SourceLocation::current());
};
class Conv2D : public Layer {
 public:
  Conv2D(WholeNumber filters, Sizes kernel_size, ConvOptions options = {},
         SourceLocation where = SourceLocation::current());
};
class Conv3D : public Layer {
 public:
  Conv3D(WholeNumber filters, Sizes kernel_size, ConvOptions options = {},
         SourceLocation where = SourceLocation::current());
};

struct DepthwiseConvOptions {
  Sizes strides = 1;
  std::string padding = "valid";
  int64_t depth_multiplier = 1;
  std::string data_format = "channels_last";
  Sizes dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = "";
};

/// Each channel by itself, into `depth_multiplier` outputs; weights kernel [size.., channels,
/// depth_multiplier], bias [channels * depth_multiplier].
class DepthwiseConv1D : public Layer {
 public:
  explicit DepthwiseConv1D(Sizes kernel_size, DepthwiseConvOptions options = {},
                           SourceLocation where = SourceLocation::current());
};
class DepthwiseConv2D : public Layer {
 public:
  explicit DepthwiseConv2D(Sizes kernel_size, DepthwiseConvOptions options = {},
                           SourceLocation where = SourceLocation::current());
};

struct SeparableConvOptions {
  Sizes strides = 1;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  Sizes dilation_rate = 1;
  int64_t depth_multiplier = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer pointwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint pointwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = "";
};

/// A depthwise convolution and one of a single element over its outputs (Chollet, "Xception", 2017);
/// weights depthwise_kernel [size.., channels, depth_multiplier], pointwise_kernel [1.., channels *
/// depth_multiplier, filters], bias [filters].
class SeparableConv1D : public Layer {
 public:
  SeparableConv1D(WholeNumber filters, Sizes kernel_size, SeparableConvOptions options = {},
                  SourceLocation where = SourceLocation::current());
};
class SeparableConv2D : public Layer {
 public:
  SeparableConv2D(WholeNumber filters, Sizes kernel_size, SeparableConvOptions options = {},
                  SourceLocation where = SourceLocation::current());
};

struct ConvTransposeOptions {
  Sizes strides = 1;
  std::string padding = "valid";
  /// Elements more behind the last one in each spatial dimension; less than the strides. Without
  /// it, "valid" gives strides * (n - 1) + size, at least strides * n, and "same" strides * n.
  std::optional<Sizes> output_padding = std::nullopt;
  std::string data_format = "channels_last";
  Sizes dilation_rate = 1;
  ActivationFunction activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = "";
};

/// The transpose of a convolution, which goes the way of its gradient; weights kernel [size..,
/// filters, channels], bias [filters].
class Conv1DTranspose : public Layer {
 public:
  Conv1DTranspose(WholeNumber filters, Sizes kernel_size, ConvTransposeOptions options = {},
                  SourceLocation where = SourceLocation::current());
};
class Conv2DTranspose : public Layer {
 public:
  Conv2DTranspose(WholeNumber filters, Sizes kernel_size, ConvTransposeOptions options = {},
                  SourceLocation where = SourceLocation::current());
};
class Conv3DTranspose : public Layer {
 public:
  Conv3DTranspose(WholeNumber filters, Sizes kernel_size, ConvTransposeOptions options = {},
                  SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
