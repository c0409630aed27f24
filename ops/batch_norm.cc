// Batch normalization (Ioffe, Szegedy 2015): training, inference, the layer's form with moving
// averages, and the training gradient.
#include <fmt/format.h>

#include <optional>

#include "core/error.h"
#include "core/sizes.h"
#include "ops/define.h"

namespace sinter {

BatchNormResult batch_norm(OpInput x, OpInput gamma, OpInput beta, OpInput moving_mean,
                           OpInput moving_variance, double momentum, double epsilon, int axis) {
  register_ops();
  const Symbol inputs[] = {ops::floating(x), gamma, beta, moving_mean, moving_variance};
  const auto r = x.graph().add("batch_norm", inputs,
                               {{"momentum", momentum},
                                {"epsilon", epsilon},
                                {"axis", int64_t{ops::checked_axis("batch_norm", x, axis)}}});
  return {r[0], r[1], r[2]};
}

BatchNormResult batch_norm_training(OpInput x, OpInput gamma, OpInput beta, double epsilon,
                                    int axis) {
  register_ops();
  const Symbol inputs[] = {ops::floating(x), gamma, beta};
  const auto r = x.graph().add(
      "batch_norm_training", inputs,
      {{"epsilon", epsilon}, {"axis", int64_t{ops::checked_axis("batch_norm_training", x, axis)}}});
  return {r[0], r[1], r[2]};
}

Symbol batch_norm_inference(OpInput x, OpInput gamma, OpInput beta, OpInput mean, OpInput variance,
                            double epsilon, int axis) {
  register_ops();
  return x.graph().add1("batch_norm_inference", {ops::floating(x), gamma, beta, mean, variance},
                        {{"epsilon", epsilon},
                         {"axis", int64_t{ops::checked_axis("batch_norm_inference", x, axis)}}});
}

namespace ops {
namespace {

using Cotangents = std::vector<std::optional<Symbol>>;
using Types = std::vector<ValueType>;
using In = std::span<const Symbol>;

std::vector<int64_t> other_axes(const Shape& shape, int axis) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (i != axis) result.push_back(i);
  }
  return result;
}

// Of a vector nothing is left to reduce, and each element is its own mean: no axes would be all.
Symbol sum_over(Symbol x, const std::vector<int64_t>& axes) {
  return axes.empty() ? x : sum(x, axes);
}
Symbol mean_over(Symbol x, const std::vector<int64_t>& axes) {
  return axes.empty() ? x : mean(x, axes);
}

// The type of a vector along the axis; checks that inputs 1.. are such vectors (up to `vectors` of
// them).
ValueType channel_type(std::span<const ValueType> in, const Attributes& a, size_t vectors) {
  const int axis = checked_axis(in[0].shape, a.get_int("axis"));
  const ValueType channel{in[0].dtype, Shape{in[0].shape[axis]}};
  if (channel.shape[0] == kBatch) throw ShapeError("the axis to normalize cannot be the batch");
  for (size_t i = 1; i <= vectors; ++i) {
    if (in[i] != channel)
      throw ShapeError(
          fmt::format("input {} must be {}, found {}", i, channel.to_string(), in[i].to_string()));
  }
  return channel;
}

Symbol inverse_deviation(Symbol variance, double epsilon) { return rsqrt(variance + epsilon); }

std::vector<Symbol> decompose_training(In in, const Attributes& a) {
  const int axis = axis_of(a);
  const Symbol x = in[0];
  const auto axes = other_axes(x.shape(), axis);
  const Symbol m = mean_over(x, axes);
  const Symbol centred = x - along_axis(m, x, axis);
  const Symbol v = mean_over(square(centred), axes);
  const Symbol scale = in[1] * inverse_deviation(v, a.get_float("epsilon"));
  return {centred * along_axis(scale, x, axis) + along_axis(in[2], x, axis), m, v};
}

// y = x * (gamma * r) + (beta - mean * gamma * r), r = 1 / sqrt(variance + epsilon)
std::vector<Symbol> decompose_inference(In in, const Attributes& a) {
  const int axis = axis_of(a);
  const Symbol scale = in[1] * inverse_deviation(in[4], a.get_float("epsilon"));
  const Symbol shift = in[2] - in[3] * scale;
  return {in[0] * along_axis(scale, in[0], axis) + along_axis(shift, in[0], axis)};
}

std::vector<Symbol> decompose_layer(In in, const Attributes& a) {
  const double momentum = a.get_float("momentum");
  const BatchNormResult batch =
      batch_norm_training(in[0], in[1], in[2], a.get_float("epsilon"), axis_of(a));
  const auto moved = [&](Symbol old, Symbol now) { return old * momentum + now * (1 - momentum); };
  return {batch.y, moved(in[3], batch.mean), moved(in[4], batch.variance)};
}

// With x^ = (x - mean) r:  dbeta = sum dy, dgamma = sum dy x^, dx = gamma r (dy - dbeta / n - x^
// dgamma / n).
std::vector<Symbol> decompose_training_grad(In in, const Attributes& a) {
  const int axis = axis_of(a);
  const Symbol x = in[0], gamma = in[1], m = in[2], v = in[3], dy = in[4];
  const auto axes = other_axes(x.shape(), axis);
  const auto spread = [&](Symbol s) { return along_axis(s, x, axis); };
  const Symbol r = inverse_deviation(v, a.get_float("epsilon"));
  const Symbol normalized = (x - spread(m)) * spread(r);
  const Symbol dbeta = sum_over(dy, axes);
  const Symbol dgamma = sum_over(dy * normalized, axes);
  const Symbol n = count(x, axes);
  const Symbol dx = spread(gamma * r) * (dy - spread(dbeta / n) - normalized * spread(dgamma / n));
  return {dx, dgamma, dbeta};
}

Cotangents training_gradient(const GradientContext& c) {
  const Symbol inputs[] = {c.inputs[0], c.inputs[1], c.results[1], c.results[2],
                           c.cotangents[0] ? *c.cotangents[0] : zeros_like(c.results[0])};
  const auto g = c.inputs[0].graph().add(
      "batch_norm_training_grad", inputs,
      {{"epsilon", c.attributes.get_float("epsilon")}, {"axis", c.attributes.get_int("axis")}});
  Symbol dx = g[0];
  const int axis = axis_of(c.attributes);
  const Symbol x = c.inputs[0];
  const auto axes = other_axes(x.shape(), axis);
  // What flows into the batch statistics themselves: dmean / n, and dvariance * 2 (x - mean) / n.
  if (c.cotangents[1]) dx = dx + along_axis(*c.cotangents[1] / count(x, axes), x, axis);
  if (c.cotangents[2])
    dx = dx + (x - along_axis(c.results[1], x, axis)) *
                  along_axis(*c.cotangents[2] * 2.0 / count(x, axes), x, axis);
  return {dx, g[1], g[2]};
}

}  // namespace

void register_batch_norm(Registry& r) {
  const AttributeSpec epsilon{"epsilon", AttributeType::kFloat},
      axis = axis_spec("axis", AttributeType::kInt), momentum{"momentum", AttributeType::kFloat};
  define_composite(
      r, "batch_norm_training", 3, 3, {epsilon, axis},
      [](std::span<const ValueType> in, const Attributes& a) {
        const ValueType channel = channel_type(in, a, 2);
        return Types{in[0], channel, channel};
      },
      decompose_training, training_gradient);
  define_composite(
      r, "batch_norm_training_grad", 5, 5, {epsilon, axis},
      [](std::span<const ValueType> in, const Attributes& a) {
        const ValueType channel = channel_type(in, a, 3);
        if (in[4] != in[0]) throw ShapeError("the cotangent must have the type of x");
        return Types{in[0], channel, channel};
      },
      decompose_training_grad);
  define_composite(
      r, "batch_norm_inference", 5, 5, {epsilon, axis},
      [](std::span<const ValueType> in, const Attributes& a) {
        channel_type(in, a, 4);
        return Types{in[0]};
      },
      decompose_inference);
  define_composite(
      r, "batch_norm", 5, 5, {momentum, epsilon, axis},
      [](std::span<const ValueType> in, const Attributes& a) {
        const ValueType channel = channel_type(in, a, 4);
        return Types{in[0], channel, channel};
      },
      decompose_layer);
}

}  // namespace ops
}  // namespace sinter
