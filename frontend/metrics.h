// Metrics: means over samples of a function of (y_true, y_pred), by name, object or the user's own
// function; and those with a state of their own (frontend/metric_state.h).
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"
#include "frontend/losses.h"

namespace sinter {

class MetricImpl;

class Metric {
 public:
  using Function = Callable<Symbol(Symbol y_true, Symbol y_pred)>;
  enum class Result { kMean, kRootMean };

  /// By Keras's name; "accuracy", "acc", "crossentropy" and "ce" choose by the shapes of labels and
  /// predictions (see resolve). Raises NameError.
  Metric(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  Metric(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  Metric(std::nullptr_t, SourceLocation = {}) = delete;
  /// The functions of namespaces metrics and losses keep their names; others are custom.
  template <SymbolParameter S>
  Metric(Symbol (*function)(S, S), SourceLocation where = SourceLocation::current())  // NOLINT
      : Metric(any_function(function), Function(function), where) {}
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<bool, Further...> Metric(
      Symbol (*function)(S, S, bool, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : Metric(any_function(function), with_defaults<bool, Further...>(function), where) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<Metric, F> && !std::is_base_of_v<Loss, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol>)
      Metric(F function, SourceLocation where = SourceLocation::current())  // NOLINT
      : Metric("custom_metric", Function(std::move(function)), where) {}
  /// The user's own function under the name it is logged by. Raises Error when it is empty, as all
  /// that take a function do.
  Metric(std::string name, Function function, SourceLocation where = SourceLocation::current());
  /// A metric with a state of its own, Keras's or the user's (frontend/metric_state.h).
  Metric(std::string name, std::shared_ptr<const MetricImpl> impl,
         SourceLocation where = SourceLocation::current());
  /// The mean of a loss over all samples, under its name.
  Metric(const Loss& loss);  // NOLINT

  /// What it is logged under.
  const std::string& name() const;
  Result result() const;
  /// "max" or "min": how it improves; "" for the user's own, which do not say.
  const std::string& direction() const;
  /// The metric with "accuracy" and "crossentropy" decided: binary when the last dimension of
  /// y_pred is 1; else sparse when y_true has a lower rank or a last dimension of 1; else
  /// categorical.
  Metric resolve(const ValueType& y_true, const ValueType& y_pred) const;
  bool takes_classes() const;
  /// Raises ShapeError when labels do not have the shape that a metric of Keras compares with
  /// predictions; naming the output.
  void check_labels(const std::string& output, const ValueType& y_true,
                    const ValueType& y_pred) const;
  /// Null unless the metric has a state of its own; then update() is not for it.
  const std::shared_ptr<const MetricImpl>& impl() const;

  /// Sum and count of this batch, as scalars: values averaged to one a sample; a scalar counts as
  /// one value. Weights enter both.
  struct State {
    Symbol total, count;
  };
  State update(OpInput y_true, OpInput y_pred, OpInput sample_weight = {}) const;

  ConfigValue to_config() const;
  static Metric from_config(const ConfigValue& value);
  static Metric make(const std::string& class_name, const Config& config,
                     SourceLocation where = {});

 private:
  struct Spec;
  explicit Metric(Spec spec);
  /// `bound` is `function` of two symbols.
  Metric(AnyFunction function, Function bound, SourceLocation where);
  static Metric find(const std::string& name, const Config& config, ConfigValue identity);

  Handle<const Spec> spec_;
};

void register_metric(const std::string& name, Metric::Function function,
                     SourceLocation where = SourceLocation::current());
void register_metric(const std::string& name, std::shared_ptr<const MetricImpl> impl,
                     SourceLocation where = SourceLocation::current());
std::vector<std::string> metric_names();

/// Whether a logged quantity that is no metric of the model is better when larger ("max"), smaller
/// ("min") or unknown (""), going by its name without "val_".
std::string metric_direction(const std::string& name);

namespace metrics {

// Functions: one value for each sample. The rest are those of namespace losses.
Symbol binary_accuracy(OpInput y_true, OpInput y_pred, double threshold);
Symbol binary_accuracy(OpInput y_true, OpInput y_pred);
Symbol categorical_accuracy(OpInput y_true, OpInput y_pred);
Symbol sparse_categorical_accuracy(OpInput y_true, OpInput y_pred);
/// Rows whose predictions hold NaN count as wrong; so do those where class indices are out of
/// range.
Symbol top_k_categorical_accuracy(OpInput y_true, OpInput y_pred, int64_t k = 5);
Symbol sparse_top_k_categorical_accuracy(OpInput y_true, OpInput y_pred, int64_t k = 5);
/// Keras's metric has the opposite sign of the loss.
Symbol cosine_similarity(OpInput y_true, OpInput y_pred);
using losses::binary_crossentropy;
using losses::categorical_crossentropy;
using losses::mean_absolute_error;
using losses::mean_squared_error;
using losses::sparse_categorical_crossentropy;

struct Options {
  std::string name = "";
};
struct BinaryAccuracyOptions {
  std::string name = "";
  double threshold = 0.5;
};
struct BinaryAccuracy : Metric {
  explicit BinaryAccuracy(BinaryAccuracyOptions options = {},
                          SourceLocation where = SourceLocation::current());
};
struct TopKOptions {
  int64_t k = 5;
  std::string name = "";
};
struct TopKCategoricalAccuracy : Metric {
  explicit TopKCategoricalAccuracy(TopKOptions options = {},
                                   SourceLocation where = SourceLocation::current());
};
struct SparseTopKCategoricalAccuracy : Metric {
  explicit SparseTopKCategoricalAccuracy(TopKOptions options = {},
                                         SourceLocation where = SourceLocation::current());
};
struct CategoricalAccuracy : Metric {
  explicit CategoricalAccuracy(Options options = {},
                               SourceLocation where = SourceLocation::current());
};
struct SparseCategoricalAccuracy : Metric {
  explicit SparseCategoricalAccuracy(Options options = {},
                                     SourceLocation where = SourceLocation::current());
};
struct MeanSquaredError : Metric {
  explicit MeanSquaredError(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct RootMeanSquaredError : Metric {
  explicit RootMeanSquaredError(Options options = {},
                                SourceLocation where = SourceLocation::current());
};
struct MeanAbsoluteError : Metric {
  explicit MeanAbsoluteError(Options options = {},
                             SourceLocation where = SourceLocation::current());
};
struct MeanAbsolutePercentageError : Metric {
  explicit MeanAbsolutePercentageError(Options options = {},
                                       SourceLocation where = SourceLocation::current());
};
struct MeanSquaredLogarithmicError : Metric {
  explicit MeanSquaredLogarithmicError(Options options = {},
                                       SourceLocation where = SourceLocation::current());
};
struct LogCoshError : Metric {
  explicit LogCoshError(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct Hinge : Metric {
  explicit Hinge(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct SquaredHinge : Metric {
  explicit SquaredHinge(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct CategoricalHinge : Metric {
  explicit CategoricalHinge(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct KLDivergence : Metric {
  explicit KLDivergence(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct Poisson : Metric {
  explicit Poisson(Options options = {}, SourceLocation where = SourceLocation::current());
};
struct BinaryCrossentropy : Metric {
  explicit BinaryCrossentropy(Options options = {},
                              SourceLocation where = SourceLocation::current());
};
struct CategoricalCrossentropy : Metric {
  explicit CategoricalCrossentropy(Options options = {},
                                   SourceLocation where = SourceLocation::current());
};
struct SparseCategoricalCrossentropy : Metric {
  explicit SparseCategoricalCrossentropy(Options options = {},
                                         SourceLocation where = SourceLocation::current());
};
struct CosineSimilarityOptions {
  std::string name = "";
  int axis = -1;
};
struct CosineSimilarity : Metric {
  explicit CosineSimilarity(CosineSimilarityOptions options = {},
                            SourceLocation where = SourceLocation::current());
};

}  // namespace metrics
}  // namespace sinter
