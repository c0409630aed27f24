// The dropout layers.
#include "frontend/layers/dropout.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/argument_checks.h"
#include "frontend/layers/data_format.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

/// Which elements share a mask says noise_shape().
class DropoutBase : public LayerImpl {
 public:
  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = only_input(title(), inputs);
    const Shape noise = noise_shape(x.shape());
    if (rate_ == 0 || context.inference()) return {x};
    const int64_t stream = stream_of_call(context, name(), seed_);
    return {dropout(x, context.random_state(), rate_, stream, noise)};
  }

 protected:
  DropoutBase(const char* class_name, RealNumber rate, std::optional<int64_t> seed,
              const std::string& name, SourceLocation where)
      : LayerImpl(class_name, name, where), rate_(rate), seed_(seed) {
    check_number(title(), "rate", rate, kZeroToOne);
    warn_of_whole_zero(title(), "rate", rate.is_whole_zero());
  }
  virtual Shape noise_shape(const Shape& x) const = 0;

  const double rate_;
  const std::optional<int64_t> seed_;
};

class DropoutImpl : public DropoutBase {
 public:
  DropoutImpl(RealNumber rate, DropoutOptions options, SourceLocation where)
      : DropoutBase("Dropout", rate, options.seed, options.name, where),
        options_(std::move(options)) {}

  Config config() const override {
    Config c = base_config();
    return c.merge({{"rate", rate_},
                    {"seed", seed_value(seed_)},
                    {"noise_shape", noise_shape_value(options_.noise_shape)}});
  }

  std::shared_ptr<LayerImpl> clone() const override {
    auto options = options_;
    options.name = name();
    return std::make_shared<DropoutImpl>(rate_, std::move(options), SourceLocation::current());
  }

 private:
  Shape noise_shape(const Shape&) const override { return Shape(options_.noise_shape); }

  DropoutOptions options_;
};

class SpatialDropoutImpl : public DropoutBase {
 public:
  SpatialDropoutImpl(int dimensions, RealNumber rate, SpatialDropoutOptions options,
                     SourceLocation where)
      : DropoutBase(kNames[dimensions - 1], rate, options.seed, options.name, where),
        dimensions_(dimensions),
        options_(std::move(options)),
        format_(data_format_or_last(options_.data_format)) {
    if (!find_data_format(options_.data_format))
      throw Error(fmt::format("{}: {}", title(), data_format_mistake(options_.data_format)));
    if (dimensions == 1 && format_ != DataFormat::kChannelsLast)
      throw Error(fmt::format("{}: data_format must be channels_last", title()));
  }

  // Keras's constructors take no `trainable`, which says nothing here.
  Config config() const override {
    Config c = {{"rate", rate_},
                {"seed", seed_value(seed_)},
                {"name", name()},
                {"dtype", std::string(dtype_name(dtype()))}};
    if (dimensions_ > 1) c.set("data_format", options_.data_format);
    return c;
  }

  std::shared_ptr<LayerImpl> clone() const override {
    auto options = options_;
    options.name = name();
    return std::make_shared<SpatialDropoutImpl>(dimensions_, rate_, std::move(options),
                                                SourceLocation::current());
  }

 private:
  static constexpr const char* kNames[] = {"SpatialDropout1D", "SpatialDropout2D",
                                           "SpatialDropout3D"};

  Shape noise_shape(const Shape& x) const override {
    check_rank(x, dimensions_ + 2, spatial_text(dimensions_, format_));
    std::vector<int64_t> dims(static_cast<size_t>(x.rank()), 1);
    const int channels = channel_axis(x.rank(), format_);
    dims[0] = x[0];
    dims[static_cast<size_t>(channels)] = x[channels];
    return Shape(std::move(dims));
  }

  int dimensions_;
  SpatialDropoutOptions options_;
  DataFormat format_;
};

template <typename T>
Layer spatial_from_config(const Config& c, SourceLocation where) {
  return T(c.get_float("rate", 0.5),
           {.data_format = c.get_string("data_format", "channels_last"),
            .seed = seed_in(c),
            .name = c.get_string("name", "")},
           where);
}

}  // namespace

Dropout::Dropout(RealNumber rate, DropoutOptions options, SourceLocation where)
    : Layer(std::make_shared<DropoutImpl>(rate, std::move(options), where)) {}
SpatialDropout1D::SpatialDropout1D(RealNumber rate, SpatialDropoutOptions options,
                                   SourceLocation where)
    : Layer(std::make_shared<SpatialDropoutImpl>(1, rate, std::move(options), where)) {}
SpatialDropout2D::SpatialDropout2D(RealNumber rate, SpatialDropoutOptions options,
                                   SourceLocation where)
    : Layer(std::make_shared<SpatialDropoutImpl>(2, rate, std::move(options), where)) {}
SpatialDropout3D::SpatialDropout3D(RealNumber rate, SpatialDropoutOptions options,
                                   SourceLocation where)
    : Layer(std::make_shared<SpatialDropoutImpl>(3, rate, std::move(options), where)) {}

void register_dropout_layers() {
  register_layer("Dropout", [](const Config& c, SourceLocation where) -> Layer {
    return Dropout(c.get_float("rate", 0.5),
                   {.noise_shape = c.get_ints("noise_shape", {}),
                    .seed = seed_in(c),
                    .name = c.get_string("name", "")},
                   where);
  });
  register_layer("SpatialDropout1D", spatial_from_config<SpatialDropout1D>);
  register_layer("SpatialDropout2D", spatial_from_config<SpatialDropout2D>);
  register_layer("SpatialDropout3D", spatial_from_config<SpatialDropout3D>);
}

}  // namespace sinter
