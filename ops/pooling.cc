// The largest and the average element of windows, and their derivatives. Windows of few elements
// are elementwise: the maximum, or the sum, of strided slices, one a tap, which fuse with what
// stands around them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "ops/windows.h"

namespace sinter {
namespace {

Attributes pool_attributes(const Symbol& x, std::vector<int64_t> size, const Window& window) {
  if (!window.dilations.empty()) throw ShapeError("pooling has no dilations");
  Attributes attributes = ops::window_attributes(window, x.rank() - 2, false);
  attributes.set("size", std::move(size));
  return attributes;
}

}  // namespace

Symbol max_pool(OpInput x, std::vector<int64_t> size, const Window& window) {
  register_ops();
  return x.graph().add1("max_pool", {ops::floating(x)},
                        pool_attributes(x, std::move(size), window));
}

Symbol average_pool(OpInput x, std::vector<int64_t> size, const Window& window) {
  register_ops();
  return x.graph().add1("average_pool", {ops::floating(x)},
                        pool_attributes(x, std::move(size), window));
}

namespace ops {
namespace {

using Ints = std::vector<int64_t>;
using Cotangents = std::vector<std::optional<Symbol>>;
using Types = std::vector<ValueType>;

// Beyond this many taps a window is a view that is reduced.
constexpr int64_t kMostTaps = 32;

Windows pool_windows(const Attributes& a) { return windows_of(a, a.get_ints("size")); }

Shape pooled(const Shape& x, const Attributes& a) {
  const Windows w = pool_windows(a);
  const Ints counts = w.counts(spatial_extents(x));
  for (int d = 0; d < w.rank(); ++d) {
    const auto k = static_cast<size_t>(d);
    if (w.low[k] >= w.size[k] || w.high[k] >= w.size[k])
      throw ShapeError(
          fmt::format("padding of {} and {} around windows of {}: some would hold nothing else",
                      w.low[k], w.high[k], w.size[k]));
  }
  return with_spatial(x, counts, Ints{x.dim(-1)});
}

// The dimensions of all_windows() that are taps.
Ints tap_axes(const Windows& w) {
  Ints axes(static_cast<size_t>(w.rank()));
  std::iota(axes.begin(), axes.end(), 1 + w.rank());
  return axes;
}

std::vector<Symbol> decompose_max_pool(std::span<const Symbol> in, const Attributes& a) {
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  const Windows w = pool_windows(a);
  if (w.taps() > kMostTaps) return {reduce_max(all_windows(in[0], w, kLowest), tap_axes(w))};
  Symbol y;
  for (const Symbol& view : tap_views(in[0], w, kLowest)) y = y.valid() ? maximum(y, view) : view;
  return {y};
}

// The numbers of taps as [size.., 1].
Symbol numbers_of_taps(Graph& graph, const Windows& w) {
  Ints dims = w.size;
  dims.push_back(1);
  return tap_numbers(graph, Shape(std::move(dims)));
}

// Values of windows, [batch, counts.., channels], that broadcast over all_windows().
Symbol beside_taps(Symbol y, const Windows& w) {
  Ints dims = y.shape().dims();
  dims.insert(dims.end() - 1, static_cast<size_t>(w.rank()), 1);
  return reshape(y, Shape(std::move(dims)));
}

// The number of the first tap of each window that is no padding, [counts.., 1].
Symbol first_inside(Graph& graph, const Windows& w, std::span<const int64_t> counts) {
  const Windows all{Ints(counts.begin(), counts.end()), {}, {}, {}, {}};
  Ints firsts, dims = all.size;
  for (int64_t k = 0; k < all.taps(); ++k) {
    const Ints window = all.tap(k);
    int64_t first = 0;
    for (size_t d = 0; d < counts.size(); ++d)
      first = first * w.size[d] + std::max<int64_t>(w.low[d] - window[d] * w.strides[d], 0);
    firsts.push_back(first);
  }
  dims.push_back(1);
  return constant(graph, Tensor::from(Shape(dims), firsts).cast(DType::kInt32));
}

// The number of the first tap that is the maximum of its window, as TensorFlow has it; that of
// none where the maximum is NaN.
Symbol winners(Symbol x, Symbol y, const Windows& w) {
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  Symbol winner;
  if (w.taps() > kMostTaps) {
    const Symbol windows = all_windows(x, w, kLowest);
    const Symbol is_maximum = equal(windows, beside_taps(y, w));
    winner = reduce_min(select(is_maximum, numbers_of_taps(x.graph(), w), w.taps()), tap_axes(w));
  } else {
    const std::vector<Symbol> views = tap_views(x, w, kLowest);
    winner = cast(full_like(y, w.taps()), DType::kInt32);
    for (size_t t = views.size(); t-- > 0;)
      winner = select(equal(views[t], y), static_cast<int64_t>(t), winner);
  }
  if (std::ranges::all_of(w.low, [](int64_t low) { return low == 0; })) return winner;
  // Padding is no winner, also of windows that hold nothing but what it is itself.
  const Symbol first = first_inside(x.graph(), w, w.counts(spatial_extents(x.shape())));
  return select(equal(y, kLowest), first, winner);
}

std::vector<Symbol> decompose_max_pool_gradient(std::span<const Symbol> in, const Attributes& a) {
  const Windows w = pool_windows(a);
  const Ints spatial = spatial_extents(in[0].shape());
  if (const auto nothing = if_empty(in[2], in[0].shape(), spatial)) return {*nothing};
  const auto won = [](Operand tap, std::span<const Symbol> views) {
    return select(equal(views[0], tap), views[1], 0);
  };
  const Symbol winner = winners(in[0], in[1], w);
  if (are_disjoint(w)) {
    // The forward pass keeps a byte a window.
    const Symbol kept = w.taps() < 256 ? cast(winner, DType::kUint8) : winner;
    return {spread_over_windows(std::array{kept, in[2]}, w, spatial,
                                [&](const Symbol& taps, std::span<const Symbol> views) {
                                  return won(cast(taps, kept.dtype()), views);
                                })};
  }
  const Symbol values[] = {winner, in[2]};
  const double padding[] = {-1, 0};
  if (w.taps() > kMostTaps) return {sum_over_large_windows(values, padding, w, spatial, won)};
  return {sum_over_windows(values, padding, w, spatial, won)};
}

// What the maximum of each window changes by, when x changes by dx: the transpose of
// max_pool_gradient.
std::vector<Symbol> decompose_max_pool_tangent(std::span<const Symbol> in, const Attributes& a) {
  const Windows w = pool_windows(a);
  const Symbol winner = winners(in[0], in[1], w);
  if (w.taps() > kMostTaps) {
    const Symbol changes = all_windows(in[2], w);
    const Symbol won = equal(beside_taps(winner, w), numbers_of_taps(winner.graph(), w));
    return {sum(select(won, changes, 0), tap_axes(w))};
  }
  const std::vector<Symbol> views = tap_views(in[2], w);
  Symbol sum;
  for (size_t t = 0; t < views.size(); ++t) {
    const Symbol term = select(equal(winner, static_cast<int64_t>(t)), views[t], 0);
    sum = sum.valid() ? sum + term : term;
  }
  return {sum};
}

// 1 / the number of elements of each window that are no padding, [counts.., 1].
Symbol reciprocal_counts(Symbol like, const Windows& w, std::span<const int64_t> spatial) {
  const Ints counts = w.counts(spatial);
  Ints dims(counts);
  dims.push_back(1);
  std::vector<double> values = {1};
  for (size_t d = 0; d < counts.size(); ++d) {
    std::vector<double> next;
    for (const double before : values) {
      for (int64_t o = 0; o < counts[d]; ++o) {
        const int64_t begin = o * w.strides[d] - w.low[d];
        const int64_t inside =
            std::min(begin + w.size[d], spatial[d]) - std::max<int64_t>(begin, 0);
        next.push_back(before / static_cast<double>(inside));
      }
    }
    values = std::move(next);
  }
  if (std::ranges::all_of(values, [&](double v) { return v == values[0]; }))
    return scalar_like(like, values[0]);
  return constant(like.graph(), Tensor::from(Shape(dims), values).cast(like.dtype()));
}

std::vector<Symbol> decompose_average_pool(std::span<const Symbol> in, const Attributes& a) {
  const Windows w = pool_windows(a);
  Symbol total;
  if (w.taps() > kMostTaps) {
    total = sum(all_windows(in[0], w), tap_axes(w));
  } else {
    for (const Symbol& view : tap_views(in[0], w)) total = total.valid() ? total + view : view;
  }
  return {total * reciprocal_counts(in[0], w, spatial_extents(in[0].shape()))};
}

std::vector<Symbol> decompose_average_pool_gradient(std::span<const Symbol> in,
                                                    const Attributes& a) {
  const Windows w = pool_windows(a);
  const Ints& spatial = a.get_ints("spatial");
  const Shape result = with_spatial(in[0].shape(), spatial, Ints{in[0].shape().dim(-1)});
  if (const auto nothing = if_empty(in[0], result, spatial)) return {*nothing};
  const Symbol values[] = {in[0] * reciprocal_counts(in[0], w, spatial)};
  const double padding[] = {0};
  const auto whole = [](const auto&, std::span<const Symbol> views) { return views[0]; };
  if (are_disjoint(w)) return {spread_over_windows(values, w, spatial, whole)};
  if (w.taps() > kMostTaps) return {sum_over_large_windows(values, padding, w, spatial, whole)};
  return {sum_over_windows(values, padding, w, spatial, whole)};
}

Attributes pool_attributes(const Attributes& a) {
  return {{"strides", a.get_ints("strides")},
          {"low", a.get_ints("low")},
          {"high", a.get_ints("high")},
          {"size", a.get_ints("size")}};
}

// x, its maxima, and what goes with `third`.
Symbol with_maxima(const char* op, Symbol x, Symbol y, Symbol third, const Attributes& a) {
  return x.graph().add1(op, {x, y, third}, pool_attributes(a));
}

void check_maxima(std::span<const ValueType> in, const Attributes& a, bool third_is_pooled) {
  const ValueType y{in[0].dtype, pooled(in[0].shape, a)};
  if (in[1] != y)
    throw ShapeError(
        fmt::format("the maxima must be {}, found {}", y.to_string(), in[1].to_string()));
  const ValueType& third = third_is_pooled ? y : in[0];
  if (in[2] != third)
    throw ShapeError(fmt::format("the third operand must be {}, found {}", third.to_string(),
                                 in[2].to_string()));
}

}  // namespace

void register_pooling(Registry& r) {
  std::vector<AttributeSpec> attributes = window_attributes(false);
  attributes.push_back({"size", AttributeType::kInts});
  const auto pooled_type = [](std::span<const ValueType> in, const Attributes& a) {
    return Types{{in[0].dtype, pooled(in[0].shape, a)}};
  };
  define_composite(r, "max_pool", 1, 1, attributes, pooled_type, decompose_max_pool,
                   [](const GradientContext& c) {
                     return Cotangents{with_maxima("max_pool_gradient", c.inputs[0], c.results[0],
                                                   *c.cotangents[0], c.attributes)};
                   });
  // Which element is the largest does not change with the values: the derivatives by x and y are 0.
  define_composite(
      r, "max_pool_gradient", 3, 3, attributes,
      [](std::span<const ValueType> in, const Attributes& a) {
        check_maxima(in, a, true);
        return Types{in[0]};
      },
      decompose_max_pool_gradient,
      [](const GradientContext& c) {
        return Cotangents{std::nullopt, std::nullopt,
                          with_maxima("max_pool_tangent", c.inputs[0], c.inputs[1],
                                      *c.cotangents[0], c.attributes)};
      });
  define_composite(
      r, "max_pool_tangent", 3, 3, attributes,
      [](std::span<const ValueType> in, const Attributes& a) {
        check_maxima(in, a, false);
        return Types{in[1]};
      },
      decompose_max_pool_tangent,
      [](const GradientContext& c) {
        return Cotangents{std::nullopt, std::nullopt,
                          with_maxima("max_pool_gradient", c.inputs[0], c.inputs[1],
                                      *c.cotangents[0], c.attributes)};
      });
  define_composite(
      r, "average_pool", 1, 1, attributes, pooled_type, decompose_average_pool,
      [](const GradientContext& c) {
        Attributes a = pool_attributes(c.attributes);
        a.set("spatial", spatial_extents(c.inputs[0].shape()));
        return Cotangents{c.inputs[0].graph().add1("average_pool_gradient", {*c.cotangents[0]}, a)};
      });
  std::vector<AttributeSpec> with_extents = attributes;
  with_extents.push_back({"spatial", AttributeType::kInts});
  define_composite(
      r, "average_pool_gradient", 1, 1, with_extents,
      [](std::span<const ValueType> in, const Attributes& a) {
        spatial_extents(in[0].shape);
        const Shape x = with_spatial(in[0].shape, a.get_ints("spatial"), Ints{in[0].shape.dim(-1)});
        if (pooled(x, a) != in[0].shape)
          throw ShapeError(fmt::format("averages of {} are {}, found {}", x.to_string(),
                                       pooled(x, a).to_string(), in[0].to_string()));
        return Types{{in[0].dtype, x}};
      },
      decompose_average_pool_gradient,
      [](const GradientContext& c) {
        return Cotangents{c.inputs[0].graph().add1("average_pool", {*c.cotangents[0]},
                                                   pool_attributes(c.attributes))};
      });
}

}  // namespace ops
}  // namespace sinter
