// Dropout (Srivastava et al. 2014, inverted form as Keras: kept values are scaled by 1 / (1 -
// rate)), and random numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "core/error.h"
#include "ops/define.h"
#include "ops/random.h"

namespace sinter {

Symbol random_uniform(OpInput state, Shape shape, int64_t stream, DType dtype) {
  register_ops();
  return state.graph().add1("random", {state},
                            {{"shape", std::move(shape)}, {"dtype", dtype}, {"stream", stream}});
}

Symbol random_bits16(OpInput state, Shape shape, int64_t stream) {
  register_ops();
  return state.graph().add1("random", {state},
                            {{"shape", std::move(shape)},
                             {"dtype", DType::kInt32},
                             {"distribution", std::string("bits16")},
                             {"stream", stream}});
}

Symbol random_normal(OpInput state, Shape shape, int64_t stream, DType dtype) {
  register_ops();
  return state.graph().add1("random_normal", {state},
                            {{"shape", std::move(shape)}, {"dtype", dtype}, {"stream", stream}});
}

Symbol random_keep(OpInput state, Shape shape, double rate, int64_t stream) {
  // 16 bits cost half of 32, and the rate is off by 2^-17 at most. Near 0 or 1 that would be more
  // than 2^-11 of what is dropped or of what is kept: there 24 bits are drawn.
  if (std::min(rate, 1 - rate) < 0x1p-6)
    return greater_equal(random_uniform(state, std::move(shape), stream), rate);
  return greater_equal(random_bits16(state, std::move(shape), stream), std::round(rate * 65536));
}

Symbol dropout(OpInput x, OpInput state, double rate, int64_t stream, Shape noise_shape) {
  register_ops();
  x = ops::floating(x);
  if (noise_shape.rank() == 0) noise_shape = x.shape();
  return x.graph().add1(
      "dropout", {x, state},
      {{"rate", rate}, {"stream", stream}, {"noise_shape", std::move(noise_shape)}});
}

namespace ops {
namespace {

void check_state(const ValueType& state) {
  if (state != ValueType{DType::kInt64, Shape{2}}) throw ShapeError("state must be int64[2]");
}

// Two streams of uniform numbers: the second one differs in a bit that layers leave alone.
std::vector<Symbol> decompose_normal(std::span<const Symbol> in, const Attributes& a) {
  const Shape& shape = a.get<Shape>("shape");
  const DType dtype = a.get<DType>("dtype");
  const int64_t stream = a.get_int("stream");
  const Symbol u = random_uniform(in[0], shape, stream, dtype);
  const Symbol v = random_uniform(in[0], shape, stream ^ (int64_t{1} << 31), dtype);
  return {sqrt(log(1.0 - u) * -2.0) * cos(v * (2 * std::numbers::pi))};
}

std::vector<ValueType> dropout_type(std::span<const ValueType> in, const Attributes& a) {
  const double rate = a.get_float("rate");
  if (!(rate >= 0 && rate <= 1))
    throw ShapeError(fmt::format("rate must be in [0, 1], found {}", rate));
  check_state(in[1]);
  const Shape& noise = a.get<Shape>("noise_shape");
  if (noise.rank() != in[0].shape.rank())
    throw ShapeError(fmt::format("noise_shape {} must have the rank of {}", noise.to_string(),
                                 in[0].shape.to_string()));
  for (int i = 0; i < noise.rank(); ++i) {
    if (noise[i] != 1 && noise[i] != in[0].shape[i])
      throw ShapeError(fmt::format("noise_shape {} does not broadcast to {}", noise.to_string(),
                                   in[0].shape.to_string()));
  }
  return {in[0]};
}

std::vector<Symbol> decompose_dropout(std::span<const Symbol> in, const Attributes& a) {
  const double rate = a.get_float("rate");
  if (rate == 0) return {in[0]};
  if (rate == 1) return {zeros_like(in[0])};
  const Shape& shape = a.get<Shape>("noise_shape");
  const Symbol keep = random_keep(in[1], shape, rate, a.get_int("stream"));
  return {select(keep, in[0] * (1 / (1 - rate)), 0.0)};
}

}  // namespace

void register_dropout(Registry& r) {
  r.set_no_gradient("random", "random numbers do not depend on any input");
  define_composite(
      r, "random_normal", 1, 1,
      {{"shape", AttributeType::kShape},
       {"dtype", AttributeType::kDType, DType::kFloat32},
       {"stream", AttributeType::kInt, int64_t{0}}},
      [](std::span<const ValueType> in, const Attributes& a) {
        check_state(in[0]);
        return std::vector<ValueType>{{a.get<DType>("dtype"), a.get<Shape>("shape")}};
      },
      decompose_normal);
  // Linear in x with the same mask: the cotangent goes through the same dropout.
  define_composite(
      r, "dropout", 2, 2,
      {{"rate", AttributeType::kFloat},
       {"stream", AttributeType::kInt, int64_t{0}},
       {"noise_shape", AttributeType::kShape}},
      dropout_type, decompose_dropout, [](const GradientContext& c) {
        return std::vector<std::optional<Symbol>>{
            dropout(*c.cotangents[0], c.inputs[1], c.attributes.get_float("rate"),
                    c.attributes.get_int("stream"), c.attributes.get<Shape>("noise_shape")),
            std::nullopt};
      });
}

}  // namespace ops
}  // namespace sinter
