// Reductions: sum, prod, max, min and their derivatives; mean, variance, norm and normalize as
// composites; argmax and argmin.
#include <algorithm>
#include <numeric>
#include <optional>

#include "core/reduce.h"
#include "core/sizes.h"
#include "ops/define.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;
using Cotangents = std::vector<std::optional<Symbol>>;

// Ascending; all where none is given.
Ints normalized(const Shape& shape, const Ints& given) {
  Ints axes = checked_axes(shape, given);
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(shape.rank()));
    std::iota(axes.begin(), axes.end(), int64_t{0});
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

// `op` is what the user calls.
Ints checked(const char* op, Symbol x, const Axes& axes) {
  return normalized(x.shape(), ops::checked_axes(op, x, axes.list()));
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

Symbol sum(OpInput x, Axes axes, bool keepdims) {
  return reduce("sum", "sum", cast(x, ops::sum_dtype(x.dtype())), axes, keepdims);
}
Symbol prod(OpInput x, Axes axes, bool keepdims) {
  return reduce("prod", "prod", cast(x, ops::sum_dtype(x.dtype())), axes, keepdims);
}
Symbol reduce_max(OpInput x, Axes axes, bool keepdims) {
  return reduce("reduce_max", "max", x, axes, keepdims);
}
Symbol reduce_min(OpInput x, Axes axes, bool keepdims) {
  return reduce("reduce_min", "min", x, axes, keepdims);
}
Symbol mean(OpInput x, Axes axes, bool keepdims) { return composite("mean", x, axes, keepdims); }
Symbol variance(OpInput x, Axes axes, bool keepdims) {
  return composite("variance", x, axes, keepdims);
}
Symbol norm(OpInput x, Axes axes, bool keepdims) { return composite("norm", x, axes, keepdims); }
Symbol normalize(OpInput x, Axes axes, double epsilon) {
  register_ops();
  x = ops::floating(x);
  return x.graph().add1("normalize", {x},
                        {{"axes", checked("normalize", x, axes)}, {"epsilon", epsilon}});
}
Symbol argmax(OpInput x, int axis) { return arg_reduce("argmax", x, axis); }
Symbol argmin(OpInput x, int axis) { return arg_reduce("argmin", x, axis); }

namespace ops {
namespace {

Cotangents reduce_gradient(const GradientContext& c) {
  const auto [kind, axes, keepdims] = Reduce::of(c.attributes);
  const Symbol x = c.inputs[0];
  const Symbol g = unreduce(*c.cotangents[0], x.shape(), axes);
  if (kind == ReduceKind::kSum) return {g};
  if (kind == ReduceKind::kProd) return {g * product_of_others(x, axes)};
  const Symbol y = unreduce(c.results[0], x.shape(), axes);
  // Equal extremes share the gradient, as in TensorFlow.
  const Symbol chosen = cast(equal(x, y), x.dtype());
  const Symbol ties = unreduce(sum(chosen, axes), x.shape(), axes);
  return {g * (chosen / ties)};
}

std::vector<ValueType> reduced_type(std::span<const ValueType> in, const Attributes& a) {
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

// Squares of what is below 1e-19 or above 1e19 are no float32. Where the largest of a group is far
// from 1 a power of two, which rounds nothing, brings all of it near.
struct Scaled {
  Symbol factor;   // of each group
  Symbol squares;  // the sum of (factor x)^2
  Symbol x;        // factor x
};
Scaled scaled(Symbol x, const Ints& axes) {
  const bool is_double = x.dtype() == DType::kFloat64;
  const double far = is_double ? 0x1p400 : 0x1p50;
  const double up = is_double ? 0x1p700 : 0x1p90, down = is_double ? 0x1p-600 : 0x1p-80;
  const Symbol largest = reduce_max(abs(x), axes);
  ScalarBuilder builder({x.dtype()});
  const Scalar most = builder.argument(0), one = builder.constant(x.dtype(), 1.0);
  const Scalar by[] = {select(most > far, down, select(most < 1 / far, up, one))};
  const Symbol operands[] = {largest};
  const Symbol factor = add_map(x.graph(), operands, builder.finish(by))[0];
  const Symbol all = x * unreduce(factor, x.shape(), axes);
  return {factor, sum(square(all), axes), all};
}

std::vector<Symbol> decompose_norm(std::span<const Symbol> in, const Attributes& a) {
  const Scaled s = scaled(in[0], normalized(in[0].shape(), a.get_ints("axes")));
  const Symbol length = sqrt(s.squares) / s.factor;
  const ValueType type = in[0].type();
  return {reshape(length, reduced_type({&type, 1}, a)[0].shape)};
}

// dx = dy x / |x|, and 0 where |x| is 0: the chain rule over the decomposition has 0 / 0 there.
Cotangents norm_gradient(const GradientContext& c) {
  const Symbol x = c.inputs[0], dy = select(equal(c.results[0], 0.0), 0.0, *c.cotangents[0]);
  const Ints axes = normalized(x.shape(), c.attributes.get_ints("axes"));
  return {normalize(x, axes, 0) * unreduce(dy, x.shape(), axes)};
}

// x min(1 / |x|, 1 / epsilon), which is linear near 0; with epsilon = 0 it is 0 at 0.
std::vector<Symbol> decompose_normalize(std::span<const Symbol> in, const Attributes& a) {
  const Ints axes = normalized(in[0].shape(), a.get_ints("axes"));
  const double epsilon = parameter("normalize", "epsilon", in[0].dtype(), a);
  const Scaled s = scaled(in[0], axes);
  const Symbol least = epsilon * s.factor;
  const Symbol near = less_equal(sqrt(s.squares), least);  // false for NaN
  const Symbol slope = epsilon == 0 ? zeros_like(least) : 1.0 / least;
  const Symbol scale = select(near, slope, rsqrt(select(near, 1.0, s.squares)));
  return {s.x * unreduce(scale, in[0].shape(), axes)};
}

// dx = (dy - y sum(y dy)) / |x|, and dy / epsilon near 0. Divided last: where |x| is tiny the terms
// of the difference are beyond all numbers, and it may be 0.
Cotangents normalize_gradient(const GradientContext& c) {
  const Symbol x = c.inputs[0], y = c.results[0], dy = *c.cotangents[0];
  const Ints axes = normalized(x.shape(), c.attributes.get_ints("axes"));
  const double epsilon = parameter("normalize", "epsilon", x.dtype(), c.attributes);
  const auto over_axes = [&](Symbol s) { return unreduce(s, x.shape(), axes); };
  const Symbol length = norm(x, axes), near = less_equal(length, epsilon);
  const Symbol along = select(near, 0.0, sum(y * dy, axes));
  const Symbol least = select(near, epsilon == 0 ? 1.0 : epsilon, length);
  const Symbol across = epsilon == 0 ? select(over_axes(near), 0.0, dy) : dy;
  return {(across - y * over_axes(along)) / over_axes(least)};
}

}  // namespace

void register_reduce(Registry& r) {
  r.set_gradient("reduce", reduce_gradient);
  r.set_no_gradient("arg_reduce", "its result is an index");
  const std::vector<AttributeSpec> attributes = {axis_spec("axes", AttributeType::kInts),
                                                 {"keepdims", AttributeType::kBool, false}};
  define_composite(r, "mean", 1, 1, attributes, reduced_type, decompose_mean);
  define_composite(r, "variance", 1, 1, attributes, reduced_type, decompose_variance);
  define_composite(r, "norm", 1, 1, attributes, reduced_type, decompose_norm, norm_gradient);
  define_composite(
      r, "normalize", 1, 1,
      {axis_spec("axes", AttributeType::kInts), {"epsilon", AttributeType::kFloat, 1e-7}},
      [](std::span<const ValueType> in, const Attributes& a) {
        normalized(in[0].shape, a.get_ints("axes"));
        parameter("normalize", "epsilon", in[0].dtype,
                  a);  // refused here where the dtype has it not
        return std::vector<ValueType>{in[0]};
      },
      decompose_normalize, normalize_gradient);
}

}  // namespace ops
}  // namespace sinter
