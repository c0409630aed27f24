// The pooling layers, which have no weights.
#include "frontend/layers/pooling.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Pool = Symbol (*)(OpInput, std::vector<int64_t>, const Window&);

class PoolingImpl : public LayerImpl {
 public:
  PoolingImpl(Pool pool, std::string class_name, int rank, Sizes pool_size, PoolingOptions options,
              SourceLocation where)
      : LayerImpl(std::move(class_name), options.name, where),
        pool_(pool),
        rank_(rank),
        pool_size_(std::move(pool_size)),
        options_(std::move(options)),
        windows_(title(), rank, "pool_size", pool_size_, options_.strides.value_or(pool_size_), 1,
                 options_.padding, options_.data_format) {}

  Config config() const override {
    Config c = base_config();
    return c.merge({{"pool_size", ConfigValue::ints(windows_.size())},
                    {"padding", windows_.padding()},
                    {"strides", ConfigValue::ints(windows_.strides())},
                    {"data_format", windows_.data_format()}});
  }

  std::shared_ptr<LayerImpl> clone() const override {
    PoolingOptions options = options_;
    options.name = name();
    return std::make_shared<PoolingImpl>(pool_, class_name(), rank_, pool_size_, std::move(options),
                                         SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    if (inputs.size() != 1)
      throw ShapeError(fmt::format("{}: takes one input, given {}", title(), inputs.size()));
    windows_.channels_of(title(), inputs[0].shape());
    windows_.check_fits(title(), "pool", inputs[0].shape());
    const Symbol x = windows_.to_channels_last(inputs[0]);
    const std::vector<int64_t> spatial = spatial_of(x.shape());
    Window window = windows_.window(spatial);
    window.dilations.clear();  // pooling has none
    return {windows_.from_channels_last(pool_(x, windows_.size(), window))};
  }

 private:
  Pool pool_;
  int rank_;
  Sizes pool_size_;
  PoolingOptions options_;
  WindowSettings windows_;
};

std::shared_ptr<LayerImpl> make_max(int rank, Sizes size, PoolingOptions options,
                                    SourceLocation where) {
  return std::make_shared<PoolingImpl>(max_pool, fmt::format("MaxPooling{}D", rank), rank,
                                       std::move(size), std::move(options), where);
}
std::shared_ptr<LayerImpl> make_average(int rank, Sizes size, PoolingOptions options,
                                        SourceLocation where) {
  return std::make_shared<PoolingImpl>(average_pool, fmt::format("AveragePooling{}D", rank), rank,
                                       std::move(size), std::move(options), where);
}

template <typename Pooling>
Layer from_config(const Config& c, SourceLocation where) {
  PoolingOptions options{.padding = c.get_string("padding", "valid"),
                         .data_format = read_data_format(c),
                         .name = c.get_string("name", "")};
  if (!c.get("strides").is_null()) options.strides = c.get_ints("strides", {});
  return Pooling(c.get_ints("pool_size", {2}), std::move(options), where);
}

}  // namespace

MaxPooling1D::MaxPooling1D(Sizes pool_size, PoolingOptions options, SourceLocation where)
    : Layer(make_max(1, std::move(pool_size), std::move(options), where)) {}
MaxPooling2D::MaxPooling2D(Sizes pool_size, PoolingOptions options, SourceLocation where)
    : Layer(make_max(2, std::move(pool_size), std::move(options), where)) {}
MaxPooling3D::MaxPooling3D(Sizes pool_size, PoolingOptions options, SourceLocation where)
    : Layer(make_max(3, std::move(pool_size), std::move(options), where)) {}
AveragePooling1D::AveragePooling1D(Sizes pool_size, PoolingOptions options, SourceLocation where)
    : Layer(make_average(1, std::move(pool_size), std::move(options), where)) {}
AveragePooling2D::AveragePooling2D(Sizes pool_size, PoolingOptions options, SourceLocation where)
    : Layer(make_average(2, std::move(pool_size), std::move(options), where)) {}
AveragePooling3D::AveragePooling3D(Sizes pool_size, PoolingOptions options, SourceLocation where)
    : Layer(make_average(3, std::move(pool_size), std::move(options), where)) {}

void register_pooling_layers() {
  register_layer("MaxPooling1D", from_config<MaxPooling1D>);
  register_layer("MaxPooling2D", from_config<MaxPooling2D>);
  register_layer("MaxPooling3D", from_config<MaxPooling3D>);
  register_layer("AveragePooling1D", from_config<AveragePooling1D>);
  register_layer("AveragePooling2D", from_config<AveragePooling2D>);
  register_layer("AveragePooling3D", from_config<AveragePooling3D>);
}

}  // namespace sinter
