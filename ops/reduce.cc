// Reductions: sum, prod, max, min and their derivatives; mean, variance, norm and normalize as
// composites; argmax and argmin.
#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "core/sizes.h"
#include "ops/define.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;
using Cotangents = std::vector<std::optional<Symbol>>;

Ints normalized(const Shape& shape, Ints axes) {
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(shape.rank()));
    std::iota(axes.begin(), axes.end(), int64_t{0});
  }
  for (int64_t& a : axes) a = shape.normalize_axis(static_cast<int>(a));
  std::sort(axes.begin(), axes.end());
  return axes;
}

// `op` is what the user calls.
Ints checked(const char* op, Symbol x, const Axes& axes) {
  for (const int64_t axis : axes.list()) ops::checked_axis(op, x, axis);
  return normalized(x.shape(), axes.list());
}

Symbol reduce(const char* op, const char* kind, Symbol x, const Axes& given, bool keepdims) {
  register_ops();
  x = cast(x, arithmetic_dtype(x.dtype()));
  Ints axes = checked(op, x, given);
  if (axes.empty()) return x;
  return x.graph().add1("reduce", {x},
                        {{"kind", std::string(kind)}, {"axes", axes}, {"keepdims", keepdims}});
}

Symbol composite(const char* op, Symbol x, const Axes& axes, bool keepdims) {
  register_ops();
  x = ops::floating(x);
  return x.graph().add1(op, {x}, {{"axes", checked(op, x, axes)}, {"keepdims", keepdims}});
}

Symbol arg_reduce(const char* kind, Symbol x, int axis) {
  register_ops();
  x = cast(x, arithmetic_dtype(x.dtype()));
  return x.graph().add1("arg_reduce", {x},
                        {{"kind", std::string(kind)},
                         {"axis", static_cast<int64_t>(ops::checked_axis(kind, x, axis))}});
}

}  // namespace

Symbol sum(Symbol x, Axes axes, bool keepdims) {
  return reduce("sum", "sum", cast(x, ops::sum_dtype(x.dtype())), axes, keepdims);
}
Symbol prod(Symbol x, Axes axes, bool keepdims) {
  return reduce("prod", "prod", cast(x, ops::sum_dtype(x.dtype())), axes, keepdims);
}
Symbol reduce_max(Symbol x, Axes axes, bool keepdims) {
  return reduce("reduce_max", "max", x, axes, keepdims);
}
Symbol reduce_min(Symbol x, Axes axes, bool keepdims) {
  return reduce("reduce_min", "min", x, axes, keepdims);
}
Symbol mean(Symbol x, Axes axes, bool keepdims) { return composite("mean", x, axes, keepdims); }
Symbol variance(Symbol x, Axes axes, bool keepdims) {
  return composite("variance", x, axes, keepdims);
}
Symbol norm(Symbol x, Axes axes, bool keepdims) { return composite("norm", x, axes, keepdims); }
Symbol normalize(Symbol x, Axes axes, double epsilon) {
  register_ops();
  x = ops::floating(x);
  return x.graph().add1("normalize", {x},
                        {{"axes", checked("normalize", x, axes)}, {"epsilon", epsilon}});
}
Symbol argmax(Symbol x, int axis) { return arg_reduce("argmax", x, axis); }
Symbol argmin(Symbol x, int axis) { return arg_reduce("argmin", x, axis); }

namespace ops {
namespace {

// The product of all factors but each one: that of all factors that are not zero, divided by the
// one, times the zeros among the others. One zero enters as itself, two as (e^2 - p) / 2, e their
// sum and p that of their squares, so that derivatives by them are right, too: to the third order
// of prod, where of a third zero among the others nothing is left.
Symbol product_of_others(Symbol x, const Ints& axes) {
  const auto over_axes = [&](Symbol s) { return unreduce(s, x.shape(), axes); };
  const Symbol is_zero = equal(x, 0.0), own = select(is_zero, x, 0.0);
  const Symbol count = cast(is_zero, x.dtype()), zeros = over_axes(sum(count, axes)) - count;
  const Symbol one = over_axes(sum(own, axes)) - own;
  const Symbol two = 0.5 * (square(one) - (over_axes(sum(square(own), axes)) - square(own)));
  const Symbol not_zero = select(is_zero, 1.0, x);
  const Symbol rest = over_axes(prod(not_zero, axes)) / not_zero;
  const Symbol of_zeros = select(equal(zeros, 1.0), one, select(equal(zeros, 2.0), two, 0.0));
  // Beside a zero the rest may overflow.
  const double largest = x.dtype() == DType::kFloat64
                             ? std::numeric_limits<double>::max()
                             : static_cast<double>(std::numeric_limits<float>::max());
  return select(equal(zeros, 0.0), rest, of_zeros * clip(rest, -largest, largest));
}

Cotangents reduce_gradient(const GradientContext& c) {
  const std::string& kind = c.attributes.get_string("kind");
  const Ints axes = normalized(c.inputs[0].shape(), c.attributes.get_ints("axes"));
  const Symbol x = c.inputs[0];
  const Symbol g = unreduce(*c.cotangents[0], x.shape(), axes);
  if (kind == "sum") return {g};
  if (kind == "prod") return {g * product_of_others(x, axes)};
  const Symbol y = unreduce(c.results[0], x.shape(), axes);
  // Equal extremes share the gradient, as in TensorFlow.
  const Symbol chosen = cast(equal(x, y), x.dtype());
  const Symbol ties = unreduce(sum(chosen, axes), x.shape(), axes);
  return {g * (chosen / ties)};
}

std::vector<ValueType> reduced_type(std::span<const ValueType> in, const Attributes& a) {
  for (int64_t axis : a.get_ints("axes")) checked_axis(in[0].shape, axis);
  const Ints axes = normalized(in[0].shape, a.get_ints("axes"));
  Ints dims;
  for (int64_t i = 0; i < in[0].shape.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end())
      dims.push_back(in[0].shape[static_cast<int>(i)]);
    else if (a.get_bool("keepdims"))
      dims.push_back(1);
  }
  return {{in[0].dtype, Shape(std::move(dims))}};
}

std::vector<Symbol> decompose_mean(std::span<const Symbol> in, const Attributes& a) {
  const Ints axes = normalized(in[0].shape(), a.get_ints("axes"));
  return {divide(sum(in[0], axes, a.get_bool("keepdims")), count(in[0], axes))};
}

std::vector<Symbol> decompose_variance(std::span<const Symbol> in, const Attributes& a) {
  const Ints axes = normalized(in[0].shape(), a.get_ints("axes"));
  const Symbol centred = in[0] - unreduce(mean(in[0], axes), in[0].shape(), axes);
  return {mean(square(centred), axes, a.get_bool("keepdims"))};
}

std::vector<Symbol> decompose_norm(std::span<const Symbol> in, const Attributes& a) {
  return {sqrt(sum(square(in[0]), a.get_ints("axes"), a.get_bool("keepdims")))};
}

// dx = x dy / |x|, and 0 where |x| is 0: the chain rule over the decomposition has 0 / 0 there.
Cotangents norm_gradient(const GradientContext& c) {
  const Symbol x = c.inputs[0], y = c.results[0];
  const Symbol zero = equal(y, 0.0);
  const Symbol factor = select(zero, 0.0, *c.cotangents[0] / select(zero, 1.0, y));
  return {x * unreduce(factor, x.shape(), normalized(x.shape(), c.attributes.get_ints("axes")))};
}

// x min(1 / |x|, 1 / epsilon), which is linear near 0.
std::vector<Symbol> decompose_normalize(std::span<const Symbol> in, const Attributes& a) {
  const Ints axes = normalized(in[0].shape(), a.get_ints("axes"));
  const double epsilon = a.get_float("epsilon");
  const Symbol squares = sum(square(in[0]), axes);
  const Symbol near = less_equal(squares, epsilon * epsilon);  // false for NaN
  const Symbol scale = select(near, 1 / epsilon, rsqrt(select(near, 1.0, squares)));
  return {in[0] * unreduce(scale, in[0].shape(), axes)};
}

}  // namespace

void register_reduce(Registry& r) {
  r.set_gradient("reduce", reduce_gradient);
  r.set_no_gradient("arg_reduce", "its result is an index");
  const std::vector<AttributeSpec> attributes = {{"axes", AttributeType::kInts},
                                                 {"keepdims", AttributeType::kBool, false}};
  define_composite(r, "mean", 1, 1, attributes, reduced_type, decompose_mean);
  define_composite(r, "variance", 1, 1, attributes, reduced_type, decompose_variance);
  define_composite(r, "norm", 1, 1, attributes, reduced_type, decompose_norm, norm_gradient);
  define_composite(
      r, "normalize", 1, 1,
      {{"axes", AttributeType::kInts}, {"epsilon", AttributeType::kFloat, 1e-7}},
      [](std::span<const ValueType> in, const Attributes& a) {
        normalized(in[0].shape, a.get_ints("axes"));
        return std::vector<ValueType>{in[0]};
      },
      decompose_normalize);
}

}  // namespace ops
}  // namespace sinter
