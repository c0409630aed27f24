// Cross entropies with Keras's formulas. The composites keep their names so that a pass can move
// them to logits.
#include <fmt/format.h>

#include <limits>
#include <optional>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {

using ops::apply;

namespace {
constexpr double kEpsilon = 1e-7;  // keras.config.epsilon()

Symbol crossentropy(const char* op, Symbol y_true, Symbol y_pred, bool from_logits) {
  register_ops();
  return y_pred.graph().add1(op, {y_true, y_pred}, {{"from_logits", from_logits}});
}
}  // namespace

Symbol softmax_cross_entropy(OpInput labels, OpInput logits) {
  register_ops();
  logits = ops::floating(logits);
  return logits.graph().add1("softmax_cross_entropy",
                             {broadcast_to(cast(labels, logits.dtype()), logits.shape()), logits});
}
Symbol sigmoid_cross_entropy(OpInput labels, OpInput logits) {
  logits = ops::floating(logits);
  return apply("sigmoid_cross_entropy", {cast(labels, logits.dtype()), logits});
}

Symbol binary_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits) {
  y_pred = ops::floating(y_pred);
  const Symbol t = broadcast_to(cast(y_true, y_pred.dtype()), y_pred.shape());
  return crossentropy("binary_crossentropy", t, y_pred, from_logits);
}

Symbol categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits) {
  if (y_true.shape() != y_pred.shape()) {
    throw ShapeError(
        fmt::format("categorical_crossentropy: y_true {} and y_pred {} must have one shape "
                    "(one-hot labels); for integer labels use "
                    "sparse_categorical_crossentropy",
                    y_true.shape().to_string(), y_pred.shape().to_string()));
  }
  y_pred = ops::floating(y_pred);
  return crossentropy("categorical_crossentropy", cast(y_true, y_pred.dtype()), y_pred,
                      from_logits);
}

Symbol sparse_categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits) {
  Symbol labels = y_true.dtype() == DType::kInt64 ? y_true : cast(y_true, DType::kInt32);
  if (labels.rank() == y_pred.rank() && labels.shape().dim(-1) == 1) labels = squeeze(labels, -1);
  return crossentropy("sparse_categorical_crossentropy", labels, ops::floating(y_pred),
                      from_logits);
}

namespace ops {
namespace {

using Cotangents = std::vector<std::optional<Symbol>>;
using Types = std::vector<ValueType>;

Types without_last(std::span<const ValueType> in, const Attributes&) {
  if (in[0] != in[1]) throw ShapeError("labels and predictions must have one type");
  if (in[1].shape.rank() < 1) throw ShapeError("predictions need a class dimension");
  std::vector<int64_t> dims = in[1].shape.dims();
  dims.pop_back();
  return {{in[1].dtype, Shape(std::move(dims))}};
}

Types sparse_type(std::span<const ValueType> in, const Attributes&) {
  if (in[1].shape.rank() < 1) throw ShapeError("predictions need a class dimension");
  std::vector<int64_t> dims = in[1].shape.dims();
  dims.pop_back();
  if (in[0].shape != Shape(dims)) {
    throw ShapeError(
        fmt::format("labels must be integers of shape {} (or with a last dimension of 1), found {}",
                    Shape(dims).to_string(), in[0].shape.to_string()));
  }
  return {{in[1].dtype, Shape(std::move(dims))}};
}

Symbol spread_last(Symbol x, const Shape& shape) {
  return unreduce(x, shape, std::vector<int64_t>{shape.rank() - 1});
}

// 0 log(0) is 0: a class that is impossible and does not occur costs nothing.
std::vector<Symbol> decompose_softmax_cross_entropy(std::span<const Symbol> in, const Attributes&) {
  const Symbol operands[] = {in[0], log_softmax(in[1])};
  ScalarBuilder builder({operands[0].dtype(), operands[1].dtype()});
  const Scalar t = builder.argument(0), l = builder.argument(1);
  const Scalar body[] = {select(equal(t, 0.0), 0.0, t * l)};
  return {negative(sum(add_map(in[0].graph(), operands, builder.finish(body))[0], {-1}))};
}

// dz = (softmax(z) * sum(t) - t) * dy; dt = -log_softmax(z) * dy
Cotangents softmax_cross_entropy_gradient(const GradientContext& c) {
  const Symbol t = c.inputs[0], z = c.inputs[1];
  const Symbol dy = spread_last(*c.cotangents[0], z.shape());
  Cotangents result(2);
  if (c.needed[0]) result[0] = negative(log_softmax(z)) * dy;
  if (c.needed[1]) result[1] = (softmax(z) * spread_last(sum(t, {-1}), z.shape()) - t) * dy;
  return result;
}

std::vector<Symbol> decompose_binary(std::span<const Symbol> in, const Attributes& a) {
  if (a.get_bool("from_logits")) return {sigmoid_cross_entropy(in[0], in[1])};
  const Symbol t = in[0], p = clip(in[1], kEpsilon, 1 - kEpsilon);
  return {negative(t * log(p) + (1.0 - t) * log(1.0 - p))};
}

std::vector<Symbol> decompose_categorical(std::span<const Symbol> in, const Attributes& a) {
  if (a.get_bool("from_logits")) return {softmax_cross_entropy(in[0], in[1])};
  // A row of zeros has no shares; it stays zero, and each class costs what one of probability 0
  // does. So does one whose sum is subnormal: shares of it have derivatives beyond float32.
  const Symbol total = sum(in[1], {-1}, true);
  const Symbol none = less(abs(total), static_cast<double>(std::numeric_limits<float>::min()));
  const Symbol p = in[1] / broadcast_to(select(none, 1.0, total), in[1].shape());
  return {negative(sum(in[0] * log(clip(p, kEpsilon, 1 - kEpsilon)), {-1}))};
}

// Keras hands log(clip(p)) to a cross entropy from logits, which normalises again.
std::vector<Symbol> decompose_sparse(std::span<const Symbol> in, const Attributes& a) {
  const Symbol logits =
      a.get_bool("from_logits") ? in[1] : log(clip(in[1], kEpsilon, 1 - kEpsilon));
  return {softmax_cross_entropy(one_hot(in[0], in[1].shape().dim(-1), in[1].dtype()), logits)};
}

}  // namespace

void register_loss(Registry& r) {
  define_elementwise(
      r, "sigmoid_cross_entropy", 2,
      [](Arguments a, const Attributes&) {
        // max(z, 0) - t z + log(1 + e^-|z|), where the first two are |z| times the share of the
        // other answer: no difference of what is large, and 0 where that answer does not occur,
        // however large z is.
        const Scalar t = a[0], z = a[1], size = abs(z), other = select(z > 0.0, 1.0 - t, t);
        return select(equal(other, 0.0), 0.0, size * other) + log1p(exp(-size));
      },
      {},
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{-(dy * a[1]), dy * (logistic(a[1]) - a[0])};
      });
  define_composite(r, "softmax_cross_entropy", 2, 2, {}, without_last,
                   decompose_softmax_cross_entropy, softmax_cross_entropy_gradient);
  const std::vector<AttributeSpec> logits = {{"from_logits", AttributeType::kBool, false}};
  define_composite(
      r, "binary_crossentropy", 2, 2, logits,
      [](std::span<const ValueType> in, const Attributes&) {
        if (in[0] != in[1]) throw ShapeError("labels and predictions must have one type");
        return Types{in[1]};
      },
      decompose_binary);
  define_composite(r, "categorical_crossentropy", 2, 2, logits, without_last,
                   decompose_categorical);
  define_composite(r, "sparse_categorical_crossentropy", 2, 2, logits, sparse_type,
                   decompose_sparse);
}

}  // namespace ops
}  // namespace sinter
