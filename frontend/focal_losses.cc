// Losses for classes of unequal size: focal cross entropies, Dice, Tversky. Formulas:
// keras.losses; eps = 1e-7.
#include "frontend/losses.h"
#include "ops/ops.h"

namespace sinter::losses {
namespace {

constexpr double kEpsilon = 1e-7;

Symbol smoothed(Symbol t, double smoothing, double classes) {
  return smoothing == 0 ? t : t * (1.0 - smoothing) + smoothing / classes;
}

// 1 - p, whose powers weigh the cross entropy of p: kept above 0, where a power below 1 has no
// derivative, but their product has. The bound is below what rounding leaves of 1 - p, and its
// power of -3 is finite, so third derivatives are too.
Symbol at_least_tiny(Symbol rest) {
  return maximum(rest, rest.dtype() == DType::kFloat64 ? 1e-20 : 1e-12);
}

}  // namespace

// Keras takes logits through a sigmoid and clips; here the cross entropy comes from the logits, so
// saturated ones keep their loss.
Symbol binary_focal_crossentropy(OpInput y_true, OpInput y_pred, bool apply_class_balancing,
                                 double alpha, double gamma, bool from_logits,
                                 double label_smoothing) {
  const Symbol t = smoothed(y_true, label_smoothing, 2.0);
  const Symbol p = from_logits ? sigmoid(y_pred) : y_pred;
  const Symbol not_p = from_logits ? sigmoid(-y_pred) : 1.0 - y_pred;
  const Symbol missed = at_least_tiny(t * not_p + (1.0 - t) * p);
  Symbol loss = power(missed, gamma) * sinter::binary_crossentropy(t, y_pred, from_logits);
  if (apply_class_balancing) loss = (t * alpha + (1.0 - t) * (1.0 - alpha)) * loss;
  return mean(loss, -1);
}

// A row of zeros counts as one of equal, tiny probabilities, where Keras divides by zero.
Symbol categorical_focal_crossentropy(OpInput y_true, OpInput y_pred, double alpha, double gamma,
                                      bool from_logits, double label_smoothing) {
  const Symbol t = smoothed(y_true, label_smoothing, static_cast<double>(y_true.shape().dim(-1)));
  const Symbol p =
      from_logits ? softmax(y_pred)
                  : clip(y_pred / maximum(sum(y_pred, -1, true), 1e-30), kEpsilon, 1.0 - kEpsilon);
  const Symbol log_p = from_logits ? log_softmax(y_pred) : log(p);
  // A class that is impossible and does not occur costs nothing.
  const Symbol cost = select(equal(t, 0.0), 0.0, -t * log_p);
  return sum(alpha * power(at_least_tiny(1.0 - p), gamma) * cost, -1);
}

Symbol dice(OpInput y_true, OpInput y_pred, Axes axis) {
  const Symbol both = sum(y_true * y_pred, axis);
  return 1.0 - 2.0 * both / (sum(y_true, axis) + sum(y_pred, axis) + kEpsilon);
}

Symbol tversky(OpInput y_true, OpInput y_pred, double alpha, double beta, Axes axis) {
  const Symbol both = sum(y_true * y_pred, axis);
  const Symbol missed = sum((1.0 - y_pred) * y_true, axis);
  const Symbol extra = sum(y_pred * (1.0 - y_true), axis);
  return 1.0 - both / (both + alpha * missed + beta * extra + kEpsilon);
}

}  // namespace sinter::losses
