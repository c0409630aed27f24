// Dropout (Srivastava et al. 2014, inverted form as Keras: kept values are scaled by 1 / (1 -
// rate)), and uniform random numbers.
#include <fmt/format.h>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {

Symbol random_uniform(Symbol state, Shape shape, int64_t stream, DType dtype) {
  register_ops();
  return state.graph().add1("random", {state},
                            {{"shape", std::move(shape)}, {"dtype", dtype}, {"stream", stream}});
}

Symbol dropout(Symbol x, Symbol state, double rate, int64_t stream, Shape noise_shape) {
  register_ops();
  if (noise_shape.rank() == 0) noise_shape = x.shape();
  return x.graph().add1(
      "dropout", {x, state},
      {{"rate", rate}, {"stream", stream}, {"noise_shape", std::move(noise_shape)}});
}

namespace ops {
namespace {

std::vector<ValueType> dropout_type(std::span<const ValueType> in, const Attributes& a) {
  const double rate = a.get_float("rate");
  if (!(rate >= 0 && rate < 1))
    throw ShapeError(fmt::format("rate must be in [0, 1), found {}", rate));
  if (in[1] != ValueType{DType::kInt64, Shape{2}}) throw ShapeError("state must be int64[2]");
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
  const Symbol noise =
      random_uniform(in[1], a.get<Shape>("noise_shape"), a.get_int("stream"), in[0].dtype());
  return {select(greater_equal(noise, rate), in[0] * (1 / (1 - rate)), 0.0)};
}

}  // namespace

void register_dropout(Registry& r) {
  r.set_no_gradient("random", "random numbers do not depend on any input");
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
