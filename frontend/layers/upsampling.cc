// UpSampling.
#include "frontend/layers/upsampling.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/sizes.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/resize.h"
#include "frontend/layers/spatial_layer.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

std::string size_mistake(const Ints& size) {
  for (const int64_t s : size) {
    if (s <= 0) return fmt::format("size must be positive, found {}", fmt::join(size, ", "));
  }
  return "";
}

Symbol upsampled(Symbol x, const Ints& axes, const Ints& size, Interpolation interpolation) {
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = static_cast<int>(axes[i]);
    x = resize_axis(x, axis, checked_product(x.shape()[axis], size[i]), interpolation);
  }
  return x;
}

template <size_t n>
Ints list_of(const Factors<n>& factors) {
  return {factors.list().begin(), factors.list().end()};
}

std::shared_ptr<LayerImpl> upsampling_2d(const Ints& size, const UpSampling2DOptions& o,
                                         SourceLocation where) {
  const std::string format = o.data_format.text();
  const auto interpolation = find_interpolation(o.interpolation);
  return spatial_layer(
      {"UpSampling2D", 2, format, o.name, where},
      {{"size", ConfigValue::ints(size)},
       {"data_format", format},
       {"interpolation", o.interpolation}},
      [size, interpolation](Symbol x, const Ints& axes) {
        return upsampled(x, axes, size, *interpolation);
      },
      interpolation ? size_mistake(size) : interpolation_mistake(o.interpolation));
}

std::shared_ptr<LayerImpl> upsampling_1d(int64_t size, const SpatialOptions& o,
                                         SourceLocation where) {
  const std::string format = o.data_format.text();
  return spatial_layer(
      {"UpSampling1D", 1, format, o.name, where}, {{"size", size}},
      [size](Symbol x, const Ints& axes) {
        return upsampled(x, axes, {size}, Interpolation::kNearest);
      },
      format == "channels_first" ? "data_format must be channels_last" : size_mistake({size}));
}

std::shared_ptr<LayerImpl> upsampling_3d(const Ints& size, const SpatialOptions& o,
                                         SourceLocation where) {
  const std::string format = o.data_format.text();
  return spatial_layer(
      {"UpSampling3D", 3, format, o.name, where},
      {{"size", ConfigValue::ints(size)}, {"data_format", format}},
      [size](Symbol x, const Ints& axes) {
        return upsampled(x, axes, size, Interpolation::kNearest);
      },
      size_mistake(size));
}

/// A number for all dimensions, or one for each.
template <size_t n>
Factors<n> size_in(const Config& c) {
  const Ints size = c.get_ints("size", {2});
  if (size.size() == 1) return size[0];
  if (size.size() != n)
    throw Error(fmt::format("size must have {} entries, found {}", n, size.size()));
  std::array<int64_t, n> factors = {};
  std::copy(size.begin(), size.end(), factors.begin());
  return Factors<n>(factors);
}

SpatialOptions options_in(const Config& c) {
  return {.data_format = c.get_string("data_format", "channels_last"),
          .name = c.get_string("name", "")};
}

}  // namespace

UpSampling1D::UpSampling1D(Factors<1> size, SpatialOptions options, SourceLocation where)
    : Layer(upsampling_1d(size.list()[0], options, where)) {}
UpSampling2D::UpSampling2D(Factors<2> size, UpSampling2DOptions options, SourceLocation where)
    : Layer(upsampling_2d(list_of(size), options, where)) {}
UpSampling3D::UpSampling3D(Factors<3> size, SpatialOptions options, SourceLocation where)
    : Layer(upsampling_3d(list_of(size), options, where)) {}

void register_upsampling_layers() {
  register_layer("UpSampling1D", [](const Config& c, SourceLocation where) -> Layer {
    return UpSampling1D(size_in<1>(c), options_in(c), where);
  });
  register_layer("UpSampling2D", [](const Config& c, SourceLocation where) -> Layer {
    return UpSampling2D(size_in<2>(c),
                        {.data_format = c.get_string("data_format", "channels_last"),
                         .interpolation = c.get_string("interpolation", "nearest"),
                         .name = c.get_string("name", "")},
                        where);
  });
  register_layer("UpSampling3D", [](const Config& c, SourceLocation where) -> Layer {
    return UpSampling3D(size_in<3>(c), options_in(c), where);
  });
}

}  // namespace sinter
