// Ops on the tensors of the functional API: `x + y`, `2 * x`, `relu(x)`, `mean(x, -1)`, slices.
// Each call is a layer without weights, as an Operation of Keras is: models save and load them in
// Keras's form.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/axes.h"
#include "core/dtype.h"
#include "core/hidden.h"
#include "core/kernel_ops.h"
#include "core/number.h"
#include "core/shape.h"
#include "core/source_location.h"
#include "frontend/keras_tensor.h"

namespace sinter {

template <typename T>
concept PlainNumber = std::is_arithmetic_v<T>;

/// A tensor or a number, with the line where it became an operand.
class KerasOperand {
 public:
  KerasOperand(const KerasOperand&);
  ~KerasOperand();
  KerasOperand(KerasTensor tensor,
               SourceLocation where = SourceLocation::current());  // NOLINT
  template <PlainNumber T>
  KerasOperand(T number, SourceLocation where = SourceLocation::current())  // NOLINT
      : KerasOperand(Number(number), where, Only()) {}
  const std::vector<KerasTensor>& tensor() const;  // one; none: a number
  Number number() const { return number_; }
  SourceLocation where() const { return where_; }

 private:
  struct Only {};
  KerasOperand(Number number, SourceLocation where, Only);

  Hidden<std::vector<KerasTensor>> tensor_;
  Number number_;
  SourceLocation where_;
};

// Shapes broadcast as NumPy's do; what dtype comes of mixed operands, of integers and a number too,
// stands in ops/README.md. Errors of shapes are ShapeErrors that name the op and the line.
KerasTensor add(KerasOperand a, KerasOperand b);
KerasTensor subtract(KerasOperand a, KerasOperand b);
KerasTensor multiply(KerasOperand a, KerasOperand b);
KerasTensor divide(KerasOperand a, KerasOperand b);
KerasTensor divide_no_nan(KerasOperand a, KerasOperand b);
KerasTensor maximum(KerasOperand a, KerasOperand b);
KerasTensor minimum(KerasOperand a, KerasOperand b);
KerasTensor power(KerasOperand a, KerasOperand b);
KerasTensor equal(KerasOperand a, KerasOperand b);
KerasTensor not_equal(KerasOperand a, KerasOperand b);
KerasTensor less(KerasOperand a, KerasOperand b);
KerasTensor less_equal(KerasOperand a, KerasOperand b);
KerasTensor greater(KerasOperand a, KerasOperand b);
KerasTensor greater_equal(KerasOperand a, KerasOperand b);
/// then_value where `condition` holds, else else_value (keras.ops.where).
KerasTensor select(const KerasTensor& condition, KerasOperand then_value, KerasOperand else_value);

KerasTensor operator+(const KerasTensor& a, KerasOperand b);
template <PlainNumber T>
KerasTensor operator+(T a, KerasOperand b) {
  return add({a, b.where()}, b);
}
KerasTensor operator-(const KerasTensor& a, KerasOperand b);
template <PlainNumber T>
KerasTensor operator-(T a, KerasOperand b) {
  return subtract({a, b.where()}, b);
}
KerasTensor operator*(const KerasTensor& a, KerasOperand b);
template <PlainNumber T>
KerasTensor operator*(T a, KerasOperand b) {
  return multiply({a, b.where()}, b);
}
KerasTensor operator/(const KerasTensor& a, KerasOperand b);
template <PlainNumber T>
KerasTensor operator/(T a, KerasOperand b) {
  return divide({a, b.where()}, b);
}
KerasTensor operator>(const KerasTensor& a, KerasOperand b);
KerasTensor operator<(const KerasTensor& a, KerasOperand b);
KerasTensor operator>=(const KerasTensor& a, KerasOperand b);
KerasTensor operator<=(const KerasTensor& a, KerasOperand b);
KerasTensor operator-(KerasOperand x);
KerasTensor pow(const KerasTensor& a, KerasOperand b);
template <PlainNumber T>
KerasTensor pow(T a, KerasOperand b) {
  return power({a, b.where()}, b);
}

#define SINTER_KERAS_FUNCTION(name) \
  KerasTensor name(const KerasTensor& x, SourceLocation where = SourceLocation::current())
SINTER_KERAS_FUNCTION(negative);
SINTER_KERAS_FUNCTION(abs);
SINTER_KERAS_FUNCTION(sign);
SINTER_KERAS_FUNCTION(floor);
SINTER_KERAS_FUNCTION(ceil);
SINTER_KERAS_FUNCTION(round);
SINTER_KERAS_FUNCTION(sqrt);
SINTER_KERAS_FUNCTION(rsqrt);
SINTER_KERAS_FUNCTION(square);
SINTER_KERAS_FUNCTION(reciprocal);
SINTER_KERAS_FUNCTION(exp);
SINTER_KERAS_FUNCTION(expm1);
SINTER_KERAS_FUNCTION(log);
SINTER_KERAS_FUNCTION(log1p);
SINTER_KERAS_FUNCTION(sin);
SINTER_KERAS_FUNCTION(cos);
SINTER_KERAS_FUNCTION(erf);
SINTER_KERAS_FUNCTION(relu);
SINTER_KERAS_FUNCTION(relu6);
SINTER_KERAS_FUNCTION(selu);
SINTER_KERAS_FUNCTION(sigmoid);
SINTER_KERAS_FUNCTION(tanh);
SINTER_KERAS_FUNCTION(softplus);
SINTER_KERAS_FUNCTION(softsign);
SINTER_KERAS_FUNCTION(silu);
SINTER_KERAS_FUNCTION(swish);  // silu
SINTER_KERAS_FUNCTION(mish);
SINTER_KERAS_FUNCTION(hard_sigmoid);
SINTER_KERAS_FUNCTION(hard_silu);
SINTER_KERAS_FUNCTION(hard_tanh);
SINTER_KERAS_FUNCTION(tanh_shrink);
SINTER_KERAS_FUNCTION(log_sigmoid);
SINTER_KERAS_FUNCTION(sparse_plus);
SINTER_KERAS_FUNCTION(sparse_sigmoid);
#undef SINTER_KERAS_FUNCTION

#define SINTER_WHERE SourceLocation where = SourceLocation::current()
KerasTensor leaky_relu(const KerasTensor& x, double negative_slope = 0.2, SINTER_WHERE);
KerasTensor elu(const KerasTensor& x, double alpha = 1.0, SINTER_WHERE);
KerasTensor celu(const KerasTensor& x, double alpha = 1.0, SINTER_WHERE);
KerasTensor gelu(const KerasTensor& x, bool approximate = false, SINTER_WHERE);
KerasTensor squareplus(const KerasTensor& x, double b = 4.0, SINTER_WHERE);
KerasTensor softmax(const KerasTensor& x, int axis = -1, SINTER_WHERE);
KerasTensor log_softmax(const KerasTensor& x, int axis = -1, SINTER_WHERE);
KerasTensor glu(const KerasTensor& x, int axis = -1, SINTER_WHERE);
KerasTensor clip(const KerasTensor& x, Number low, Number high, SINTER_WHERE);
KerasTensor cast(const KerasTensor& x, DType dtype, SINTER_WHERE);

KerasTensor sum(const KerasTensor& x, Axes axes = {}, bool keepdims = false, SINTER_WHERE);
KerasTensor mean(const KerasTensor& x, Axes axes = {}, bool keepdims = false, SINTER_WHERE);
KerasTensor variance(const KerasTensor& x, Axes axes = {}, bool keepdims = false, SINTER_WHERE);
KerasTensor reduce_max(const KerasTensor& x, Axes axes = {}, bool keepdims = false, SINTER_WHERE);
KerasTensor reduce_min(const KerasTensor& x, Axes axes = {}, bool keepdims = false, SINTER_WHERE);
KerasTensor prod(const KerasTensor& x, Axes axes = {}, bool keepdims = false, SINTER_WHERE);

/// The index of the largest along `axis`, int32.
KerasTensor argmax(const KerasTensor& x, int axis = -1, SINTER_WHERE);

KerasTensor concat(const std::vector<KerasTensor>& xs, int axis = -1, SINTER_WHERE);
/// concat by Keras's name.
KerasTensor concatenate(const std::vector<KerasTensor>& xs, int axis = -1, SINTER_WHERE);
KerasTensor matmul(const KerasTensor& a, const KerasTensor& b, SINTER_WHERE);
/// `shape` with the batch: {kBatch, 4, 4}.
KerasTensor reshape(const KerasTensor& x, Shape shape, SINTER_WHERE);
KerasTensor transpose(const KerasTensor& x, std::vector<int64_t> axes, SINTER_WHERE);
KerasTensor expand_dims(const KerasTensor& x, int axis, SINTER_WHERE);
KerasTensor squeeze(const KerasTensor& x, int axis, SINTER_WHERE);
/// x[:, begin:end:stride] along `axis`.
KerasTensor slice(const KerasTensor& x, int axis, int64_t begin, int64_t end = kSliceEnd,
                  int64_t stride = 1, SINTER_WHERE);
#undef SINTER_WHERE

}  // namespace sinter
