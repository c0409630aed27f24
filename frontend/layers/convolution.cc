// The convolution layers: one implementation, whose kind says what its weights are and which ops
// they go through.
#include "frontend/layers/convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layers/convolution_config.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

class ConvolutionImpl : public LayerImpl {
 public:
  ConvolutionImpl(ConvolutionSettings settings, SourceLocation where)
      : LayerImpl(settings.class_name(), settings.name, where),
        settings_(std::move(settings)),
        windows_(title(), settings_.rank, "kernel_size", settings_.kernel_size, settings_.strides,
                 settings_.dilation_rate, settings_.padding, settings_.data_format,
                 settings_.kind == ConvolutionKind::kPlain && settings_.rank == 1) {
    const ConvolutionSettings& s = settings_;
    const auto positive = [&](const char* name, int64_t value) {
      if (value < 1)
        throw Error(fmt::format("{}: {} must be positive, found {}", title(), name, value));
    };
    if (s.kind != ConvolutionKind::kDepthwise) positive("filters", s.filters);
    positive("groups", s.groups);
    positive("depth_multiplier", s.depth_multiplier);
    if (s.filters % s.groups != 0)
      throw Error(fmt::format("{}: {} do not divide {}", title(), counted(s.groups, "group"),
                              counted(s.filters, "filter")));
    if (s.output_padding) {
      for (const auto& [padding, stride] : output_paddings()) {
        if (padding < 0 || padding >= stride)
          throw Error(
              fmt::format("{}: output_padding must be from 0 to below the strides, found {} "
                          "with strides {}",
                          title(), padding, stride));
      }
    }
    set_activity_regularizer(s.activity_regularizer);
  }

  Config config() const override {
    Config c = base_config();
    return c.merge(settings_.to_config(windows_));
  }

  std::shared_ptr<LayerImpl> clone() const override {
    ConvolutionSettings settings = settings_;
    settings.name = name();
    return std::make_shared<ConvolutionImpl>(std::move(settings), SourceLocation::current());
  }

  void build(std::span<const ValueType> inputs) override {
    const ConvolutionSettings& s = settings_;
    const int64_t channels = channels_of(inputs[0].shape);
    const int64_t spread = checked_product(channels, s.depth_multiplier);
    int64_t outputs = s.filters;
    switch (s.kind) {
      case ConvolutionKind::kPlain:
        if (channels % s.groups != 0)
          throw ShapeError(fmt::format("{}: {} do not divide the {} of input {}", title(),
                                       counted(s.groups, "group"), counted(channels, "channel"),
                                       inputs[0].shape.to_string()));
        kernel_ = add("kernel", windows_.size(), channels / s.groups, s.filters, s.kernel);
        break;
      case ConvolutionKind::kTransposed:
        kernel_ = add("kernel", windows_.size(), s.filters, channels, s.kernel);
        break;
      case ConvolutionKind::kDepthwise:
        kernel_ = add("kernel", windows_.size(), channels, s.depth_multiplier, s.kernel);
        outputs = spread;
        break;
      case ConvolutionKind::kSeparable:
        kernel_ = add("depthwise_kernel", windows_.size(), channels, s.depth_multiplier, s.kernel);
        pointwise_ = add("pointwise_kernel", Ints(windows_.size().size(), 1), spread, s.filters,
                         s.pointwise);
        break;
    }
    if (!s.use_bias) return;
    bias_ = add_weight("bias", {outputs}, s.bias.initializer, true, s.bias.regularizer);
    bias_->constraint = s.bias.constraint;
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    if (inputs.size() != 1)
      throw ShapeError(fmt::format("{}: takes one input, given {}", title(), inputs.size()));
    check_channels(inputs[0].shape());
    if (settings_.kind != ConvolutionKind::kTransposed)
      windows_.check_fits(title(), "kernel", inputs[0].shape());
    const Symbol given = inputs[0].dtype() == dtype() ? inputs[0] : cast(inputs[0], dtype());
    const Symbol x = windows_.to_channels_last(given);
    Symbol y = convolved(x, context);
    if (bias_) y = y + context.variable(bias_);
    return {windows_.from_channels_last(settings_.activation(y))};
  }

 private:
  VariablePtr add(const char* name, Ints dims, int64_t in, int64_t out,
                  const WeightSettings& settings) {
    dims.push_back(in);
    dims.push_back(out);
    VariablePtr weight =
        add_weight(name, Shape(std::move(dims)), settings.initializer, true, settings.regularizer);
    weight->constraint = settings.constraint;
    return weight;
  }

  int64_t channels_of(const Shape& input) const { return windows_.channels_of(title(), input); }

  void check_channels(const Shape& input) const {
    const Shape& kernel = kernel_->value.shape();
    const int64_t channels = channels_of(input);
    int64_t expected = kernel.dim(-2) * settings_.groups;
    if (settings_.kind == ConvolutionKind::kTransposed) expected = kernel.dim(-1);
    if (channels != expected)
      throw ShapeError(fmt::format("{}: input {} has {}, the kernel {} expects {}", title(),
                                   input.to_string(), counted(channels, "channel"),
                                   kernel.to_string(), expected));
  }

  Symbol convolved(Symbol x, CallContext& context) const {
    const Ints spatial = spatial_of(x.shape());
    const Symbol kernel = context.variable(kernel_);
    if (settings_.kind == ConvolutionKind::kTransposed) return transposed(x, kernel, spatial);
    const Window window = windows_.window(spatial);
    if (settings_.kind == ConvolutionKind::kPlain)
      return convolution(x, kernel, window, settings_.groups);
    const int64_t channels = x.shape().dim(-1);
    Ints dims = windows_.size();
    dims.push_back(1);
    dims.push_back(channels * settings_.depth_multiplier);
    const Symbol y = convolution(x, reshape(kernel, Shape(dims)), window, channels);
    if (settings_.kind == ConvolutionKind::kDepthwise) return y;
    return convolution(y, context.variable(pointwise_));
  }

  std::vector<std::pair<int64_t, int64_t>> output_paddings() const {
    Ints given = settings_.output_padding->values();
    if (given.size() == 1) given.resize(static_cast<size_t>(settings_.rank), given[0]);
    if (given.size() != static_cast<size_t>(settings_.rank))
      throw Error(
          fmt::format("{}: output_padding needs one number, or one for each of {} spatial "
                      "dimensions, found {}",
                      title(), settings_.rank, given.size()));
    std::vector<std::pair<int64_t, int64_t>> pairs;
    for (size_t d = 0; d < given.size(); ++d) pairs.emplace_back(given[d], windows_.strides()[d]);
    return pairs;
  }

  // Input i adds to output i * stride + tap * dilation - low. "same" takes as much off before as
  // behind, and one more behind where that is odd; with an output_padding, it is the number of
  // outputs, stride * (n - 1) + extent % 2 + padding, that says how much.
  Symbol transposed(Symbol x, Symbol kernel, const Ints& spatial) const {
    Window window{.strides = windows_.strides(), .dilations = windows_.dilations()};
    Ints outputs;
    for (size_t d = 0; d < spatial.size(); ++d) {
      const int64_t stride = windows_.strides()[d];
      const int64_t extent =
          checked_sum(checked_product(windows_.size()[d] - 1, windows_.dilations()[d]), 1);
      const int64_t all = checked_sum(checked_product(spatial[d] - 1, stride), extent);
      std::optional<int64_t> more;
      if (settings_.output_padding) more = output_paddings()[d].first;
      int64_t low = 0;
      if (windows_.padding() == "valid") {
        outputs.push_back(all + more.value_or(std::max<int64_t>(stride - extent, 0)));
      } else {
        const int64_t padded =
            more ? extent + extent % 2 - 2 + *more : checked_sum(stride, extent) - 2;
        const int64_t before = std::min((padded + 1) / 2, extent - 1);
        low = extent - 1 - before;
        outputs.push_back(all + padded - 2 * (extent - 1));
      }
      window.low.push_back(low);
      window.high.push_back(std::max<int64_t>(all - outputs.back() - low, 0));
    }
    return convolution_transpose(x, kernel, outputs, window);
  }

  ConvolutionSettings settings_;
  WindowSettings windows_;
  VariablePtr kernel_, pointwise_, bias_;
};

std::shared_ptr<LayerImpl> make(ConvolutionKind kind, int rank, int64_t filters, Sizes kernel_size,
                                ConvolutionSettings settings, SourceLocation where) {
  settings.kind = kind;
  settings.rank = rank;
  settings.filters = filters;
  settings.kernel_size = std::move(kernel_size);
  return std::make_shared<ConvolutionImpl>(std::move(settings), where);
}

template <ConvolutionKind kind, int rank>
Layer from_config(const Config& c, SourceLocation where) {
  return Layer(
      std::make_shared<ConvolutionImpl>(ConvolutionSettings::from_config(kind, rank, c), where));
}

}  // namespace

Conv1D::Conv1D(WholeNumber filters, Sizes kernel_size, ConvOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kPlain, 1, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}
Conv2D::Conv2D(WholeNumber filters, Sizes kernel_size, ConvOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kPlain, 2, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}
Conv3D::Conv3D(WholeNumber filters, Sizes kernel_size, ConvOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kPlain, 3, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}

DepthwiseConv1D::DepthwiseConv1D(Sizes kernel_size, DepthwiseConvOptions options,
                                 SourceLocation where)
    : Layer(make(ConvolutionKind::kDepthwise, 1, 0, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}
DepthwiseConv2D::DepthwiseConv2D(Sizes kernel_size, DepthwiseConvOptions options,
                                 SourceLocation where)
    : Layer(make(ConvolutionKind::kDepthwise, 2, 0, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}

SeparableConv1D::SeparableConv1D(WholeNumber filters, Sizes kernel_size,
                                 SeparableConvOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kSeparable, 1, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}
SeparableConv2D::SeparableConv2D(WholeNumber filters, Sizes kernel_size,
                                 SeparableConvOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kSeparable, 2, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}

Conv1DTranspose::Conv1DTranspose(WholeNumber filters, Sizes kernel_size,
                                 ConvTransposeOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kTransposed, 1, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}
Conv2DTranspose::Conv2DTranspose(WholeNumber filters, Sizes kernel_size,
                                 ConvTransposeOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kTransposed, 2, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}
Conv3DTranspose::Conv3DTranspose(WholeNumber filters, Sizes kernel_size,
                                 ConvTransposeOptions options, SourceLocation where)
    : Layer(make(ConvolutionKind::kTransposed, 3, filters, std::move(kernel_size),
                 ConvolutionSettings(std::move(options)), where)) {}

void register_convolution_layers() {
  using Kind = ConvolutionKind;
  register_layer("Conv1D", from_config<Kind::kPlain, 1>);
  register_layer("Conv2D", from_config<Kind::kPlain, 2>);
  register_layer("Conv3D", from_config<Kind::kPlain, 3>);
  register_layer("DepthwiseConv1D", from_config<Kind::kDepthwise, 1>);
  register_layer("DepthwiseConv2D", from_config<Kind::kDepthwise, 2>);
  register_layer("SeparableConv1D", from_config<Kind::kSeparable, 1>);
  register_layer("SeparableConv2D", from_config<Kind::kSeparable, 2>);
  register_layer("Conv1DTranspose", from_config<Kind::kTransposed, 1>);
  register_layer("Conv2DTranspose", from_config<Kind::kTransposed, 2>);
  register_layer("Conv3DTranspose", from_config<Kind::kTransposed, 3>);
}

}  // namespace sinter
