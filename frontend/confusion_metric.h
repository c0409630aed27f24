// What the metrics of confusion have in common: weighted counts of right and wrong predictions at
// thresholds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/config.h"
#include "frontend/metric_state.h"

namespace sinter {

constexpr double kMetricEpsilon = 1e-7;
constexpr double kLowestPrediction = -1e10;  // of those that are not among the k highest

/// Thresholds along the last dimension of all counts.
struct Thresholds {
  std::vector<double> values;
  bool even = false;     // i / (n - 1): predictions are put in buckets, as Keras does
  bool widened = false;  // the first lies below 0: it counts predictions of 0 as positive
};

/// What of a row is looked at.
struct Selection {
  std::optional<int64_t> top_k, class_id, num_labels;
  bool multi_label = false;  // counts for each element of a row
  std::vector<double> label_weights;
};

/// The numbers of a setting: none, one or a list, or the tensor that Keras writes for
/// label_weights.
std::vector<double> numbers(const Config& c, const char* key);
/// A setting that counts from `least`; nothing where it is not set. Raises Error for less.
std::optional<int64_t> optional_count(const Config& c, const std::string& name, const char* key,
                                      int64_t least);
/// Raises Error for what does not lie between 0 and 1.
void check_range(const std::string& what, double value);
/// `num_thresholds` of the settings, spread evenly from 0 to 1. Raises Error for fewer than
/// `least`.
std::vector<double> even_thresholds(const std::string& name, const Config& c, int64_t least);
/// A vector of constants.
Symbol row_of(Graph& graph, const std::vector<double>& values, DType dtype);

/// Names of all four counts.
const std::vector<std::string>& all_counts();

/// Counts at thresholds, kept by name over the batches of an epoch.
class ConfusionMetric : public MetricImpl {
 public:
  ConfusionMetric(Thresholds thresholds, Selection selection, std::vector<std::string> kept)
      : thresholds_(std::move(thresholds)),
        selection_(std::move(selection)),
        kept_(std::move(kept)) {}

  /// Raises ShapeError where the selection asks for columns that the predictions do not have.
  void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                    Symbol weight) const override;

 protected:
  virtual Symbol prepared(Symbol y_pred) const { return y_pred; }
  const Selection& selection() const { return selection_; }
  int64_t thresholds() const { return static_cast<int64_t>(thresholds_.values.size()); }
  struct Rates {
    Symbol tp, fp, tn, fn, recall, precision, specificity;
  };
  static Rates rates(MetricContext& state);

 private:
  Thresholds thresholds_;
  Selection selection_;
  std::vector<std::string> kept_;
};

}  // namespace sinter
