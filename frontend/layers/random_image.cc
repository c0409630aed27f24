// RandomFlip, RandomCrop, RandomContrast and RandomBrightness.
#include "frontend/layers/random_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/layers/data_format.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/random_factor.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/resize.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

// Rows and columns of images in that format.
Ints image_axes(Symbol x, DataFormat format) {
  check_rank(x.shape(), 4, spatial_text(2, format));
  return spatial_axes(4, format);
}

std::string format_mistake(const DataFormatName& name) {
  return find_data_format(name.text()) ? "" : data_format_mistake(name.text());
}

Symbol mirrored(Symbol x, int64_t axis) {
  const int64_t n = x.shape()[static_cast<int>(axis)];
  if (n <= 1) return x;
  Ints places;
  for (int64_t i = n; i-- > 0;) places.push_back(i);
  return gather(x, constant(x.graph(), Tensor::from(places)), static_cast<int>(axis));
}

Symbol flipped(Symbol x, Symbol state, int64_t stream, bool rows, bool columns, DataFormat format) {
  const Ints axes = image_axes(x, format);
  const Symbol chosen =
      less_equal(per_image(x, state, stream, {0, 1}), 0.5);  // one choice for both directions
  Symbol y = x;
  if (columns) y = mirrored(y, axes[1]);
  if (rows) y = mirrored(y, axes[0]);
  return select(broadcast_to(chosen, x.shape()), y, x);
}

// `size` elements from a place that is drawn for all images together.
Symbol window(Symbol x, Symbol state, int64_t stream, int64_t axis, int64_t size) {
  const int64_t places = x.shape()[static_cast<int>(axis)] - size + 1;
  const Symbol at = floor(random_uniform(state, {}, stream) * static_cast<double>(places));
  const Symbol first = cast(minimum(at, static_cast<double>(places - 1)), DType::kInt32);
  return gather(x, iota(x.graph(), {size}, 0) + first, static_cast<int>(axis));
}

Symbol cropped(Symbol x, Symbol state, int64_t stream, const ImageSize& size, DataFormat format) {
  const Ints axes = image_axes(x, format);
  const int64_t rows = x.shape()[static_cast<int>(axes[0])];
  const int64_t columns = x.shape()[static_cast<int>(axes[1])];
  if (rows <= size.height || columns <= size.width) return largest_part(x, axes, size);
  const Symbol y = window(x, state, stream, axes[0], size.height);
  return window(y, state, second_stream(stream), axes[1], size.width);
}

std::string mode_mistake(const std::string& mode) {
  if (mode == "horizontal" || mode == "vertical" || mode == "horizontal_and_vertical") return "";
  return fmt::format("mode must be horizontal, vertical or horizontal_and_vertical, found '{}'",
                     mode);
}

// Values are cut to what lies between the two.
std::string order_mistake(const std::array<double, 2>& range) {
  if (range[0] <= range[1]) return "";
  return fmt::format("value_range must be two numbers, the lower one first, found {} and {}",
                     range[0], range[1]);
}

// The width of the range is what factors are shares of.
std::string width_mistake(const std::array<double, 2>& range) {
  if (std::isfinite(range[0]) && std::isfinite(range[1])) return "";
  return fmt::format("value_range must be two finite numbers, found {} and {}", range[0], range[1]);
}

ConfigValue pair_value(const Range& range) { return ConfigList{range.low, range.high}; }

Range sorted(const std::array<double, 2>& range) {
  return {std::min(range[0], range[1]), std::max(range[0], range[1])};
}

Config color_config(const Range& factor, const RandomColorOptions& o) {
  return {{"data_format", o.data_format.text()},
          {"factor", pair_value(factor)},
          {"value_range", ConfigList{o.value_range[0], o.value_range[1]}},
          {"seed", seed_value(o.seed)}};
}

std::shared_ptr<LayerImpl> contrast(const RealNumbers& given, const RandomColorOptions& o,
                                    SourceLocation where) {
  const Range factor = given.is_one() ? Range{0, std::abs(given.list()[0])} : range_of(given);
  const DataFormat format = data_format_or_last(o.data_format.text());
  return random_layer(
      "RandomContrast", o.name, where, color_config(factor, o), o.seed,
      {[factor, format, o](Symbol x, Symbol state, int64_t stream) {
        const Symbol middle = mean(x, image_axes(x, format), true);
        const Symbol f = per_image(x, state, stream, {1 - factor.low, 1 + factor.high});
        return clip((x - middle) * f + middle, o.value_range[0], o.value_range[1]);
      }},
      first_mistake({factor_mistake("factor", given, 0, 1), order_mistake(o.value_range),
                     format_mistake(o.data_format)}));
}

std::shared_ptr<LayerImpl> brightness(const RealNumbers& given, const RandomColorOptions& o,
                                      SourceLocation where) {
  const Range factor = range_of(given), values = sorted(o.value_range);
  const DataFormat format = data_format_or_last(o.data_format.text());
  RandomColorOptions written = o;
  written.value_range = {values.low, values.high};
  return random_layer("RandomBrightness", o.name, where, color_config(factor, written), o.seed,
                      {[factor, values, format](Symbol x, Symbol state, int64_t stream) {
                        image_axes(x, format);
                        const Symbol d =
                            per_image(x, state, stream, factor) * (values.high - values.low);
                        return clip(x + d, values.low, values.high);
                      }},
                      first_mistake({factor_mistake("factor", given, -1, 1),
                                     width_mistake(o.value_range), format_mistake(o.data_format)}));
}

RandomFlipOptions flip_options(const Config& c) {
  return {.seed = seed_in(c),
          .data_format = c.get_string("data_format", "channels_last"),
          .name = c.get_string("name", "")};
}

template <typename T>
Layer color_from_config(const Config& c, SourceLocation where) {
  const RealNumbers range = numbers_in(c, "value_range", std::vector<double>{0, 255});
  if (range.list().size() != 2) throw Error("value_range must have 2 entries");
  return T(numbers_in(c, "factor", 0.0),
           {.value_range = {range.list()[0], range.list()[1]},
            .seed = seed_in(c),
            .data_format = c.get_string("data_format", "channels_last"),
            .name = c.get_string("name", "")},
           where);
}

}  // namespace

RandomFlip::RandomFlip(std::string mode, RandomFlipOptions options, SourceLocation where)
    : Layer(
          random_layer("RandomFlip", options.name, where,
                       {{"data_format", options.data_format.text()},
                        {"seed", seed_value(options.seed)},
                        {"mode", mode}},
                       options.seed,
                       {[rows = mode != "horizontal", columns = mode != "vertical",
                         format = data_format_or_last(options.data_format.text())](
                            Symbol x, Symbol state, int64_t stream) {
                         return flipped(x, state, stream, rows, columns, format);
                       }},
                       first_mistake({mode_mistake(mode), format_mistake(options.data_format)}))) {}

RandomCrop::RandomCrop(WholeNumber height, WholeNumber width, RandomFlipOptions options,
                       SourceLocation where)
    : Layer(random_layer(
          "RandomCrop", options.name, where,
          {{"data_format", options.data_format.text()},
           {"height", int64_t{height}},
           {"width", int64_t{width}},
           {"seed", seed_value(options.seed)}},
          options.seed,
          {[size = ImageSize{height, width},
            format = data_format_or_last(options.data_format.text())](Symbol x, Symbol state,
                                                                      int64_t stream) {
             return cropped(x, state, stream, size, format);
           },
           [size = ImageSize{height, width},
            format = data_format_or_last(options.data_format.text())](Symbol x) {
             return largest_part(x, image_axes(x, format), size);
           }},
          first_mistake({size_mistake({height, width}), format_mistake(options.data_format)}))) {}

RandomContrast::RandomContrast(RealNumbers factor, RandomColorOptions options, SourceLocation where)
    : Layer(contrast(factor, options, where)) {
  warn_of_whole_zero(named_with_line("RandomContrast", where), "factor", factor.is_whole_zero());
}
RandomBrightness::RandomBrightness(RealNumbers factor, RandomColorOptions options,
                                   SourceLocation where)
    : Layer(brightness(factor, options, where)) {
  warn_of_whole_zero(named_with_line("RandomBrightness", where), "factor", factor.is_whole_zero());
}

void register_random_image_layers() {
  register_layer("RandomFlip", [](const Config& c, SourceLocation where) -> Layer {
    return RandomFlip(c.get_string("mode", "horizontal_and_vertical"), flip_options(c), where);
  });
  register_layer("RandomCrop", [](const Config& c, SourceLocation where) -> Layer {
    return RandomCrop(c.get_int("height", 0), c.get_int("width", 0), flip_options(c), where);
  });
  register_layer("RandomContrast", color_from_config<RandomContrast>);
  register_layer("RandomBrightness", color_from_config<RandomBrightness>);
}

}  // namespace sinter
