// RandomTranslation and RandomZoom as products with weights of each dimension.
#include "frontend/layers/random_affine.h"

#include <fmt/format.h>

#include <functional>

#include "core/sizes.h"
#include "frontend/layers/data_format.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/random_factor.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/resize.h"
#include "frontend/layers/simple_layer.h"
#include "ops/ops.h"

namespace sinter {
namespace {

struct Sampling {
  std::string fill_mode;
  Interpolation interpolation;
  double fill_value;
  DataFormat format;
};

// Elements of a dimension of n as `fill_mode` continues it, by their numbers; "constant" leaves
// those outside, which no element has.
Symbol inside(Symbol element, int64_t n, const std::string& fill_mode) {
  const auto length = static_cast<double>(n);
  const auto within = [&](double period) {  // [0, period)
    return element - floor(element / period) * period;
  };
  if (fill_mode == "constant") return element;
  if (fill_mode == "nearest") return clip(element, 0.0, length - 1);
  if (fill_mode == "wrap") return within(length);
  const Symbol t = within(2 * length);  // reflect
  return minimum(t, 2 * length - 1 - t);
}

// Of two elements at the same distance the one farther from the first.
Symbol nearest(Symbol place) {
  return select(less(place, 0.0), ceil(place - 0.5), floor(place + 0.5));
}

// Element i of the result stands at scale * i + shift: [batch, n, n], the share that each element
// has in it. What has no shares, outside, is filled.
Symbol shares(Symbol x, int axis, Symbol scale, Symbol shift, const Sampling& how) {
  const int64_t n = x.shape()[axis];
  const Shape shape = {x.shape()[0], n, n};
  const auto spread = [&](Symbol s) {
    return broadcast_to(reshape(s, {x.shape()[0], 1, 1}), shape);
  };
  const Symbol i = iota(x.graph(), shape, 1, x.dtype()), j = iota(x.graph(), shape, 2, x.dtype());
  const Symbol place = spread(scale) * i + spread(shift);
  const auto at = [&](Symbol element) {
    return cast(equal(inside(element, n, how.fill_mode), j), x.dtype());
  };
  if (how.interpolation == Interpolation::kNearest) return at(nearest(place));
  const Symbol before = floor(place), far = place - before;
  return at(before) * (1.0 - far) + at(before + 1.0) * far;
}

// x [batch, rows, columns, channels] with another order of rows, then of columns.
Symbol sampled(Symbol x, Symbol rows, Symbol columns, const Sampling& how) {
  const int64_t batch = x.shape()[0], h = x.shape()[1], w = x.shape()[2], c = x.shape()[3];
  Symbol y = reshape(matmul(rows, reshape(x, {batch, h, checked_product(w, c)})), x.shape());
  y = reshape(transpose(y, {0, 2, 1, 3}), {batch, w, checked_product(h, c)});
  y = transpose(reshape(matmul(columns, y), {batch, w, h, c}), {0, 2, 1, 3});
  if (how.fill_mode != "constant" || how.fill_value == 0) return y;
  const Symbol known =
      reshape(sum(rows, 2), {batch, h, 1, 1}) * reshape(sum(columns, 2), {batch, 1, w, 1});
  return y + (1.0 - known) * how.fill_value;
}

Symbol with_channels_last(Symbol x, DataFormat format, const std::function<Symbol(Symbol)>& f) {
  check_rank(x.shape(), 4, spatial_text(2, format));
  return from_channels_last(f(to_channels_last(x, format)), format);
}

template <typename Options>
Sampling sampling_of(const Options& o) {
  return {o.fill_mode, find_interpolation(o.interpolation).value_or(Interpolation::kBilinear),
          o.fill_value, data_format_or_last(o.data_format.text())};
}

template <typename Options>
std::string mistake_in(const Options& o) {
  if (o.fill_mode != "reflect" && o.fill_mode != "wrap" && o.fill_mode != "nearest" &&
      o.fill_mode != "constant") {
    return fmt::format("fill_mode must be reflect, wrap, nearest or constant, found '{}'",
                       o.fill_mode);
  }
  if (o.interpolation != "nearest" && o.interpolation != "bilinear")
    return fmt::format("interpolation must be nearest or bilinear, found '{}'", o.interpolation);
  return find_data_format(o.data_format.text()) ? "" : data_format_mistake(o.data_format.text());
}

std::string first_of(std::initializer_list<std::string> mistakes) {
  for (const std::string& mistake : mistakes) {
    if (!mistake.empty()) return mistake;
  }
  return "";
}

template <typename Options>
Config affine_config(const RealNumbers& height, const ConfigValue& width, const Options& o) {
  return {{"data_format", o.data_format.text()},
          {"height_factor", numbers_value(height)},
          {"width_factor", width},
          {"fill_mode", o.fill_mode},
          {"interpolation", o.interpolation},
          {"seed", seed_value(o.seed)},
          {"fill_value", o.fill_value}};
}

std::shared_ptr<LayerImpl> translation(const RealNumbers& height, const RealNumbers& width,
                                       const RandomTranslationOptions& o, SourceLocation where) {
  const Range down = range_of(height), right = range_of(width);
  return random_layer(
      "RandomTranslation", o.name, where, affine_config(height, numbers_value(width), o), o.seed,
      {[down, right, how = sampling_of(o)](Symbol given, Symbol state, int64_t stream) {
        return with_channels_last(given, how.format, [&](Symbol x) {
          // A picture that moves down shows at row i what stood above it.
          const auto along = [&](int axis, const Range& range, int64_t s) {
            const Symbol share = per_image(x, state, s, range);
            return shares(x, axis, ones_like(share), share * -static_cast<double>(x.shape()[axis]),
                          how);
          };
          return sampled(x, along(1, down, stream), along(2, right, second_stream(stream)), how);
        });
      }},
      first_of({factor_mistake("height_factor", height, -1, 1),
                factor_mistake("width_factor", width, -1, 1), mistake_in(o)}));
}

std::string zoom_mistake(const char* key, const RealNumbers& factor) {
  for (const double f : factor.list()) {
    if (f <= -1) return fmt::format("{} must be above -1, found {}", key, f);
  }
  return factor_mistake(key, factor, -1, 1);
}

std::shared_ptr<LayerImpl> zoom(const RealNumbers& height, const RandomZoomOptions& o,
                                SourceLocation where) {
  const Range rows = range_of(height);
  const std::optional<Range> columns =
      o.width_factor ? std::optional(range_of(*o.width_factor)) : std::nullopt;
  return random_layer(
      "RandomZoom", o.name, where,
      affine_config(height, o.width_factor ? numbers_value(*o.width_factor) : nullptr, o), o.seed,
      {[rows, columns, how = sampling_of(o)](Symbol given, Symbol state, int64_t stream) {
        return with_channels_last(given, how.format, [&](Symbol x) {
          const Symbol z = 1.0 + per_image(x, state, stream, rows);
          const Symbol across =
              columns ? 1.0 + per_image(x, state, second_stream(stream), *columns) : z;
          const auto along = [&](int axis, Symbol scale) {
            const double middle = (static_cast<double>(x.shape()[axis]) - 1) / 2;
            return shares(x, axis, scale, (1.0 - scale) * middle, how);
          };
          return sampled(x, along(1, z), along(2, across), how);
        });
      }},
      first_of({zoom_mistake("height_factor", height),
                o.width_factor ? zoom_mistake("width_factor", *o.width_factor) : "",
                mistake_in(o)}));
}

template <typename Options>
Options options_in(const Config& c) {
  Options o;
  o.fill_mode = c.get_string("fill_mode", "reflect");
  o.interpolation = c.get_string("interpolation", "bilinear");
  o.seed = seed_in(c);
  o.fill_value = c.get_float("fill_value", 0);
  o.data_format = c.get_string("data_format", "channels_last");
  o.name = c.get_string("name", "");
  return o;
}

}  // namespace

RandomTranslation::RandomTranslation(RealNumbers height_factor, RealNumbers width_factor,
                                     RandomTranslationOptions options, SourceLocation where)
    : Layer(translation(height_factor, width_factor, options, where)) {}
RandomZoom::RandomZoom(RealNumbers height_factor, RandomZoomOptions options, SourceLocation where)
    : Layer(zoom(height_factor, options, where)) {}

void register_random_affine_layers() {
  register_layer("RandomTranslation", [](const Config& c, SourceLocation where) -> Layer {
    return RandomTranslation(numbers_in(c, "height_factor", 0.0),
                             numbers_in(c, "width_factor", 0.0),
                             options_in<RandomTranslationOptions>(c), where);
  });
  register_layer("RandomZoom", [](const Config& c, SourceLocation where) -> Layer {
    auto o = options_in<RandomZoomOptions>(c);
    if (!c.get("width_factor").is_null()) o.width_factor = numbers_in(c, "width_factor", 0.0);
    return RandomZoom(numbers_in(c, "height_factor", 0.0), std::move(o), where);
  });
}

}  // namespace sinter
