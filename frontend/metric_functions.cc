// Metrics that compare sample by sample, as functions.
#include "frontend/losses.h"
#include "frontend/metrics.h"
#include "ops/ops.h"

namespace sinter {

namespace metrics {

Symbol binary_accuracy(OpInput y_true, OpInput y_pred, double threshold) {
  const Symbol predicted = cast(greater(y_pred, threshold), y_pred.dtype());
  return mean(cast(equal(cast(y_true, y_pred.dtype()), predicted), y_pred.dtype()), {-1});
}

Symbol binary_accuracy(OpInput y_true, OpInput y_pred) {
  return binary_accuracy(y_true, y_pred, 0.5);
}

Symbol categorical_accuracy(OpInput y_true, OpInput y_pred) {
  return cast(equal(argmax(y_true, -1), argmax(y_pred, -1)), y_pred.dtype());
}

Symbol sparse_categorical_accuracy(OpInput y_true, OpInput y_pred) {
  if (y_true.rank() == y_pred.rank() && y_true.shape().dim(-1) == 1) y_true = squeeze(y_true, -1);
  return cast(equal(cast(y_true, DType::kInt32), argmax(y_pred, -1)), y_pred.dtype());
}

// Fewer than k classes are predicted higher than the true one: ties count as in. Infinities are
// numbers like others; nothing is known of a row with NaN.
Symbol sparse_top_k_categorical_accuracy(OpInput y_true, OpInput y_pred, int64_t k) {
  if (y_true.rank() == y_pred.rank() && y_true.shape().dim(-1) == 1) y_true = squeeze(y_true, -1);
  const Symbol chosen =
      one_hot(cast(y_true, DType::kInt32), y_pred.shape().dim(-1), y_pred.dtype());
  const Symbol is_chosen = greater(chosen, 0.5);
  const Symbol score = sum(select(is_chosen, y_pred, 0.0), {-1}, true);
  const auto rank_of = [&](Symbol wrong) { return sum(cast(wrong, y_pred.dtype()), {-1}); };
  const Symbol known =
      logical_and(equal(rank_of(not_equal(y_pred, y_pred)), 0.0), greater(rank_of(is_chosen), 0.5));
  const Symbol near = less(rank_of(greater(y_pred, score)), static_cast<double>(k));
  return cast(logical_and(known, near), y_pred.dtype());
}

Symbol top_k_categorical_accuracy(OpInput y_true, OpInput y_pred, int64_t k) {
  return sparse_top_k_categorical_accuracy(argmax(y_true, -1), y_pred, k);
}

Symbol cosine_similarity(OpInput y_true, OpInput y_pred) {
  return negative(losses::cosine_similarity(y_true, y_pred));
}

}  // namespace metrics

}  // namespace sinter
