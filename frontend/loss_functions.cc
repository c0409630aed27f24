// The formulas of keras.losses: one value for each sample. eps = 1e-7.
#include <cmath>

#include "frontend/losses.h"
#include "ops/ops.h"

namespace sinter::losses {
namespace {

constexpr double kEpsilon = 1e-7;

Symbol mean_last(Symbol x) { return mean(x, {-1}); }

// If every label of the batch is 0 or 1, they become -1 and 1.
Symbol hinge_labels(Symbol t) {
  const Symbol binary = cast(logical_or(equal(t, 0.0), equal(t, 1.0)), t.dtype());
  const Symbol all_binary = reduce_min(binary);
  return select(greater(broadcast_to(all_binary, t.shape()), 0.5), 2.0 * t - 1.0, t);
}

}  // namespace

Symbol mean_squared_error(OpInput y_true, OpInput y_pred) {
  return mean_last(square(y_true - y_pred));
}

Symbol mean_absolute_error(OpInput y_true, OpInput y_pred) {
  return mean_last(abs(y_true - y_pred));
}

Symbol mean_absolute_percentage_error(OpInput y_true, OpInput y_pred) {
  return 100.0 * mean_last(abs((y_true - y_pred) / maximum(abs(y_true), kEpsilon)));
}

Symbol mean_squared_logarithmic_error(OpInput y_true, OpInput y_pred) {
  return mean_last(
      square(log(maximum(y_pred, kEpsilon) + 1.0) - log(maximum(y_true, kEpsilon) + 1.0)));
}

Symbol huber(OpInput y_true, OpInput y_pred, double delta) {
  // e^2 / 2 up to delta, then delta e - delta^2 / 2; no square of what is far away.
  const Symbol e = abs(y_true - y_pred), near = minimum(e, delta);
  return mean_last(near * (e - 0.5 * near));
}

Symbol log_cosh(OpInput y_true, OpInput y_pred) {
  // |x| + log((1 + exp(-2 |x|)) / 2): finite wherever x is, and exact near 0. Not by abs, whose
  // second derivative at 0 is 0.
  const Symbol x = y_pred - y_true, size = select(less(x, 0.0), negative(x), x);
  return mean_last(size + log1p(0.5 * expm1(-2.0 * size)));
}

Symbol hinge(OpInput y_true, OpInput y_pred) {
  return mean_last(maximum(1.0 - hinge_labels(y_true) * y_pred, 0.0));
}

Symbol squared_hinge(OpInput y_true, OpInput y_pred) {
  return mean_last(square(maximum(1.0 - hinge_labels(y_true) * y_pred, 0.0)));
}

Symbol categorical_hinge(OpInput y_true, OpInput y_pred) {
  // Scores count in their shares; that of an infinite one without a share is 0.
  const auto share = [&](Symbol t) { return select(equal(t, 0.0), 0.0, t * y_pred); };
  const Symbol positive = sum(share(y_true), {-1});
  const Symbol negative = reduce_max(share(1.0 - y_true), {-1});
  return maximum(negative - positive + 1.0, 0.0);
}

Symbol kl_divergence(OpInput y_true, OpInput y_pred) {
  const Symbol t = clip(y_true, kEpsilon, 1.0);
  const Symbol p = clip(y_pred, kEpsilon, 1.0);
  return sum(t * log(t / p), {-1});
}

Symbol poisson(OpInput y_true, OpInput y_pred) {
  return mean_last(y_pred - y_true * log(y_pred + kEpsilon));
}

Symbol cosine_similarity(OpInput y_true, OpInput y_pred) {
  return negative(sum(normalize(y_true) * normalize(y_pred), {-1}));
}

Symbol binary_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits,
                           double label_smoothing) {
  const Symbol t =
      label_smoothing == 0 ? y_true : y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing;
  return mean_last(sinter::binary_crossentropy(t, y_pred, from_logits));
}

Symbol categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits,
                                double label_smoothing) {
  const auto classes = static_cast<double>(y_true.shape().dim(-1));
  const Symbol t =
      label_smoothing == 0 ? y_true : y_true * (1.0 - label_smoothing) + label_smoothing / classes;
  return sinter::categorical_crossentropy(t, y_pred, from_logits);
}

Symbol sparse_categorical_crossentropy(OpInput y_true, OpInput y_pred, bool from_logits) {
  const Symbol classes = is_floating(y_true.dtype()) ? cast(y_true, DType::kInt32) : y_true;
  return sinter::sparse_categorical_crossentropy(classes, y_pred, from_logits);
}

}  // namespace sinter::losses
