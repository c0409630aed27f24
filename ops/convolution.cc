// Convolution (as Keras and the field call it: cross-correlation) of any number of spatial
// dimensions, and its derivatives: the gradient of each of the three composites is made of the
// other two, to any order.
//
// It is a contraction over a view: all windows of the padded value, multiplied with the kernel. The
// gradient by the kernel contracts the same view with the cotangent. The gradient by the input is a
// convolution of the cotangent by the kernel turned round; with strides, one for each position
// between two windows, side by side as channels and interleaved (Shi et al., "Real-time single image
// and video super-resolution using an efficient sub-pixel convolutional neural network", 2016,
// section 3.2).
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/contract.h"
#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"
#include "ops/windows.h"

namespace sinter {

Symbol convolution(OpInput x, OpInput kernel, const Window& window, int64_t groups) {
  register_ops();
  Attributes attributes = ops::window_attributes(window, x.rank() - 2, true);
  attributes.set("groups", groups);
  const DType dtype = ops::promote(ops::floating(x).dtype(), ops::floating(kernel).dtype());
  return x.graph().add1("convolution", {cast(x, dtype), cast(kernel, dtype)},
                        std::move(attributes));
}

Symbol convolution_transpose(OpInput x, OpInput kernel, std::vector<int64_t> spatial,
                             const Window& window, int64_t groups) {
  register_ops();
  Attributes attributes = ops::window_attributes(window, x.rank() - 2, true);
  attributes.set("groups", groups);
  attributes.set("spatial", std::move(spatial));
  const DType dtype = ops::promote(ops::floating(x).dtype(), ops::floating(kernel).dtype());
  return x.graph().add1("convolution_input_gradient", {cast(x, dtype), cast(kernel, dtype)},
                        std::move(attributes));
}

namespace ops {
namespace {

using Ints = std::vector<int64_t>;
using Cotangents = std::vector<std::optional<Symbol>>;
using Types = std::vector<ValueType>;

// The code of a kernel grows with what is written out, and its compile time faster than that.
constexpr int64_t kMostDepthwiseTaps = 64;

// What the three values of a convolution are to each other.
struct Convolution {
  Windows windows;
  Ints spatial, counts;  // of the input and the result
  int64_t groups = 1, channels = 1, filters = 1;  // of all groups

  int64_t group_channels() const { return channels / groups; }
  int64_t group_filters() const { return filters / groups; }
  // A product of one term a tap: elementwise, with lanes along the channels.
  bool is_depthwise() const { return groups > 1 && channels == groups; }
  // Its taps are written out as a sum of views, which fuses with the work around it.
  bool is_written_out() const { return windows.taps() <= kMostDepthwiseTaps; }
  int rank() const { return windows.rank(); }
  // [size.., channels of a group, filters]
  Ints kernel_dims() const {
    Ints dims = windows.size;
    dims.push_back(group_channels());
    dims.push_back(filters);
    return dims;
  }
};

void check(const Convolution& c, const Attributes& a) {
  c.windows.check(c.spatial.size());
  const int64_t groups = a.get_int("groups");
  if (groups < 1 || c.channels % groups != 0 || c.filters % groups != 0)
    throw ShapeError(fmt::format("{} do not divide {} and {}", counted(groups, "group"),
                                 counted(c.channels, "channel"), counted(c.filters, "filter")));
  for (size_t d = 0; d < c.windows.strides.size(); ++d) {
    if (c.windows.strides[d] > 1 && c.windows.dilations[d] > 1)
      throw ShapeError(fmt::format("strides {} with dilations {}: one of them must be 1",
                                   c.windows.strides[d], c.windows.dilations[d]));
  }
}

int64_t known(const Shape& shape, int dim, const char* what) {
  const int64_t extent = shape.dim(dim);
  if (extent == kBatch)
    throw ShapeError(fmt::format("{} must be known, found {}", what, shape.to_string()));
  return extent;
}

Ints kernel_size(const Shape& kernel, const Shape& x) {
  if (kernel.rank() != x.rank() || !kernel.is_static())
    throw ShapeError(
        fmt::format("kernel must be [size.., channels, filters] with {} sizes, found {}",
                    x.rank() - 2, kernel.to_string()));
  return Ints(kernel.begin(), kernel.end() - 2);
}

Convolution of_forward(const Shape& x, const Shape& kernel, const Attributes& a) {
  Convolution c;
  c.spatial = spatial_extents(x);
  c.windows = windows_of(a, kernel_size(kernel, x));
  c.groups = a.get_int("groups");
  c.channels = known(x, -1, "channels");
  c.filters = kernel.dim(-1);
  check(c, a);
  if (kernel.dim(-2) * c.groups != c.channels)
    throw ShapeError(fmt::format("input has {}, kernel {} with {} expects {}",
                                 counted(c.channels, "channel"), kernel.to_string(),
                                 counted(c.groups, "group"), kernel.dim(-2) * c.groups));
  c.counts = c.windows.counts(c.spatial);
  return c;
}

// The counts that `dy` has must be those of windows over `spatial`.
void check_counts(Convolution& c, const Shape& dy) {
  c.counts = c.windows.counts(c.spatial);
  const Ints found = spatial_extents(dy);
  if (found != c.counts)
    throw ShapeError(fmt::format("there are [{}] windows of {} over [{}], but {} has [{}]",
                                 fmt::join(c.counts, ","), fmt::join(c.windows.size, "x"),
                                 fmt::join(c.spatial, ","), dy.to_string(), fmt::join(found, ",")));
}

Convolution of_input_gradient(const Shape& dy, const Shape& kernel, const Attributes& a) {
  Convolution c;
  spatial_extents(dy);
  c.spatial = a.get_ints("spatial");
  c.windows = windows_of(a, kernel_size(kernel, dy));
  c.groups = a.get_int("groups");
  c.filters = known(dy, -1, "filters");
  c.channels = checked_product(kernel.dim(-2), std::max<int64_t>(c.groups, 1));
  check(c, a);
  if (kernel.dim(-1) != c.filters)
    throw ShapeError(fmt::format("input has {}, kernel {} expects {}",
                                 counted(c.filters, "channel"), kernel.to_string(), kernel.dim(-1)));
  check_counts(c, dy);
  return c;
}

Convolution of_kernel_gradient(const Shape& x, const Shape& dy, const Attributes& a) {
  Convolution c;
  c.spatial = spatial_extents(x);
  c.windows = windows_of(a, a.get_ints("size"));
  c.groups = a.get_int("groups");
  c.channels = known(x, -1, "channels");
  if (dy.rank() != x.rank() || dy[0] != x[0])
    throw ShapeError(
        fmt::format("the cotangent {} is none of {}", dy.to_string(), x.to_string()));
  c.filters = known(dy, -1, "filters");
  check(c, a);
  check_counts(c, dy);
  return c;
}

Symbol contract(Symbol lhs, Symbol rhs, const Contract::Side& left, const Contract::Side& right) {
  return lhs.graph().add1("contract", {lhs, rhs}, Contract{left, right}.attributes());
}

Contract::Axes range(int begin, int count) {
  Contract::Axes axes(static_cast<size_t>(count));
  std::iota(axes.begin(), axes.end(), begin);
  return axes;
}

Ints joined(std::initializer_list<Ints> parts) {
  Ints all;
  for (const Ints& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// The last dimension cut into groups, where there are several.
Symbol split_groups(Symbol x, int64_t groups) {
  if (groups == 1) return x;
  Ints dims = x.shape().dims();
  dims.back() /= groups;
  dims.insert(dims.end() - 1, groups);
  return reshape(x, Shape(std::move(dims)));
}

// A product of groups has them first: moves that dimension to `place`.
Symbol groups_to(Symbol y, int place) {
  Ints perm(static_cast<size_t>(y.rank()));
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin(), perm.begin() + 1, perm.begin() + place + 1);
  return transpose(y, perm);
}

// [batch, counts.., size.., (groups,) channels] . [size.., (groups,) channels, rest..]
//   -> [batch, counts.., (groups,) rest..]
Symbol times_kernel(Symbol windows, Symbol kernel, int rank, int64_t groups) {
  const int with_groups = groups == 1 ? 0 : 1, first = 1 + rank;
  Contract::Axes depth = range(first, rank), depth_of_kernel = range(0, rank);
  depth.push_back(first + rank + with_groups);
  depth_of_kernel.push_back(rank + with_groups);
  Contract::Axes batch, batch_of_kernel;
  if (with_groups == 1) {
    batch = {first + rank};
    batch_of_kernel = {rank};
  }
  const Symbol y =
      contract(windows, kernel, {batch, {}, depth}, {batch_of_kernel, {}, depth_of_kernel});
  return with_groups == 1 ? groups_to(y, first) : y;
}

// [size.., channels of a group, filters] -> [size.., (groups,) channels, filters of a group]
Symbol kernel_by_groups(Symbol kernel, const Convolution& c) {
  if (c.groups == 1) return kernel;
  const int64_t rank = c.rank();
  const Symbol split = split_groups(kernel, c.groups);  // [size.., channels, groups, filters]
  Ints perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  return transpose(split, joined({perm, {rank + 1, rank, rank + 2}}));
}

// The kernel of a depthwise convolution at one tap, [channels, filters a channel].
Symbol kernel_tap(Symbol kernel, const Convolution& c, int64_t tap) {
  const Symbol taps =
      reshape(kernel, Shape{c.windows.taps(), c.channels, c.group_filters()});
  return reshape(slice(taps, 0, tap, tap + 1), Shape{c.channels, c.group_filters()});
}

// [.., filters] as [.., channels, filters a channel], and values of channels beside them.
Symbol by_channel(Symbol y, const Convolution& c) {
  return reshape(y, with_spatial(y.shape(), Ints(y.shape().begin() + 1, y.shape().end() - 1),
                                 Ints{c.channels, c.group_filters()}));
}

// The axes of taps among those of all_windows().
Ints tap_axes_of(int rank) {
  Ints axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 1 + rank);
  return axes;
}

// Dimensions of 1 after the first `place` ones.
Symbol with_ones(Symbol x, int place, int count) {
  Ints dims = x.shape().dims();
  dims.insert(dims.begin() + place, static_cast<size_t>(count), 1);
  return reshape(x, Shape(std::move(dims)));
}

std::vector<Symbol> decompose_convolution(std::span<const Symbol> in, const Attributes& a) {
  const Convolution c = of_forward(in[0].shape(), in[1].shape(), a);
  const Shape result = with_spatial(in[0].shape(), c.counts, Ints{c.filters});
  if (c.is_depthwise() && !c.is_written_out()) {
    const Symbol windows = expand_dims(all_windows(in[0], c.windows), -1);
    const Symbol kernel =
        reshape(in[1], Shape(joined({c.windows.size, {c.channels, c.group_filters()}})));
    return {reshape(sum(windows * kernel, tap_axes_of(c.rank())), result)};
  }
  if (c.is_depthwise()) {
    const std::vector<Symbol> views = tap_views(in[0], c.windows);
    Symbol y;
    for (size_t t = 0; t < views.size(); ++t) {
      const Symbol term =
          expand_dims(views[t], -1) * kernel_tap(in[1], c, static_cast<int64_t>(t));
      y = y.valid() ? y + term : term;
    }
    return {reshape(y, result)};
  }
  const Symbol windows = all_windows(split_groups(in[0], c.groups), c.windows);
  const Symbol y = times_kernel(windows, kernel_by_groups(in[1], c), c.rank(), c.groups);
  return {reshape(y, result)};
}

// The kernel that takes windows of cotangents back to elements, from the last of them on:
// [reach.., (groups,) filters of a group, strides.., channels of a group].
Symbol turned_kernel(Symbol kernel, const Convolution& c, const Phases& p) {
  const int rank = c.rank();
  const auto dims = static_cast<int64_t>(rank);
  Ints low(static_cast<size_t>(kernel.rank()), 0), high = low, split;
  for (int d = 0; d < rank; ++d) {
    const auto k = static_cast<size_t>(d);
    high[k] = p.over.size[k] * c.windows.strides[k] - c.windows.size[k];
    split.push_back(p.over.size[k]);
    split.push_back(c.windows.strides[k]);
  }
  if (high != low) kernel = pad(kernel, low, high);
  kernel = reshape(kernel, Shape(joined({split, {c.group_channels(), c.groups, c.group_filters()}})));
  Ints perm;
  for (int64_t d = 0; d < dims; ++d) perm.push_back(2 * d);
  perm.insert(perm.end(), {2 * dims + 1, 2 * dims + 2});
  for (int64_t d = 0; d < dims; ++d) perm.push_back(2 * d + 1);
  perm.push_back(2 * dims);
  const int64_t reach = p.over.taps();
  // Turned round in all dimensions at once: the last one first.
  kernel = transpose(kernel, perm);
  const Shape turned = kernel.shape();
  Ints rows(static_cast<size_t>(reach));
  std::iota(rows.rbegin(), rows.rend(), 0);
  if (reach > 1) {
    kernel = reshape(kernel, Shape{reach, turned.elements() / reach});
    kernel = gather(kernel, kernel.graph().constant(Tensor::from(Shape{reach}, rows)), 0);
  }
  Ints result = p.over.size;
  if (c.groups > 1) result.push_back(c.groups);
  result.push_back(c.group_filters());
  result.insert(result.end(), c.windows.strides.begin(), c.windows.strides.end());
  result.push_back(c.group_channels());
  return reshape(kernel, Shape(std::move(result)));
}

std::vector<Symbol> decompose_input_gradient(std::span<const Symbol> in, const Attributes& a) {
  const Convolution c = of_input_gradient(in[0].shape(), in[1].shape(), a);
  const Symbol dy = in[0];
  const Shape result = with_spatial(dy.shape(), c.spatial, Ints{c.channels});
  if (const auto nothing = if_empty(dy, result, c.spatial)) return {*nothing};
  if (c.is_depthwise() && !c.is_written_out()) {
    const int rank = c.rank();
    const Phases p = phases_of(c.windows, c.spatial, c.counts);
    // [batch, q.., reach.., phases of 1.., channels, filters] . [reach.., phases.., channels,
    // filters]
    const Symbol windows =
        with_ones(all_windows(padded_over(by_channel(dy, c), p), p.over), 1 + 2 * rank, rank);
    Ints perm(static_cast<size_t>(2 * rank + 3));
    std::iota(perm.begin(), perm.end(), 0);
    // From [reach.., channels, filters, phases.., 1].
    std::rotate(perm.begin() + rank, perm.begin() + rank + 2, perm.end() - 1);
    const Symbol turned = turned_kernel(in[1], c, p);
    const Symbol kernel =
        reshape(transpose(turned, perm),
                Shape(joined({p.over.size, c.windows.strides, {c.channels, c.group_filters()}})));
    Ints axes = tap_axes_of(rank);
    axes.push_back(-1);
    return {interleave(sum(windows * kernel, axes), c.windows, p, c.spatial)};
  }
  if (c.is_depthwise()) {
    const Symbol values[] = {by_channel(dy, c)};
    const double padding[] = {0};
    const Ints last = {-1};
    return {sum_over_windows(values, padding, c.windows, c.spatial,
                             [&](int64_t tap, std::span<const Symbol> views) {
                               return sum(views[0] * kernel_tap(in[1], c, tap), last);
                             })};
  }
  const Phases p = phases_of(c.windows, c.spatial, c.counts);
  const Symbol windows = all_windows(split_groups(padded_over(dy, p), c.groups), p.over);
  Symbol z = times_kernel(windows, turned_kernel(in[1], c, p), c.rank(), c.groups);
  if (c.groups > 1) {
    // [batch, count.., groups, strides.., channels] -> [batch, count.., strides.., groups, channels]
    Ints perm(static_cast<size_t>(z.rank()));
    std::iota(perm.begin(), perm.end(), 0);
    const auto first = perm.begin() + 1 + c.rank();
    std::rotate(first, first + 1, first + 1 + c.rank());
    z = transpose(z, perm);
  }
  return {reshape(interleave(z, c.windows, p, c.spatial), result)};
}

std::vector<Symbol> decompose_kernel_gradient(std::span<const Symbol> in, const Attributes& a) {
  const Convolution c = of_kernel_gradient(in[0].shape(), in[1].shape(), a);
  const int rank = c.rank();
  const Shape result(c.kernel_dims());
  Ints samples(static_cast<size_t>(rank) + 1);
  std::iota(samples.begin(), samples.end(), 0);
  if (c.is_depthwise() && !c.is_written_out()) {
    const Symbol windows = expand_dims(all_windows(in[0], c.windows), -1);
    const Symbol dy = with_ones(by_channel(in[1], c), 1 + rank, rank);
    return {reshape(sum(windows * dy, samples), result)};
  }
  if (c.is_depthwise()) {
    const Symbol dy = by_channel(in[1], c);
    std::vector<Symbol> taps;
    for (const Symbol& view : tap_views(in[0], c.windows))
      taps.push_back(expand_dims(sum(expand_dims(view, -1) * dy, samples), 0));
    return {reshape(concat(taps, 0), result)};
  }
  const Symbol windows = all_windows(split_groups(in[0], c.groups), c.windows);
  const Symbol dy = split_groups(in[1], c.groups);
  const Contract::Axes depth = range(0, rank + 1);
  Contract::Axes batch, batch_of_dy;
  if (c.groups > 1) {
    batch = {1 + 2 * rank};
    batch_of_dy = {1 + rank};
  }
  Symbol g = contract(windows, dy, {batch, {}, depth}, {batch_of_dy, {}, depth});
  if (c.groups > 1) g = groups_to(g, rank + 1);  // [size.., channels, groups, filters]
  return {reshape(g, result)};
}

Attributes with(const Attributes& a, const char* name, Ints value) {
  Attributes all = {{"strides", a.get_ints("strides")}, {"dilations", a.get_ints("dilations")},
                    {"low", a.get_ints("low")},         {"high", a.get_ints("high")},
                    {"groups", a.get_int("groups")}};
  if (name != nullptr) all.set(name, std::move(value));
  return all;
}

Symbol forward(Symbol x, Symbol kernel, const Attributes& a) {
  return x.graph().add1("convolution", {x, kernel}, with(a, nullptr, {}));
}
Symbol input_gradient(Symbol dy, Symbol kernel, const Attributes& a, Ints spatial) {
  return dy.graph().add1("convolution_input_gradient", {dy, kernel},
                         with(a, "spatial", std::move(spatial)));
}
Symbol kernel_gradient(Symbol x, Symbol dy, const Attributes& a, Ints size) {
  return x.graph().add1("convolution_kernel_gradient", {x, dy},
                        with(a, "size", std::move(size)));
}

Ints size_of(Symbol kernel) { return Ints(kernel.shape().begin(), kernel.shape().end() - 2); }

}  // namespace

void register_convolution(Registry& r) {
  const auto attributes = [](std::vector<AttributeSpec> more) {
    std::vector<AttributeSpec> specs = window_attributes(true);
    specs.push_back({"groups", AttributeType::kInt, int64_t{1}});
    specs.insert(specs.end(), more.begin(), more.end());
    return specs;
  };
  const auto one_dtype = [](std::span<const ValueType> in) {
    if (in[0].dtype != in[1].dtype)
      throw ShapeError(fmt::format("both operands must have one dtype, found {} and {}",
                                   in[0].to_string(), in[1].to_string()));
  };
  define_composite(
      r, "convolution", 2, 2, attributes({}),
      [=](std::span<const ValueType> in, const Attributes& a) {
        one_dtype(in);
        const Convolution c = of_forward(in[0].shape, in[1].shape, a);
        return Types{{in[0].dtype, with_spatial(in[0].shape, c.counts, Ints{c.filters})}};
      },
      decompose_convolution, [](const GradientContext& c) {
        const Symbol x = c.inputs[0], kernel = c.inputs[1], dy = *c.cotangents[0];
        Cotangents result(2);
        if (c.needed[0])
          result[0] = input_gradient(dy, kernel, c.attributes, spatial_extents(x.shape()));
        if (c.needed[1]) result[1] = kernel_gradient(x, dy, c.attributes, size_of(kernel));
        return result;
      });
  define_composite(
      r, "convolution_input_gradient", 2, 2, attributes({{"spatial", AttributeType::kInts}}),
      [=](std::span<const ValueType> in, const Attributes& a) {
        one_dtype(in);
        const Convolution c = of_input_gradient(in[0].shape, in[1].shape, a);
        return Types{{in[0].dtype, with_spatial(in[0].shape, c.spatial, Ints{c.channels})}};
      },
      decompose_input_gradient, [](const GradientContext& c) {
        const Symbol dy = c.inputs[0], kernel = c.inputs[1], ddx = *c.cotangents[0];
        Cotangents result(2);
        if (c.needed[0]) result[0] = forward(ddx, kernel, c.attributes);
        if (c.needed[1]) result[1] = kernel_gradient(ddx, dy, c.attributes, size_of(kernel));
        return result;
      });
  define_composite(
      r, "convolution_kernel_gradient", 2, 2, attributes({{"size", AttributeType::kInts}}),
      [=](std::span<const ValueType> in, const Attributes& a) {
        one_dtype(in);
        const Convolution c = of_kernel_gradient(in[0].shape, in[1].shape, a);
        return Types{{in[0].dtype, Shape(c.kernel_dims())}};
      },
      decompose_kernel_gradient, [](const GradientContext& c) {
        const Symbol x = c.inputs[0], dy = c.inputs[1], dk = *c.cotangents[0];
        Cotangents result(2);
        if (c.needed[0])
          result[0] = input_gradient(dy, dk, c.attributes, spatial_extents(x.shape()));
        if (c.needed[1]) result[1] = forward(x, dk, c.attributes);
        return result;
      });
}

}  // namespace ops
}  // namespace sinter
