// RandomTranslation, RandomZoom and RandomRotation as samples of images at other places.
#include "frontend/layers/random_affine.h"

#include <fmt/format.h>

#include <functional>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "core/line.h"
#include "core/sizes.h"
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

// Factors are shares of a full turn.
constexpr double kTurn = 2 * std::numbers::pi;

struct Sampling {
  std::string fill_mode;
  Interpolation interpolation;
  double fill_value;
  DataFormat format;
};

// An element of one dimension that has a share in the result. Without a share it is all of it, and
// without `there` it is there everywhere.
struct Neighbour {
  Symbol element;
  std::optional<Symbol> there, share;
};

// Elements of a dimension of n as `fill_mode` continues it, by their numbers.
Symbol continued(Symbol element, int64_t n, const std::string& fill_mode) {
  const auto length = static_cast<double>(n);
  const auto within = [&](double period) {  // [0, period)
    return element - floor(element / period) * period;
  };
  if (fill_mode == "wrap") return within(length);
  if (fill_mode == "reflect") {
    const Symbol t = within(2 * length);
    return minimum(t, 2 * length - 1 - t);
  }
  return clip(element, 0.0, length - 1);
}

// Of two elements at the same distance the one farther from the first.
Symbol nearest(Symbol place) {
  return select(less(place, 0.0), ceil(place - 0.5), floor(place + 0.5));
}

std::vector<Neighbour> neighbours(Symbol place, int64_t n, const Sampling& how, DType index) {
  const auto at = [&](Symbol element, std::optional<Symbol> share) {
    Neighbour result{cast(continued(element, n, how.fill_mode), index), std::nullopt, share};
    if (how.fill_mode == "constant") {
      result.there =
          logical_and(greater_equal(element, 0.0), less(element, static_cast<double>(n)));
    }
    return result;
  };
  if (how.interpolation == Interpolation::kNearest) return {at(nearest(place), std::nullopt)};
  const Symbol before = floor(place), far = place - before;
  return {at(before, 1.0 - far), at(before + 1.0, far)};
}

// [1, n, 1] and [1, 1, n]: the numbers of rows or columns, in the dtype of x.
Symbol numbers_along(Symbol x, int axis) {
  std::vector<int64_t> dims = {1, 1, 1};
  dims[static_cast<size_t>(axis)] = x.shape()[axis];
  return iota(x.graph(), Shape(dims), axis, x.dtype());
}

// Element [b, i, j] of the result is that of image b of x [batch, rows, columns, channels] at row
// `row`[b, i, j] and column `column`[b, i, j], which lie anywhere: [batch, rows, columns] or with a
// dimension of 1. An image without elements stays as it is.
Symbol sampled(Symbol x, Symbol row, Symbol column, const Sampling& how) {
  const int64_t batch = x.shape()[0], h = x.shape()[1], w = x.shape()[2], c = x.shape()[3];
  if (h == 0 || w == 0 || c == 0) return x;
  const Shape places = {batch, h, w, 1};
  const int64_t elements = checked_product(h, w);
  const Symbol pixels = reshape(x, {batch, elements, c});
  const DType index =
      elements <= std::numeric_limits<int32_t>::max() ? DType::kInt32 : DType::kInt64;
  std::optional<Symbol> sum;
  for (const Neighbour& r : neighbours(row, h, how, index)) {
    for (const Neighbour& k : neighbours(column, w, how, index)) {
      const Symbol place = broadcast_to(r.element * w + k.element, {batch, h, w});
      Symbol part = gather(pixels, place, 1, 1);
      if (r.there) {
        const Symbol there =
            reshape(broadcast_to(logical_and(*r.there, *k.there), {batch, h, w}), places);
        part = select(broadcast_to(there, x.shape()), part, how.fill_value);
      }
      if (r.share) part = part * reshape(broadcast_to(*r.share * *k.share, {batch, h, w}), places);
      sum = sum ? *sum + part : part;
    }
  }
  return *sum;
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

template <typename Options>
Config affine_config(const Config& factors, const Options& o) {
  Config c = {{"data_format", o.data_format.text()}};
  c.merge(factors);
  return c.merge({{"fill_mode", o.fill_mode},
                  {"interpolation", o.interpolation},
                  {"seed", seed_value(o.seed)},
                  {"fill_value", o.fill_value}});
}

// The middle of the images along a dimension.
double middle_of(Symbol x, int axis) { return (static_cast<double>(x.shape()[axis]) - 1) / 2; }

// One number an image for its rows and columns: [batch, 1, 1].
Symbol per_place(Symbol x, Symbol state, int64_t stream, const Range& range) {
  return reshape(per_image(x, state, stream, range), {x.shape()[0], 1, 1});
}

std::shared_ptr<LayerImpl> translation(const RealNumbers& height, const RealNumbers& width,
                                       const RandomTranslationOptions& o, SourceLocation where) {
  const Range down = range_of(height), right = range_of(width);
  return random_layer(
      "RandomTranslation", o.name, where,
      affine_config(
          {{"height_factor", numbers_value(height)}, {"width_factor", numbers_value(width)}}, o),
      o.seed, {[down, right, how = sampling_of(o)](Symbol given, Symbol state, int64_t stream) {
        return with_channels_last(given, how.format, [&](Symbol x) {
          // A picture that moves down shows at row i what stood above it.
          const int64_t h = x.shape()[1], w = x.shape()[2];
          const auto by = [&](int64_t n, const Range& range, int64_t s) {
            return per_place(x, state, s, range) * static_cast<double>(n);
          };
          return sampled(x, numbers_along(x, 1) - by(h, down, stream),
                         numbers_along(x, 2) - by(w, right, second_stream(stream)), how);
        });
      }},
      first_mistake({factor_mistake("height_factor", height, -1, 1),
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
      affine_config({{"height_factor", numbers_value(height)},
                     {"width_factor", o.width_factor ? numbers_value(*o.width_factor) : nullptr}},
                    o),
      o.seed, {[rows, columns, how = sampling_of(o)](Symbol given, Symbol state, int64_t stream) {
        return with_channels_last(given, how.format, [&](Symbol x) {
          const Symbol z = 1.0 + per_place(x, state, stream, rows);
          const Symbol across =
              columns ? 1.0 + per_place(x, state, second_stream(stream), *columns) : z;
          const auto along = [&](Symbol numbers, Symbol scale, int axis) {
            return scale * numbers + (1.0 - scale) * middle_of(x, axis);
          };
          return sampled(x, along(numbers_along(x, 1), z, 1), along(numbers_along(x, 2), across, 2),
                         how);
        });
      }},
      first_mistake({zoom_mistake("height_factor", height),
                     o.width_factor ? zoom_mistake("width_factor", *o.width_factor) : "",
                     mistake_in(o)}));
}

std::shared_ptr<LayerImpl> rotation(const RealNumbers& factor, const RandomRotationOptions& o,
                                    SourceLocation where) {
  const Range turns = range_of(factor);
  return random_layer("RandomRotation", o.name, where,
                      affine_config({{"factor", ConfigList{turns.low, turns.high}}}, o), o.seed,
                      {[turns, how = sampling_of(o)](Symbol given, Symbol state, int64_t stream) {
                        return with_channels_last(given, how.format, [&](Symbol x) {
                          // Counter-clockwise: an element shows what stood clockwise of it.
                          const Symbol angle = per_place(x, state, stream, turns) * kTurn;
                          const Symbol s = sin(angle), c = cos(angle);
                          const double row = middle_of(x, 1), column = middle_of(x, 2);
                          const Symbol down = numbers_along(x, 1) - row;
                          const Symbol right = numbers_along(x, 2) - column;
                          return sampled(x, down * c + right * s + row,
                                         right * c - down * s + column, how);
                        });
                      }},
                      first_mistake({factor_mistake("factor", factor, -1, 1), mistake_in(o)}));
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
    : Layer(translation(height_factor, width_factor, options, where)) {
  warn_of_whole_zero(named_with_line("RandomTranslation", where), "height_factor",
                     height_factor.is_whole_zero() && width_factor.is_whole_zero());
}
RandomZoom::RandomZoom(RealNumbers height_factor, RandomZoomOptions options, SourceLocation where)
    : Layer(zoom(height_factor, options, where)) {
  warn_of_whole_zero(named_with_line("RandomZoom", where), "height_factor",
                     height_factor.is_whole_zero() &&
                         (!options.width_factor || options.width_factor->is_whole_zero()));
}
RandomRotation::RandomRotation(RealNumbers factor, RandomRotationOptions options,
                               SourceLocation where)
    : Layer(rotation(factor, options, where)) {
  warn_of_whole_zero(named_with_line("RandomRotation", where), "factor", factor.is_whole_zero());
}

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
  register_layer("RandomRotation", [](const Config& c, SourceLocation where) -> Layer {
    return RandomRotation(numbers_in(c, "factor", 0.0), options_in<RandomRotationOptions>(c),
                          where);
  });
}

}  // namespace sinter
