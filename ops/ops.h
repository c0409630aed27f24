// Every op as a free function over symbols: what layers, losses, metrics, optimizers and users' own
// functions are written with.
//
// Binary ops broadcast as NumPy does and accept plain numbers on either side. Families live in the
// files named below.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/axes.h"
#include "core/number.h"
#include "core/op_line.h"
#include "core/source_location.h"
#include "core/symbol.h"

namespace sinter {

/// Registers all op records once; every function below calls it, parsing graph text or files needs
/// it first.
void register_ops();

// --- constants and sources (ops/map.cc)
/// The values as they are now: whoever holds the tensor too may change it.
Symbol constant(Graph& graph, Tensor value, const OpLine& line = SourceLocation::current());
/// A scalar of `like`'s dtype in the graph of `like`.
Symbol scalar_like(OpInput like, Number value);
Symbol full_like(OpInput like, Number value);
Symbol zeros_like(OpInput like);
Symbol ones_like(OpInput like);
Symbol iota(Graph& graph, Shape shape, int axis, DType dtype = DType::kInt32,
            const OpLine& line = SourceLocation::current());
/// The dimension `axis` of x as a scalar of `dtype` (the batch size, when symbolic).
Symbol size(OpInput x, int axis, DType dtype = DType::kFloat32);

/// A symbol or a number, so that `maximum(x, 0)` and `2 * x` read as formulas. What dtype comes of
/// mixed operands stands in ops/README.md; a number that it does not have raises ShapeError, an
/// empty symbol Error.
class Operand {
 public:
#ifdef SINTER_WITHIN_LIBRARY
  Operand(Symbol symbol) : Operand(OpInput(symbol)) {}  // NOLINT
#else
  Operand(Symbol symbol, const OpLine& line = SourceLocation::current())  // NOLINT
      : Operand(OpInput(symbol, line)) {}
#endif
  Operand(OpInput symbol) : symbol_(symbol) {  // NOLINT
    if (!symbol.valid()) symbol.graph();       // raises
  }
  template <typename T>
  requires std::is_arithmetic_v<T> Operand(T number) : number_(number) {}  // NOLINT
  Operand(Number number) : number_(number) {}                              // NOLINT
  bool is_number() const { return !symbol_.valid(); }
  Symbol symbol() const { return symbol_; }
  Number number() const { return number_; }

 private:
  Symbol symbol_;
  Number number_;
};

// --- arithmetic (ops/arithmetic.cc); op names: add subtract multiply divide divide_no_nan maximum
// minimum power negative abs sign floor ceil round sqrt rsqrt square reciprocal exp expm1 log log1p
// sin cos erf clip. Dtypes by the table of ops/README.md; ShapeError for shapes that do not
// broadcast, numbers that the dtype does not have, and arithmetic that bool has not.
Symbol add(Operand a, Operand b);
Symbol subtract(Operand a, Operand b);
Symbol multiply(Operand a, Operand b);
Symbol divide(Operand a, Operand b);
/// a / b, and 0 where b is 0, with gradients 0.
Symbol divide_no_nan(Operand a, Operand b);
Symbol maximum(Operand a, Operand b);
Symbol minimum(Operand a, Operand b);
Symbol power(Operand a, Operand b);
Symbol negative(OpInput x);
Symbol abs(OpInput x);
Symbol sign(OpInput x);
Symbol floor(OpInput x);
Symbol ceil(OpInput x);
Symbol round(OpInput x);
Symbol sqrt(OpInput x);
Symbol rsqrt(OpInput x);
Symbol square(OpInput x);
Symbol reciprocal(OpInput x);
Symbol exp(OpInput x);
Symbol expm1(OpInput x);
Symbol log(OpInput x);
Symbol log1p(OpInput x);
Symbol sin(OpInput x);
Symbol cos(OpInput x);
Symbol erf(OpInput x);
/// Bounds beyond the range of an integer dtype bind nothing; a fraction makes integers float32.
Symbol clip(OpInput x, Number low, Number high);
inline Symbol operator+(OpInput a, Operand b) { return add(a, b); }
inline Symbol operator-(OpInput a, Operand b) { return subtract(a, b); }
inline Symbol operator*(OpInput a, Operand b) { return multiply(a, b); }
inline Symbol operator/(OpInput a, Operand b) { return divide(a, b); }
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
Symbol operator+(T a, OpInput b) {
  return add(a, b);
}
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
Symbol operator-(T a, OpInput b) {
  return subtract(a, b);
}
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
Symbol operator*(T a, OpInput b) {
  return multiply(a, b);
}
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
Symbol operator/(T a, OpInput b) {
  return divide(a, b);
}
inline Symbol operator-(OpInput x) { return negative(x); }
/// power under C++'s name.
inline Symbol pow(OpInput a, Operand b) { return power(a, b); }
inline Symbol pow(double a, OpInput b) { return power(a, b); }

// --- comparison and selection (ops/compare.cc); results are bool, no gradient: equal not_equal
// less less_equal greater greater_equal logical_and logical_or logical_not; select (gradient to
// both branches); cast; stop_gradient; identity
Symbol equal(Operand a, Operand b);
Symbol not_equal(Operand a, Operand b);
Symbol less(Operand a, Operand b);
Symbol less_equal(Operand a, Operand b);
Symbol greater(Operand a, Operand b);
Symbol greater_equal(Operand a, Operand b);
Symbol logical_and(OpInput a, OpInput b);
Symbol logical_or(OpInput a, OpInput b);
Symbol logical_not(OpInput a);
Symbol select(OpInput condition, Operand then_value, Operand else_value);
Symbol cast(OpInput x, DType dtype);
Symbol stop_gradient(OpInput x);
inline Symbol operator>(OpInput a, Operand b) { return greater(a, b); }
inline Symbol operator<(OpInput a, Operand b) { return less(a, b); }
inline Symbol operator>=(OpInput a, Operand b) { return greater_equal(a, b); }
inline Symbol operator<=(OpInput a, Operand b) { return less_equal(a, b); }

// --- moving data (ops/move.cc)
/// One entry of `shape` may be -1 only as kBatch: use the overload with the input's own leading
/// batch for Keras's Reshape.
Symbol reshape(OpInput x, Shape shape);
Symbol transpose(OpInput x, std::vector<int64_t> perm = {});  // default: reversed
Symbol broadcast_to(OpInput x, Shape shape);                  // NumPy's rule
Symbol expand_dims(OpInput x, int axis);
Symbol squeeze(OpInput x, int axis);
Symbol slice(OpInput x, int axis, int64_t begin, int64_t end, int64_t stride = 1);
Symbol pad(OpInput x, std::vector<int64_t> low, std::vector<int64_t> high, Number value = 0);
Symbol concat(std::span<const Symbol> xs, int axis = -1,
              const OpLine& line = SourceLocation::current());
Symbol concat(std::initializer_list<Symbol> xs, int axis = -1,
              const OpLine& line = SourceLocation::current());
/// x.shape[:axis] + indices.shape[batch_dims:] + x.shape[axis + 1:]. Both begin with the same
/// `batch_dims` dimensions, whose samples are read each by its own indices; without an axis it is
/// the first one after them. What indices out of range read stands in ops/README.md.
Symbol gather(OpInput x, OpInput indices, std::optional<int> axis = std::nullopt,
              int batch_dims = 0);
Symbol one_hot(OpInput indices, int64_t classes, DType dtype = DType::kFloat32);

// --- reductions (ops/reduce.cc); empty axes = all. mean, variance are composites.
Symbol sum(OpInput x, Axes axes = {}, bool keepdims = false);
Symbol mean(OpInput x, Axes axes = {}, bool keepdims = false);
Symbol variance(OpInput x, Axes axes = {}, bool keepdims = false);  // biased
Symbol reduce_max(OpInput x, Axes axes = {}, bool keepdims = false);
Symbol reduce_min(OpInput x, Axes axes = {}, bool keepdims = false);
Symbol prod(OpInput x, Axes axes = {}, bool keepdims = false);
/// sqrt(sum(square(x))); the gradient at the zero vector is 0.
Symbol norm(OpInput x, Axes axes = {}, bool keepdims = false);
/// x * min(1 / norm(x), 1 / epsilon): length 1, and 0 for the zero vector (finite gradients, too).
Symbol normalize(OpInput x, Axes axes = -1, double epsilon = 1e-7);
Symbol argmax(OpInput x, int axis = -1);  // int32
Symbol argmin(OpInput x, int axis = -1);

// --- products (ops/matmul.cc)
/// Batched matrix product of the last two dimensions; leading dimensions must be equal.
Symbol matmul(OpInput a, OpInput b, bool transpose_a = false, bool transpose_b = false);
/// Composite `dense`: activation(x . kernel + bias) over the last axis of x; kernel [in, units],
/// bias [units] or an empty symbol. Attribute `activation` is an OpCall that fuse_dense sets;
/// layers build it as "linear".
Symbol dense(OpInput x, OpInput kernel, OpInput bias = {});

// --- windows (ops/convolution.cc, ops/pooling.cc): composites over x [batch, spatial.., channels]
/// How windows lie over the spatial dimensions, one entry each: the distance between two windows
/// and between two taps of one (empty: 1), and the padding before and after (empty: 0).
struct Window {
  std::vector<int64_t> strides = {}, dilations = {}, low = {}, high = {};
};
/// y[b, o.., f] = sum over taps t.. and channels c of x[b, o * stride + t * dilation - low.., c]
/// kernel[t.., c, f]: [batch, windows.., filters] of a kernel [size.., channels / groups, filters].
/// Filter f sees the channels of group f / (filters / groups) alone; with as many groups as
/// channels it is depthwise. ShapeError where a kernel does not fit into the padded x, groups do
/// not divide, or strides stand with dilations.
Symbol convolution(OpInput x, OpInput kernel, const Window& window = {}, int64_t groups = 1);
/// The transpose of the convolution of values [batch, spatial.., channels] with this kernel and
/// window, which is its gradient by them: x [batch, windows.., filters] -> [batch, spatial..,
/// channels].
Symbol convolution_transpose(OpInput x, OpInput kernel, std::vector<int64_t> spatial,
                             const Window& window = {}, int64_t groups = 1);
/// The largest element of each window, and the average of those that are no padding. Of several
/// equal ones the first has the gradient, as on TensorFlow.
Symbol max_pool(OpInput x, std::vector<int64_t> size, const Window& window = {});
Symbol average_pool(OpInput x, std::vector<int64_t> size, const Window& window = {});

// --- activations (ops/activation.cc): op names as the functions
Symbol linear(OpInput x);
Symbol relu(OpInput x);
Symbol relu6(OpInput x);
Symbol leaky_relu(OpInput x, double negative_slope = 0.2);
Symbol elu(OpInput x, double alpha = 1.0);
Symbol selu(OpInput x);
Symbol sigmoid(OpInput x);
Symbol tanh(OpInput x);
Symbol softplus(OpInput x);
Symbol softsign(OpInput x);
Symbol swish(OpInput x, double beta = 1.0);
inline Symbol silu(OpInput x) { return swish(x); }
Symbol gelu(OpInput x, bool approximate = false);
Symbol mish(OpInput x);
Symbol hard_sigmoid(OpInput x);
Symbol exponential(OpInput x);
Symbol log_sigmoid(OpInput x);
// ... and of ops/piecewise_activation.cc
Symbol hard_silu(OpInput x);
inline Symbol hard_swish(OpInput x) { return hard_silu(x); }
Symbol hard_tanh(OpInput x);
Symbol tanh_shrink(OpInput x);
Symbol hard_shrink(OpInput x, double threshold = 0.5);
Symbol soft_shrink(OpInput x, double threshold = 0.5);
/// x where it is above `threshold`, else `default_value`.
Symbol threshold(OpInput x, double threshold, double default_value);
Symbol celu(OpInput x, double alpha = 1.0);
Symbol squareplus(OpInput x, double b = 4.0);
Symbol sparse_plus(OpInput x);
Symbol sparse_sigmoid(OpInput x);
/// a sigmoid(b) of the two halves a, b of `axis`; raises ShapeError for an odd dimension.
Symbol glu(OpInput x, int axis = -1);
/// The Euclidean projection on the simplex (Martins, Astudillo 2016). Keras 3.15 differs: it adds
/// up cumulative sums, so that its rows do not sum to one. Compares all pairs along `axis`: memory
/// grows with the square of its length.
Symbol sparsemax(OpInput x, int axis = -1);
/// max over `pieces` groups: x [..., units * pieces] -> [..., units] (unit u takes features
/// u*pieces .. u*pieces+pieces-1).
Symbol maxout(OpInput x, int64_t pieces);
/// The op of an elementwise activation by its Keras name ("relu", "swish", "silu", "leaky_relu"
/// ...); raises NameError.
Symbol activation(std::string_view name, OpInput x);
std::vector<std::string> activation_names();

// --- softmax family (ops/softmax.cc): composites
Symbol softmax(OpInput x, int axis = -1);
Symbol log_softmax(OpInput x, int axis = -1);

// --- losses from predictions (ops/loss.cc): one value a sample and remaining dims; Keras's
// formulas (clip at epsilon 1e-7)
/// Composite `softmax_cross_entropy`: -sum(t * log_softmax(z)) over the last axis, where 0 times
/// -infinity is 0; gradient softmax(z) * sum(t) - t.
Symbol softmax_cross_entropy(OpInput labels, OpInput logits);
/// Elementwise `sigmoid_cross_entropy`: max(z,0) - z*t + log1p(exp(-|z|)).
Symbol sigmoid_cross_entropy(OpInput labels, OpInput logits);
/// Keras's backend.binary_crossentropy: elementwise, no mean.
Symbol binary_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits = false);
Symbol categorical_crossentropy(OpInput y_true, OpInput y_pred,
                                bool from_logits = false);  // sums the last axis
/// y_true: integer classes [...] or [..., 1].
Symbol sparse_categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits = false);

// --- normalisation and random (ops/batch_norm.cc, ops/dropout.cc)
struct BatchNormResult {
  Symbol y, mean, variance;  // of the batch
};
/// Composite `batch_norm_training` over all axes but `axis`: y = gamma * (x - mean) / sqrt(variance
/// + epsilon) + beta, biased variance.
BatchNormResult batch_norm_training(OpInput x, OpInput gamma, OpInput beta, double epsilon,
                                    int axis = -1);
/// Composite `batch_norm`: what the layer builds. In training: batch_norm_training, and new moving
/// averages moving * momentum + batch * (1 - momentum) in `mean` and `variance`. The to_inference
/// pass turns it into batch_norm_inference.
BatchNormResult batch_norm(OpInput x, OpInput gamma, OpInput beta, OpInput moving_mean,
                           OpInput moving_variance, double momentum, double epsilon, int axis = -1);
/// Composite `batch_norm_inference` with given mean and variance.
Symbol batch_norm_inference(OpInput x, OpInput gamma, OpInput beta, OpInput mean, OpInput variance,
                            double epsilon, int axis = -1);
/// Composite `dropout`: 0 at `rate` (+- 2^-17), else x / (1 - rate). state int64[2] {seed, step};
/// `stream` tells layers apart. `noise_shape` may hold 1s to share the mask along a dimension.
Symbol dropout(OpInput x, OpInput state, double rate, int64_t stream, Shape noise_shape = {});
Symbol random_uniform(OpInput state, Shape shape, int64_t stream, DType dtype = DType::kFloat32);
/// 16 random bits an element, 0 to 65535 as int32: cheaper than 32 where they suffice.
Symbol random_bits16(OpInput state, Shape shape, int64_t stream);

}  // namespace sinter
