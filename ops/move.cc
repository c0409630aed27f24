// Moving data: builders and derivatives of reshape, transpose, broadcast, slice, pad, concat,
// gather, scatter_add, iota and size.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;
using Cotangents = std::vector<std::optional<Symbol>>;

Ints range(int n) {
  Ints result(static_cast<size_t>(n));
  std::iota(result.begin(), result.end(), int64_t{0});
  return result;
}

Ints whole_begin(int rank) { return Ints(static_cast<size_t>(rank), 0); }
Ints whole_end(int rank) {
  return Ints(static_cast<size_t>(rank), std::numeric_limits<int64_t>::max());
}
Ints ones(int rank) { return Ints(static_cast<size_t>(rank), 1); }

// Indices count beyond 255, where uint8 starts again.
DType index_dtype(DType dtype) {
  return is_floating(dtype) ? arithmetic_dtype(dtype) : ops::sum_dtype(dtype);
}

}  // namespace

Symbol reshape(OpInput x, Shape shape) {
  register_ops();
  return shape == x.shape() ? x : x.graph().add1("reshape", {x}, {{"shape", std::move(shape)}});
}

Symbol transpose(OpInput x, std::vector<int64_t> perm) {
  register_ops();
  if (perm.empty()) {
    perm = range(x.rank());
    std::reverse(perm.begin(), perm.end());
  }
  perm = ops::checked_axes("transpose", x, perm);
  return perm == range(x.rank()) ? x : x.graph().add1("transpose", {x}, {{"perm", perm}});
}

Symbol broadcast_to(OpInput x, Shape shape) {
  register_ops();
  if (shape == x.shape()) return x;
  Ints dims = range(x.rank());
  for (int64_t& d : dims) d += shape.rank() - x.rank();
  return x.graph().add1("broadcast", {x}, {{"shape", std::move(shape)}, {"dims", dims}});
}

Symbol expand_dims(OpInput x, int axis) {
  Ints dims = x.shape().dims();
  const int position = axis < 0 ? axis + x.rank() + 1 : axis;
  if (position < 0 || position > x.rank())
    throw ShapeError(fmt::format("{}expand_dims: {} has no place for axis {}",
                                 ops::where(x.graph()), x.type().to_string(), axis));
  dims.insert(dims.begin() + position, 1);
  return reshape(x, Shape(std::move(dims)));
}

Symbol squeeze(OpInput x, int axis) {
  Ints dims = x.shape().dims();
  const int position = ops::checked_axis("squeeze", x, axis);
  if (dims[static_cast<size_t>(position)] != 1)
    throw ShapeError(fmt::format("{}squeeze: axis {} of {} is not 1", ops::where(x.graph()), axis,
                                 x.type().to_string()));
  dims.erase(dims.begin() + position);
  return reshape(x, Shape(std::move(dims)));
}

Symbol slice(OpInput x, int axis, int64_t begin, int64_t end, int64_t stride) {
  register_ops();
  const auto a = static_cast<size_t>(ops::checked_axis("slice", x, axis));
  Ints b = whole_begin(x.rank()), e = whole_end(x.rank()), s = ones(x.rank());
  b[a] = begin;
  e[a] = end;
  s[a] = stride;
  return x.graph().add1("slice", {x}, {{"begin", b}, {"end", e}, {"stride", s}});
}

Symbol pad(OpInput x, std::vector<int64_t> low, std::vector<int64_t> high, Number value) {
  register_ops();
  value = ops::weak_element("pad", x.dtype(), value);
  const double number = value.as_double();
  if (element_of(x.dtype(), number) != value) {
    throw ShapeError(
        fmt::format("pad: no double holds {}; pad with 0 and select", value.to_string()));
  }
  return x.graph().add1("pad", {x},
                        {{"low", std::move(low)}, {"high", std::move(high)}, {"value", number}});
}

Symbol concat(std::initializer_list<Symbol> xs, int axis, const OpLine& line) {
  return concat(std::span<const Symbol>(xs.begin(), xs.size()), axis, line);
}

Symbol concat(std::span<const Symbol> xs, int axis, const OpLine& line) {
  line.enter();
  register_ops();
  if (xs.empty()) throw Error("concat needs at least one input");
  if (xs.size() == 1) return xs[0];
  DType dtype = xs[0].dtype();  // values are moved: bfloat16 beside itself stays
  const int64_t position = ops::checked_axis("concat", xs[0], axis);
  for (const Symbol& x : xs) {
    if (x.shape()[static_cast<int>(ops::checked_axis("concat", x, axis))] == kBatch)
      throw ShapeError(fmt::format("{}concat: axis {} of {} is the batch, which cannot be joined",
                                   ops::where(x.graph()), axis, x.type().to_string()));
    if (x.dtype() != dtype) dtype = ops::promote(dtype, x.dtype());
  }
  std::vector<Symbol> parts;
  for (const Symbol& x : xs) parts.push_back(cast(x, dtype));
  return xs[0].graph().add1("concat", parts, {{"axis", position}});
}

Symbol gather(OpInput x, OpInput indices, std::optional<int> given, int batch_dims) {
  register_ops();
  indices = cast(indices, index_dtype(indices.dtype()));
  const int axis = given.value_or(batch_dims);
  const int64_t position = ops::checked_axis("gather", x, axis);
  const int64_t from = x.shape()[static_cast<int>(position)];
  if (from == kBatch || from == 0)
    throw ShapeError(fmt::format("{}gather: axis {} of {} {}", ops::where(x.graph()), axis,
                                 x.type().to_string(),
                                 from == 0 ? "is empty" : "is the batch, whose size is not known"));
  return x.graph().add1("gather", {x, indices},
                        {{"axis", position}, {"batch_dims", int64_t{batch_dims}}});
}

Symbol iota(Graph& graph, Shape shape, int axis, DType dtype, const OpLine& line) {
  line.enter();
  register_ops();
  return graph.add1("iota", {},
                    {{"shape", shape},
                     {"axis", static_cast<int64_t>(shape.normalize_axis(axis))},
                     {"dtype", dtype}});
}

Symbol size(OpInput x, int axis, DType dtype) {
  register_ops();
  const int a = ops::checked_axis("size", x, axis);
  if (x.shape()[a] != kBatch) return x.graph().constant(Tensor::full(dtype, {}, x.shape()[a]));
  return x.graph().add1("size", {x}, {{"axis", static_cast<int64_t>(a)}, {"dtype", dtype}});
}

Symbol one_hot(OpInput indices, int64_t classes, DType dtype) {
  indices = cast(indices, index_dtype(indices.dtype()));
  Ints dims = indices.shape().dims();
  dims.push_back(classes);
  const Shape shape(dims);
  const Symbol spread = ops::unreduce(indices, shape, Ints{shape.rank() - 1});
  return cast(equal(spread, iota(indices.graph(), shape, -1, indices.dtype())), dtype);
}

namespace ops {
namespace {

Cotangents broadcast_gradient(const GradientContext& c) {
  // Sum over the dimensions that were added, and over those that grew from 1.
  const Ints& dims = c.attributes.get_ints("dims");
  const Shape& from = c.inputs[0].shape();
  const Shape& to = c.results[0].shape();
  Ints axes;
  for (int64_t i = 0; i < to.rank(); ++i) {
    const auto it = std::find(dims.begin(), dims.end(), i);
    const bool added = it == dims.end();
    if (added || (from[static_cast<int>(it - dims.begin())] == 1 && to[static_cast<int>(i)] != 1))
      axes.push_back(i);
  }
  Symbol g = *c.cotangents[0];
  if (!axes.empty()) g = sum(g, axes);
  return {reshape(g, from)};
}

// [n] with zeros between the elements: element i moves to i * stride; length (n - 1) * stride + 1.
Symbol dilate(Symbol x, int axis, int64_t stride) {
  const int64_t n = x.shape()[axis];
  if (stride == 1 || n == 0) return x;
  Symbol y = expand_dims(x, axis + 1);
  Ints low(static_cast<size_t>(y.rank()), 0), high = low;
  high[static_cast<size_t>(axis) + 1] = stride - 1;
  y = pad(y, low, high);
  Ints dims = x.shape().dims();
  dims[static_cast<size_t>(axis)] = n * stride;
  return slice(reshape(y, Shape(dims)), axis, 0, (n - 1) * stride + 1);
}

Cotangents slice_gradient(const GradientContext& c) {
  const Ints &begin = c.attributes.get_ints("begin"), &stride = c.attributes.get_ints("stride");
  const Shape& shape = c.inputs[0].shape();
  Symbol g = *c.cotangents[0];
  Ints low(static_cast<size_t>(shape.rank()), 0), high = low;
  bool padded = false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == kBatch) continue;
    const auto k = static_cast<size_t>(i);
    g = dilate(g, i, stride[k]);
    low[k] = begin[k];
    high[k] = shape[i] - begin[k] - g.shape()[i];
    padded = padded || low[k] != 0 || high[k] != 0;
  }
  return {padded ? pad(g, low, high) : g};
}

Cotangents pad_gradient(const GradientContext& c) {
  const Shape& shape = c.inputs[0].shape();
  Ints begin = c.attributes.get_ints("low"), end = whole_end(shape.rank());
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] != kBatch) end[static_cast<size_t>(i)] = begin[static_cast<size_t>(i)] + shape[i];
  }
  return {
      c.inputs[0].graph().add1("slice", {*c.cotangents[0]},
                               {{"begin", begin}, {"end", end}, {"stride", ones(shape.rank())}})};
}

Cotangents concat_gradient(const GradientContext& c) {
  const auto axis = axis_of(c.attributes);
  Cotangents result(c.inputs.size());
  int64_t begin = 0;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const int a = c.inputs[i].shape().normalize_axis(axis);
    const int64_t end = begin + c.inputs[i].shape()[a];
    if (c.needed[i]) result[i] = slice(*c.cotangents[0], a, begin, end);
    begin = end;
  }
  return result;
}

// Each element of the view goes back to the element that it was read from.
Cotangents as_strided_gradient(const GradientContext& c) {
  const Shape& from = c.inputs[0].shape();
  const Shape& shape = c.results[0].shape();
  if (from.elements() == 0) return {zeros_like(c.inputs[0])};  // nothing was read
  const Ints& strides = c.attributes.get_ints("strides");
  Graph& graph = c.inputs[0].graph();
  Symbol at = constant(graph, Tensor::full(DType::kInt64, {}, c.attributes.get_int("offset")));
  for (int64_t d = 0; d < shape.rank(); ++d) {
    const Symbol index =
        graph.add1("iota", {}, {{"shape", shape}, {"axis", d}, {"dtype", DType::kInt64}});
    at = at + index * strides[static_cast<size_t>(d)];
  }
  const DType dtype = arithmetic_dtype(c.inputs[0].dtype());
  const Symbol sums = graph.add1("scatter_add", {at, cast(*c.cotangents[0], dtype)},
                                 {{"axis", int64_t{0}}, {"size", from.elements()}});
  return {reshape(sums, from)};
}

}  // namespace

void register_move(Registry& r) {
  r.set_gradient("reshape", [](const GradientContext& c) {
    return Cotangents{reshape(*c.cotangents[0], c.inputs[0].shape())};
  });
  r.set_gradient("transpose", [](const GradientContext& c) {
    const Ints& perm = c.attributes.get_ints("perm");
    Ints inverse(perm.size());
    for (size_t i = 0; i < perm.size(); ++i)
      inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
    return Cotangents{transpose(*c.cotangents[0], inverse)};
  });
  r.set_gradient("broadcast", broadcast_gradient);
  r.set_gradient("slice", slice_gradient);
  r.set_gradient("as_strided", as_strided_gradient);
  r.set_gradient("pad", pad_gradient);
  r.set_gradient("concat", concat_gradient);
  r.set_gradient("gather", [](const GradientContext& c) {
    const int64_t axis = axis_of(c.attributes);
    const int64_t size = c.inputs[0].shape()[static_cast<int>(axis)];
    const Symbol updates = cast(*c.cotangents[0], arithmetic_dtype(c.inputs[0].dtype()));
    return Cotangents{
        c.inputs[0].graph().add1(
            "scatter_add", {c.inputs[1], updates},
            {{"axis", axis}, {"size", size}, {"batch_dims", c.attributes.get_int("batch_dims")}}),
        std::nullopt};
  });
  r.set_gradient("scatter_add", [](const GradientContext& c) {
    return Cotangents{std::nullopt, gather(*c.cotangents[0], c.inputs[0], axis_of(c.attributes),
                                           static_cast<int>(c.attributes.get_int("batch_dims")))};
  });
  r.set_no_gradient("iota", "an index does not depend on anything");
  // A dimension does not change with the values: its derivative is zero.
  r.set_gradient("size", [](const GradientContext& c) { return Cotangents(c.inputs.size()); });
}

}  // namespace ops
}  // namespace sinter
