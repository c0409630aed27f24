// Keras's metrics of single samples by class and settings.
#include "frontend/metric_table.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/argument_checks.h"
#include "frontend/loss_table.h"
#include "frontend/losses.h"
#include "frontend/metrics.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Function = Metric::Function;
using PlainPointer = Symbol (*)(OpInput, OpInput);

template <PlainPointer function>
Function plain_metric(const Config&) {
  return function;
}

Function cosine_similarity_from(const Config& c) {
  const int axis = c.get_int32("axis", -1);
  return [=](Symbol t, Symbol p) {
    return metrics::cosine_similarity(with_axis_last(t, axis), with_axis_last(p, axis));
  };
}

Function binary_accuracy_from(const Config& c) {
  const double threshold = c.get_float("threshold", 0.5);
  check_number("BinaryAccuracy", "threshold", threshold, kFinite);
  return [=](Symbol t, Symbol p) { return metrics::binary_accuracy(t, p, threshold); };
}

int64_t k_of(const Config& c) {
  const int64_t k = c.get_int("k", 5);
  check_at_least("top-k accuracy", "k", k, 1);
  return k;
}

Function top_k_from(const Config& c) {
  const int64_t k = k_of(c);
  return [=](Symbol t, Symbol p) { return metrics::top_k_categorical_accuracy(t, p, k); };
}

Function sparse_top_k_from(const Config& c) {
  const int64_t k = k_of(c);
  return [=](Symbol t, Symbol p) { return metrics::sparse_top_k_categorical_accuracy(t, p, k); };
}

// Keras's metric has no such setting either; it would change the numbers silently.
Function sparse_crossentropy_from(const Config& c) {
  if (!c.get("ignore_class").is_null())
    throw Error("SparseCategoricalCrossentropy: metrics have no ignore_class");
  return sparse_categorical_crossentropy_of(c);
}

}  // namespace

const std::vector<PlainMetric>& plain_metrics() {
  using namespace losses;
  constexpr auto kMean = Metric::Result::kMean;
  static const std::vector<PlainMetric> entries = {
      {"BinaryAccuracy", {"binary_accuracy"}, binary_accuracy_from, false, kMean, "max"},
      {"CategoricalAccuracy",
       {"categorical_accuracy"},
       plain_metric<metrics::categorical_accuracy>,
       false,
       kMean,
       "max"},
      {"SparseCategoricalAccuracy",
       {"sparse_categorical_accuracy"},
       plain_metric<metrics::sparse_categorical_accuracy>,
       true,
       kMean,
       "max"},
      {"TopKCategoricalAccuracy", {"top_k_categorical_accuracy"}, top_k_from, false, kMean, "max"},
      {"SparseTopKCategoricalAccuracy",
       {"sparse_top_k_categorical_accuracy"},
       sparse_top_k_from,
       true,
       kMean,
       "max"},
      {"MeanSquaredError", {"mean_squared_error", "mse", "MSE"}, plain_metric<mean_squared_error>},
      {"RootMeanSquaredError",
       {"root_mean_squared_error", "rmse", "RMSE"},
       plain_metric<mean_squared_error>,
       false,
       Metric::Result::kRootMean},
      {"MeanAbsoluteError",
       {"mean_absolute_error", "mae", "MAE"},
       plain_metric<mean_absolute_error>},
      {"MeanAbsolutePercentageError",
       {"mean_absolute_percentage_error", "mape", "MAPE"},
       plain_metric<mean_absolute_percentage_error>},
      {"MeanSquaredLogarithmicError",
       {"mean_squared_logarithmic_error", "msle", "MSLE"},
       plain_metric<mean_squared_logarithmic_error>},
      {"LogCoshError", {"logcosh", "log_cosh"}, plain_metric<log_cosh>},
      {"BinaryCrossentropy", {"binary_crossentropy", "bce", "BCE"}, binary_crossentropy_of},
      {"CategoricalCrossentropy", {"categorical_crossentropy"}, categorical_crossentropy_of},
      {"SparseCategoricalCrossentropy",
       {"sparse_categorical_crossentropy"},
       sparse_crossentropy_from,
       true},
      {"Hinge", {"hinge"}, plain_metric<hinge>},
      {"SquaredHinge", {"squared_hinge"}, plain_metric<squared_hinge>},
      {"CategoricalHinge", {"categorical_hinge"}, plain_metric<categorical_hinge>},
      {"KLDivergence",
       {"kl_divergence", "kld", "KLD", "kullback_leibler_divergence"},
       plain_metric<kl_divergence>},
      {"Poisson", {"poisson"}, plain_metric<poisson>},
      {"CosineSimilarity", {"cosine_similarity"}, cosine_similarity_from, false, kMean, "max"},
  };
  return entries;
}

}  // namespace sinter
