#include "ops/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"

namespace sinter::ops {
namespace {

using Ints = std::vector<int64_t>;

Ints filled(size_t count, int64_t value) { return Ints(count, value); }

// Extents `value` in the spatial dimensions of x, `around` in its first and last.
Ints around(const Shape& x, std::span<const int64_t> value, int64_t around) {
  Ints all(static_cast<size_t>(x.rank()), around);
  std::ranges::copy(value, all.begin() + 1);
  return all;
}

Symbol slice_spatial(Symbol x, std::span<const int64_t> begin, std::span<const int64_t> end,
                     std::span<const int64_t> stride) {
  const Ints from = around(x.shape(), begin, 0), to = around(x.shape(), end, kSliceEnd),
             step = around(x.shape(), stride, 1);
  return x.graph().add1("slice", {x}, {{"begin", from}, {"end", to}, {"stride", step}});
}

}  // namespace

int64_t Windows::taps() const {
  return std::accumulate(size.begin(), size.end(), int64_t{1}, std::multiplies<>());
}

Ints Windows::tap(int64_t number) const {
  Ints index(size.size());
  for (size_t d = size.size(); d-- > 0;) {
    index[d] = number % size[d];
    number /= size[d];
  }
  return index;
}

void Windows::check(size_t dimensions) const {
  const auto each = [&](const Ints& entries, const char* name, int64_t least) {
    if (entries.size() != dimensions)
      throw ShapeError(fmt::format("{} need one entry for each of {} spatial dimensions, found {}",
                                   name, dimensions, entries.size()));
    for (const int64_t entry : entries) {
      if (entry < least)
        throw ShapeError(fmt::format("{} must be at least {}, found {}", name, least, entry));
    }
  };
  each(size, "window sizes", 1);
  each(strides, "strides", 1);
  each(dilations, "dilations", 1);
  each(low, "paddings", 0);
  each(high, "paddings", 0);
}

Ints Windows::counts(std::span<const int64_t> spatial) const {
  check(spatial.size());
  Ints counts(spatial.size());
  for (size_t d = 0; d < spatial.size(); ++d) {
    if (spatial[d] < 0)
      throw ShapeError(fmt::format("spatial extents must be at least 0, found {}", spatial[d]));
    const int64_t window = checked_sum(checked_product(size[d] - 1, dilations[d]), 1);
    const int64_t padded = checked_sum(spatial[d], checked_sum(low[d], high[d]));
    if (padded < window)
      throw ShapeError(fmt::format(
          "a window of {} does not fit into spatial dimension {} of {}{}",
          counted(window, "element"), d, counted(padded, "element"),
          padded == spatial[d] ? "" : " with its padding"));
    counts[d] = (padded - window) / strides[d] + 1;
  }
  return counts;
}

Windows windows_of(const Attributes& attributes, Ints size) {
  const size_t rank = size.size();
  const auto* dilations = attributes.find("dilations");
  return {std::move(size), attributes.get_ints("strides"),
          dilations == nullptr ? filled(rank, 1) : attributes.get_ints("dilations"),
          attributes.get_ints("low"), attributes.get_ints("high")};
}

std::vector<AttributeSpec> window_attributes(bool dilations) {
  std::vector<AttributeSpec> specs = {{"strides", AttributeType::kInts}};
  if (dilations) specs.push_back({"dilations", AttributeType::kInts});
  specs.push_back({"low", AttributeType::kInts});
  specs.push_back({"high", AttributeType::kInts});
  return specs;
}

Attributes window_attributes(const Window& given, int rank, bool dilations) {
  const auto or_all = [&](const Ints& entries, int64_t value) {
    return entries.empty() ? filled(static_cast<size_t>(std::max(rank, 0)), value) : entries;
  };
  Attributes attributes = {{"strides", or_all(given.strides, 1)},
                           {"low", or_all(given.low, 0)},
                           {"high", or_all(given.high, 0)}};
  if (dilations) attributes.set("dilations", or_all(given.dilations, 1));
  return attributes;
}

Ints spatial_extents(const Shape& x) {
  if (x.rank() < 3)
    throw ShapeError(
        fmt::format("x must be [batch, spatial.., channels], found {}", x.to_string()));
  Ints extents(x.begin() + 1, x.end() - 1);
  for (const int64_t extent : extents) {
    if (extent == kBatch)
      throw ShapeError(fmt::format("spatial dimensions must be known, found {}", x.to_string()));
  }
  return extents;
}

Shape with_spatial(const Shape& x, std::span<const int64_t> spatial,
                   std::span<const int64_t> rest) {
  Ints dims = {x[0]};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  dims.insert(dims.end(), rest.begin(), rest.end());
  return Shape(std::move(dims));
}

Symbol pad_spatial(Symbol x, std::span<const int64_t> low, std::span<const int64_t> high,
                   double value) {
  const size_t rank = low.size();
  Ints begin(rank), end(rank), before(rank), after(rank);
  bool cuts = false, pads = false;
  for (size_t d = 0; d < rank; ++d) {
    const int64_t extent = x.shape()[static_cast<int>(d) + 1];
    // What is cut off may be all there is: nothing is then left to pad.
    begin[d] = std::clamp<int64_t>(-low[d], 0, extent);
    end[d] = std::clamp<int64_t>(extent + high[d], begin[d], extent);
    const int64_t length = extent + low[d] + high[d];
    before[d] = std::clamp<int64_t>(low[d], 0, length);
    after[d] = length - (end[d] - begin[d]) - before[d];
    cuts = cuts || begin[d] != 0 || end[d] != extent;
    pads = pads || before[d] != 0 || after[d] != 0;
  }
  if (cuts) x = slice_spatial(x, begin, end, filled(rank, 1));
  if (!pads) return x;
  // The dimensions after the spatial ones may be several.
  const Ints from = around(x.shape(), before, 0), to = around(x.shape(), after, 0);
  return x.graph().add1("pad", {x}, {{"low", from}, {"high", to}, {"value", value}});
}

Symbol all_windows(Symbol x, const Windows& w, double padding) {
  const auto rank = static_cast<size_t>(w.rank());
  const Ints spatial(x.shape().begin() + 1, x.shape().begin() + 1 + w.rank());
  const Ints counts = w.counts(spatial);
  x = pad_spatial(x, w.low, w.high, padding);
  const Shape& padded = x.shape();
  Ints of_padded(static_cast<size_t>(padded.rank()), 1);
  for (size_t d = of_padded.size() - 1; d-- > 0;)
    of_padded[d] = of_padded[d + 1] * padded[static_cast<int>(d) + 1];
  const Ints rest(padded.begin() + 1 + w.rank(), padded.end());
  Ints of_rest = w.size;
  of_rest.insert(of_rest.end(), rest.begin(), rest.end());
  const Shape shape = with_spatial(padded, counts, of_rest);
  const bool is_whole = w.taps() == 1 && w.strides == filled(rank, 1);
  if (is_whole) return reshape(x, shape);
  Ints strides = {of_padded[0]};
  for (size_t d = 0; d < rank; ++d) strides.push_back(of_padded[d + 1] * w.strides[d]);
  for (size_t d = 0; d < rank; ++d) strides.push_back(of_padded[d + 1] * w.dilations[d]);
  strides.insert(strides.end(), of_padded.begin() + 1 + w.rank(), of_padded.end());
  return x.graph().add1("as_strided", {x}, {{"shape", shape}, {"strides", strides}});
}

std::vector<Symbol> tap_views(Symbol x, const Windows& w, double padding) {
  const Ints spatial(x.shape().begin() + 1, x.shape().begin() + 1 + w.rank());
  const Ints counts = w.counts(spatial);
  x = pad_spatial(x, w.low, w.high, padding);
  std::vector<Symbol> views;
  for (int64_t t = 0; t < w.taps(); ++t) {
    const Ints tap = w.tap(t);
    Ints begin(tap.size()), end(tap.size());
    for (size_t d = 0; d < tap.size(); ++d) {
      begin[d] = tap[d] * w.dilations[d];
      end[d] = begin[d] + (counts[d] - 1) * w.strides[d] + 1;
    }
    views.push_back(slice_spatial(x, begin, end, w.strides));
  }
  return views;
}

std::optional<Symbol> if_empty(Symbol like, const Shape& shape, std::span<const int64_t> spatial) {
  if (std::ranges::find(spatial, 0) == spatial.end()) return std::nullopt;
  return broadcast_to(scalar_like(like, 0), shape);
}

Phases phases_of(const Windows& w, std::span<const int64_t> spatial,
                 std::span<const int64_t> counts) {
  const size_t rank = spatial.size();
  Phases p;
  p.over = {{}, filled(rank, 1), w.dilations, filled(rank, 0), filled(rank, 0)};
  for (size_t d = 0; d < rank; ++d) {
    const int64_t s = w.strides[d], reach = (w.size[d] + s - 1) / s;
    const int64_t first = w.low[d] / s, last = (spatial[d] - 1 + w.low[d]) / s;
    p.count.push_back(last - first + 1);
    p.crop.push_back(w.low[d] - first * s);
    p.over.size.push_back(reach);
    // Window q - m of q = first.. and m = reach - 1 .. 0.
    p.low.push_back((reach - 1) * w.dilations[d] - first);
    p.high.push_back(last - (counts[d] - 1));
  }
  return p;
}

Symbol padded_over(Symbol values, const Phases& p, double value) {
  return pad_spatial(values, p.low, p.high, value);
}

Symbol interleave(Symbol z, const Windows& w, const Phases& p, std::span<const int64_t> spatial) {
  const size_t rank = spatial.size();
  const auto dims = static_cast<int64_t>(rank);
  // [batch, q, phase, q, phase, .., rest..]
  Ints perm = {0}, extents(rank), end(rank);
  for (int64_t d = 0; d < dims; ++d) {
    perm.push_back(1 + d);
    perm.push_back(1 + dims + d);
  }
  for (int64_t d = 1 + 2 * dims; d < z.rank(); ++d) perm.push_back(d);
  const Ints rest(z.shape().begin() + 1 + 2 * static_cast<int>(rank), z.shape().end());
  for (size_t d = 0; d < rank; ++d) {
    extents[d] = p.count[d] * w.strides[d];
    end[d] = p.crop[d] + spatial[d];
  }
  if (w.strides != filled(rank, 1)) z = transpose(z, perm);
  const Symbol all = reshape(z, with_spatial(z.shape(), extents, rest));
  if (std::ranges::equal(extents, spatial)) return all;
  return slice_spatial(all, p.crop, end, filled(rank, 1));
}

namespace {

// The number of the tap at which window q - m has an element of phase `phase`, where `place` counts
// from the last m; -1 where windows have none there.
int64_t tap_at(const Windows& w, const Phases& p, std::span<const int64_t> place,
               std::span<const int64_t> phase) {
  int64_t number = 0;
  for (size_t d = 0; d < w.size.size(); ++d) {
    const int64_t tap = w.strides[d] * (p.over.size[d] - 1 - place[d]) + phase[d];
    if (tap >= w.size[d]) return -1;
    number = number * w.size[d] + tap;
  }
  return number;
}

}  // namespace

Symbol sum_over_windows(
    std::span<const Symbol> values, std::span<const double> padding, const Windows& w,
    std::span<const int64_t> spatial,
    const std::function<Symbol(int64_t tap, std::span<const Symbol> views)>& at) {
  const Shape& shape = values[0].shape();
  const Ints counts(shape.begin() + 1, shape.begin() + 1 + w.rank());
  const Phases p = phases_of(w, spatial, counts);
  // Views of all values for each m, descending.
  std::vector<std::vector<Symbol>> views(static_cast<size_t>(p.over.taps()));
  for (size_t i = 0; i < values.size(); ++i) {
    const std::vector<Symbol> of_value = tap_views(padded_over(values[i], p, padding[i]), p.over);
    for (size_t m = 0; m < of_value.size(); ++m) views[m].push_back(of_value[m]);
  }
  const Windows phases{w.strides, {}, {}, {}, {}};
  std::vector<Symbol> sums;
  for (int64_t r = 0; r < phases.taps(); ++r) {
    const Ints phase = phases.tap(r);
    Symbol sum;
    for (int64_t k = 0; k < p.over.taps(); ++k) {
      const int64_t tap = tap_at(w, p, p.over.tap(k), phase);
      if (tap < 0) continue;
      const Symbol term = at(tap, views[static_cast<size_t>(k)]);
      sum = sum.valid() ? sum + term : term;
    }
    if (!sum.valid()) sum = zeros_like(sums[0]);  // a stride beyond the window: nobody reads these
    sums.push_back(sum);
  }
  for (Symbol& sum : sums) sum = expand_dims(sum, 1 + w.rank());
  Symbol z = concat(sums, 1 + w.rank());
  Ints rest = w.strides;
  rest.insert(rest.end(), z.shape().begin() + 2 + w.rank(), z.shape().end());
  z = reshape(z, with_spatial(z.shape(), p.count, rest));
  return interleave(z, w, p, spatial);
}

Symbol sum_over_large_windows(
    std::span<const Symbol> values, std::span<const double> padding, const Windows& w,
    std::span<const int64_t> spatial,
    const std::function<Symbol(Symbol taps, std::span<const Symbol> views)>& at) {
  const Shape& shape = values[0].shape();
  const int rank = w.rank();
  const Ints counts(shape.begin() + 1, shape.begin() + 1 + rank);
  const Phases p = phases_of(w, spatial, counts);
  std::vector<Symbol> views;
  for (size_t i = 0; i < values.size(); ++i) {
    // [batch, q.., m descending.., rest..]
    const Symbol all = all_windows(padded_over(values[i], p, padding[i]), p.over);
    Ints rest = p.over.size;
    rest.insert(rest.end(), spatial.size(), 1);
    rest.insert(rest.end(), all.shape().begin() + 1 + 2 * rank, all.shape().end());
    views.push_back(reshape(all, with_spatial(all.shape(), p.count, rest)));
  }
  // The tap of each m and phase, -2 where there is none.
  Ints dims = p.over.size;
  dims.insert(dims.end(), w.strides.begin(), w.strides.end());
  const Windows both{dims, {}, {}, {}, {}};
  std::vector<int64_t> numbers;
  for (int64_t k = 0; k < both.taps(); ++k) {
    const Ints place = both.tap(k);
    const int64_t tap = tap_at(w, p, std::span(place).first(spatial.size()),
                               std::span(place).last(spatial.size()));
    numbers.push_back(tap < 0 ? -2 : tap);
  }
  dims.push_back(1);
  const Symbol taps =
      constant(values[0].graph(), Tensor::from(Shape(dims), numbers).cast(DType::kInt32));
  Ints axes(spatial.size());
  std::iota(axes.begin(), axes.end(), 1 + rank);
  const Symbol terms = select(greater_equal(taps, 0), at(taps, views), 0);
  return interleave(sum(terms, axes), w, p, spatial);
}

Symbol tap_numbers(Graph& graph, const Shape& shape) {
  Ints numbers(static_cast<size_t>(shape.elements()));
  std::iota(numbers.begin(), numbers.end(), 0);
  return constant(graph, Tensor::from(shape, numbers).cast(DType::kInt32));
}

bool are_disjoint(const Windows& w) {
  return w.strides == w.size && std::ranges::all_of(w.dilations, [](int64_t d) { return d == 1; });
}

Symbol spread_over_windows(
    std::span<const Symbol> values, const Windows& w, std::span<const int64_t> spatial,
    const std::function<Symbol(Symbol taps, std::span<const Symbol> views)>& at) {
  const Shape& shape = values[0].shape();
  // [batch, count, tap, count, tap, .., channels]: all, one a window, one a tap, and as it is read.
  Ints all = {shape[0]}, of_windows = {shape[0]}, of_taps, extents, low, high;
  for (int d = 0; d < w.rank(); ++d) {
    const auto k = static_cast<size_t>(d);
    const int64_t count = shape[1 + d], size = w.size[k];
    all.insert(all.end(), {count, size});
    of_windows.insert(of_windows.end(), {count, 1});
    of_taps.insert(of_taps.end(), {1, size});
    extents.push_back(count * size);
    low.push_back(-w.low[k]);
    high.push_back(spatial[k] + w.low[k] - count * size);
  }
  const int64_t channels = shape.dim(-1);
  all.push_back(channels);
  of_windows.push_back(channels);
  of_taps.push_back(1);
  const Symbol taps = tap_numbers(values[0].graph(), Shape(std::move(of_taps)));
  std::vector<Symbol> views;
  for (const Symbol& value : values) views.push_back(reshape(value, Shape(of_windows)));
  const Symbol elements = broadcast_to(at(taps, views), Shape(all));
  return pad_spatial(reshape(elements, with_spatial(shape, extents, Ints{channels})), low, high);
}

}  // namespace sinter::ops
