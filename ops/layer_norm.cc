// Normalization of each sample by its own elements: layer normalization (Ba, Kiros, Hinton 2016)
// and by the root mean square alone (Zhang, Sennrich 2019), with their gradients.
#include "ops/layer_norm.h"

#include <fmt/format.h>

#include <optional>

#include "core/error.h"
#include "core/sizes.h"
#include "ops/define.h"

namespace sinter {
namespace {

std::vector<int64_t> checked_norm_axes(const char* op, Symbol x, const Axes& axes) {
  if (axes.list().empty())
    throw ShapeError(fmt::format("{}{}: no axes given", ops::where(x.graph()), op));
  return ops::checked_axes(op, x, axes.list());
}

}  // namespace

LayerNormResult layer_norm(OpInput x, OpInput gamma, OpInput beta, Axes axes, double epsilon) {
  register_ops();
  const Symbol inputs[] = {ops::floating(x), gamma, beta};
  const auto r =
      x.graph().add("layer_norm", inputs,
                    {{"axes", checked_norm_axes("layer_norm", x, axes)}, {"epsilon", epsilon}});
  return {r[0], r[1], r[2]};
}

RmsNormResult rms_norm(OpInput x, OpInput gamma, Axes axes, double epsilon) {
  register_ops();
  const Symbol inputs[] = {ops::floating(x), gamma};
  const auto r = x.graph().add(
      "rms_norm", inputs, {{"axes", checked_norm_axes("rms_norm", x, axes)}, {"epsilon", epsilon}});
  return {r[0], r[1]};
}

namespace ops {
namespace {

using Cotangents = std::vector<std::optional<Symbol>>;
using In = std::span<const Symbol>;
using Ints = std::vector<int64_t>;
using Types = std::vector<ValueType>;

Ints axes_of(const Attributes& a) { return a.get_ints("axes"); }

// The type of statistics: that of x with 1 at the axes. Checks that inputs first .. last broadcast
// to x, dimension by dimension.
ValueType statistics_type(std::span<const ValueType> in, const Attributes& a, size_t first,
                          size_t last) {
  const Shape& x = in[0].shape;
  const Ints axes = checked_axes(x, axes_of(a));
  if (axes.empty()) throw ShapeError("no axes given");
  for (size_t i = first; i <= last; ++i) {
    bool fits = in[i].dtype == in[0].dtype && in[i].shape.rank() == x.rank();
    for (int d = 0; fits && d < x.rank(); ++d) fits = in[i].shape[d] == 1 || in[i].shape[d] == x[d];
    if (!fits) {
      throw ShapeError(
          fmt::format("input {} must have the dtype and rank of {} and broadcast to "
                      "it, found {}",
                      i, in[0].to_string(), in[i].to_string()));
    }
  }
  Ints dims = x.dims();
  for (const int64_t axis : axes) dims[static_cast<size_t>(axis)] = 1;
  return {in[0].dtype, Shape(std::move(dims))};
}

void check_is(std::span<const ValueType> in, size_t i, const ValueType& wanted) {
  if (in[i] != wanted)
    throw ShapeError(
        fmt::format("input {} must be {}, found {}", i, wanted.to_string(), in[i].to_string()));
}

// What was broadcast from `shape` added up again.
Symbol sum_to(Symbol x, const Shape& shape) {
  Ints axes;
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1 && x.shape()[d] != 1) axes.push_back(d);
  }
  return axes.empty() ? x : sum(x, axes, true);
}

Symbol inverse_root(Symbol square, const Attributes& a) {
  return rsqrt(square + a.get_float("epsilon"));
}

std::vector<Symbol> decompose_layer_norm(In in, const Attributes& a) {
  const Symbol x = in[0];
  const Ints axes = axes_of(a);
  const auto spread = [&](Symbol s) { return broadcast_to(s, x.shape()); };
  const Symbol m = mean(x, axes, true);
  const Symbol centred = x - spread(m);
  const Symbol v = mean(square(centred), axes, true);
  const Symbol normalized = centred * spread(inverse_root(v, a));
  return {normalized * spread(in[1]) + spread(in[2]), m, v};
}

std::vector<Symbol> decompose_rms_norm(In in, const Attributes& a) {
  const Symbol x = in[0];
  const auto spread = [&](Symbol s) { return broadcast_to(s, x.shape()); };
  const Symbol q = mean(square(x), axes_of(a), true);
  return {x * spread(inverse_root(q, a)) * spread(in[1]), q};
}

// With x^ = (x - mean) r and g = gamma dy:  dx = r (g - mean(g) - x^ mean(g x^)),
// dgamma = sum dy x^, dbeta = sum dy.
std::vector<Symbol> decompose_layer_norm_grad(In in, const Attributes& a) {
  const Symbol x = in[0], gamma = in[1], dy = in[4];
  const Ints axes = axes_of(a);
  const auto spread = [&](Symbol s) { return broadcast_to(s, x.shape()); };
  const Symbol r = spread(inverse_root(in[3], a));
  const Symbol normalized = (x - spread(in[2])) * r;
  const Symbol g = dy * spread(gamma);
  const Symbol dx =
      r * (g - spread(mean(g, axes, true)) - normalized * spread(mean(g * normalized, axes, true)));
  return {dx, sum_to(dy * normalized, gamma.shape()), sum_to(dy, gamma.shape())};
}

// The same without a mean: dx = r (g - x^ mean(g x^)).
std::vector<Symbol> decompose_rms_norm_grad(In in, const Attributes& a) {
  const Symbol x = in[0], gamma = in[1], dy = in[3];
  const Ints axes = axes_of(a);
  const auto spread = [&](Symbol s) { return broadcast_to(s, x.shape()); };
  const Symbol r = spread(inverse_root(in[2], a));
  const Symbol normalized = x * r;
  const Symbol g = dy * spread(gamma);
  const Symbol dx = r * (g - normalized * spread(mean(g * normalized, axes, true)));
  return {dx, sum_to(dy * normalized, gamma.shape())};
}

Symbol cotangent_of_y(const GradientContext& c) {
  return c.cotangents[0] ? *c.cotangents[0] : zeros_like(c.results[0]);
}

Cotangents layer_norm_gradient(const GradientContext& c) {
  const Symbol x = c.inputs[0], m = c.results[1];
  const Ints axes = axes_of(c.attributes);
  const Symbol inputs[] = {x, c.inputs[1], m, c.results[2], cotangent_of_y(c)};
  const auto g = x.graph().add("layer_norm_grad", inputs, c.attributes);
  const auto spread = [&](Symbol s) { return broadcast_to(s, x.shape()); };
  Symbol dx = g[0];
  // What flows into the statistics themselves: dmean / n, and dvariance * 2 (x - mean) / n.
  if (c.cotangents[1]) dx = dx + spread(*c.cotangents[1] / count(x, axes));
  if (c.cotangents[2]) {
    dx = dx + (x - spread(m)) * spread(*c.cotangents[2] * 2.0 / count(x, axes));
  }
  return {dx, g[1], g[2]};
}

Cotangents rms_norm_gradient(const GradientContext& c) {
  const Symbol x = c.inputs[0];
  const Symbol inputs[] = {x, c.inputs[1], c.results[1], cotangent_of_y(c)};
  const auto g = x.graph().add("rms_norm_grad", inputs, c.attributes);
  Symbol dx = g[0];
  if (c.cotangents[1]) {
    const Symbol each = *c.cotangents[1] * 2.0 / count(x, axes_of(c.attributes));
    dx = dx + x * broadcast_to(each, x.shape());
  }
  return {dx, g[1]};
}

}  // namespace

void register_layer_norm(Registry& r) {
  const std::vector<AttributeSpec> attributes = {axis_spec("axes", AttributeType::kInts),
                                                 {"epsilon", AttributeType::kFloat}};
  define_composite(
      r, "layer_norm", 3, 3, attributes,
      [](std::span<const ValueType> in, const Attributes& a) {
        const ValueType statistics = statistics_type(in, a, 1, 2);
        check_is(in, 2, in[1]);
        return Types{in[0], statistics, statistics};
      },
      decompose_layer_norm, layer_norm_gradient);
  define_composite(
      r, "layer_norm_grad", 5, 5, attributes,
      [](std::span<const ValueType> in, const Attributes& a) {
        const ValueType statistics = statistics_type(in, a, 1, 1);
        check_is(in, 2, statistics);
        check_is(in, 3, statistics);
        check_is(in, 4, in[0]);
        return Types{in[0], in[1], in[1]};
      },
      decompose_layer_norm_grad);
  define_composite(
      r, "rms_norm", 2, 2, attributes,
      [](std::span<const ValueType> in, const Attributes& a) {
        return Types{in[0], statistics_type(in, a, 1, 1)};
      },
      decompose_rms_norm, rms_norm_gradient);
  define_composite(
      r, "rms_norm_grad", 4, 4, attributes,
      [](std::span<const ValueType> in, const Attributes& a) {
        check_is(in, 2, statistics_type(in, a, 1, 1));
        check_is(in, 3, in[0]);
        return Types{in[0], in[1]};
      },
      decompose_rms_norm_grad);
}

}  // namespace ops
}  // namespace sinter
