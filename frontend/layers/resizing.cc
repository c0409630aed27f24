// Resizing and CenterCrop.
#include "frontend/layers/resizing.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/resize.h"
#include "frontend/layers/spatial_layer.h"
#include "frontend/session.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

// Grows to the shape of `size`, as much at both ends.
Symbol padded_to_aspect(Symbol x, const Ints& axes, const ImageSize& size, double value) {
  const int64_t height = x.shape()[static_cast<int>(axes[0])];
  const int64_t width = x.shape()[static_cast<int>(axes[1])];
  const ImageSize whole = {aspect_of(width, size.height, size.width),
                           aspect_of(height, size.width, size.height)};
  Ints low(static_cast<size_t>(x.rank()), 0);
  low[static_cast<size_t>(axes[0])] = std::max<int64_t>(whole.height - height, 0) / 2;
  low[static_cast<size_t>(axes[1])] = std::max<int64_t>(whole.width - width, 0) / 2;
  return pad(x, low, low, value);
}

// Integers are resized as float32 and rounded.
Symbol in_floats(Symbol x, const std::function<Symbol(Symbol)>& function) {
  if (is_floating(x.dtype())) return function(x);
  return cast(round(function(cast(x, DType::kFloat32))), x.dtype());
}

std::shared_ptr<LayerImpl> resizing(const ImageSize& size, const ResizingOptions& o,
                                    SourceLocation where) {
  const std::string format = o.data_format.text();
  const auto interpolation = find_interpolation(o.interpolation);
  std::string mistake = size_mistake(size);
  if (o.crop_to_aspect_ratio && o.pad_to_aspect_ratio)
    mistake = "crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be true";
  if (!interpolation) mistake = interpolation_mistake(o.interpolation);
  return spatial_layer(
      {"Resizing", 2, format, o.name, where},
      {{"height", size.height},
       {"width", size.width},
       {"interpolation", o.interpolation},
       {"crop_to_aspect_ratio", o.crop_to_aspect_ratio},
       {"pad_to_aspect_ratio", o.pad_to_aspect_ratio},
       {"fill_mode", "constant"},
       {"fill_value", o.fill_value},
       {"antialias", false},
       {"data_format", format}},
      [size, o, interpolation](Symbol x, const Ints& axes) {
        return in_floats(x, [&](Symbol y) {
          if (o.crop_to_aspect_ratio) y = cropped_to_aspect(y, axes, size);
          if (o.pad_to_aspect_ratio) y = padded_to_aspect(y, axes, size, o.fill_value);
          return resized(y, axes, size, *interpolation);
        });
      },
      mistake);
}

SpatialOptions options_in(const Config& c) {
  return {.data_format = c.get_string("data_format", "channels_last"),
          .name = c.get_string("name", "")};
}

}  // namespace

Resizing::Resizing(WholeNumber height, WholeNumber width, ResizingOptions options,
                   SourceLocation where)
    : Layer(resizing({height, width}, options, where)) {}

CenterCrop::CenterCrop(WholeNumber height, WholeNumber width, SpatialOptions options,
                       SourceLocation where)
    : Layer(spatial_layer(
          {"CenterCrop", 2, options.data_format.text(), options.name, where},
          {{"height", int64_t{height}},
           {"width", int64_t{width}},
           {"data_format", options.data_format.text()}},
          [size = ImageSize{height, width}](Symbol x, const Ints& axes) {
            return centre_cropped(is_floating(x.dtype()) ? x : cast(x, floatx()), axes, size);
          },
          size_mistake({height, width}))) {}

void register_resizing_layers() {
  register_layer("Resizing", [](const Config& c, SourceLocation where) -> Layer {
    if (c.get_bool("antialias", false)) throw Error("antialias is not supported");
    if (const std::string mode = c.get_string("fill_mode", "constant"); mode != "constant")
      throw Error(fmt::format("fill_mode must be constant, found '{}'", mode));
    return Resizing(c.get_int("height", 0), c.get_int("width", 0),
                    {.interpolation = c.get_string("interpolation", "bilinear"),
                     .crop_to_aspect_ratio = c.get_bool("crop_to_aspect_ratio", false),
                     .pad_to_aspect_ratio = c.get_bool("pad_to_aspect_ratio", false),
                     .fill_value = c.get_float("fill_value", 0),
                     .data_format = c.get_string("data_format", "channels_last"),
                     .name = c.get_string("name", "")},
                    where);
  });
  register_layer("CenterCrop", [](const Config& c, SourceLocation where) -> Layer {
    return CenterCrop(c.get_int("height", 0), c.get_int("width", 0), options_in(c), where);
  });
}

}  // namespace sinter
