// The arguments of Model::compile, in every form that Keras takes them: one object, a list, or by
// output.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/hidden.h"
#include "core/source_location.h"
#include "frontend/given_function.h"
#include "frontend/losses.h"
#include "frontend/metrics.h"
#include "frontend/number_arguments.h"
#include "frontend/optimizers/optimizers.h"

namespace sinter {

/// One loss of a braced list: `"mse"`, an object or a function; or `{"output", loss}`.
class LossEntry {
 public:
  template <typename T>
  requires std::is_convertible_v<T, Loss> LossEntry(
      T loss, SourceLocation where = SourceLocation::current())  // NOLINT
      : LossEntry(made_at<Loss>(std::move(loss), where), Only()) {}
  LossEntry(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  LossEntry(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<Further...> LossEntry(
      Symbol (*function)(S, S, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : loss_(function, where) {}
  LossEntry(const char* output, Loss loss);
  LossEntry(std::string output, Loss loss);
  /// Null where it names none.
  const std::string* output() const { return named_ ? &output_ : nullptr; }
  const Loss& loss() const { return loss_; }

 private:
  struct Only {};
  LossEntry(Loss loss, Only);

  bool named_ = false;
  std::string output_;
  Loss loss_;
};

/// The loss of each output: one, a list in the order of the outputs, or by output name,
/// `{{"probs", "mse"}, {"value", losses::Huber()}}`. Raises Error for a list that is both.
class LossArgument {
 public:
  LossArgument();
  LossArgument(const LossArgument&);
  LossArgument(LossArgument&&) noexcept;
  LossArgument& operator=(const LossArgument&);
  LossArgument& operator=(LossArgument&&) noexcept;
  ~LossArgument();
  template <typename T>
  requires std::is_convertible_v<T, Loss> LossArgument(
      T loss, SourceLocation where = SourceLocation::current())  // NOLINT
      : LossArgument(made_at<Loss>(std::move(loss), where), Only()) {}
  LossArgument(const char* name, SourceLocation where = SourceLocation::current());  // NOLINT
  LossArgument(const std::string& name,
               SourceLocation where = SourceLocation::current());  // NOLINT
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<Further...> LossArgument(
      Symbol (*function)(S, S, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : LossArgument(Loss(function, where), Only()) {}
  LossArgument(std::initializer_list<LossEntry> losses);
  LossArgument(std::vector<Loss> losses);            // NOLINT
  LossArgument(std::map<std::string, Loss> losses);  // NOLINT
  const std::vector<Loss>& list() const&;
  std::vector<Loss> list() &&;
  const std::map<std::string, Loss>& named() const&;
  std::map<std::string, Loss> named() &&;

 private:
  struct Only {};
  LossArgument(Loss loss, Only);

  Hidden<std::vector<Loss>> list_;
  Hidden<std::map<std::string, Loss>> named_;
};

/// A metric, or a name that may be a metric's or an output's.
class MetricItem {
 public:
  MetricItem(const MetricItem&);
  MetricItem(MetricItem&&) noexcept;
  MetricItem& operator=(const MetricItem&);
  MetricItem& operator=(MetricItem&&) noexcept;
  ~MetricItem();
  MetricItem(const char* name, SourceLocation where = SourceLocation::current());  // NOLINT
  MetricItem(std::string name, SourceLocation where = SourceLocation::current());  // NOLINT
  template <typename T>
  requires(std::is_convertible_v<T, Metric> && !std::is_convertible_v<T, std::string>)
      MetricItem(T metric, SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricItem(made_at<Metric>(std::move(metric), where), Only()) {}
  template <SymbolParameter S>
  MetricItem(Symbol (*function)(S, S), SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricItem(Metric(function, where), Only()) {}
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<bool, Further...> MetricItem(
      Symbol (*function)(S, S, bool, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricItem(Metric(function, where), Only()) {}
  /// Empty for a metric that came as an object or a function.
  const std::string& name() const { return name_; }
  SourceLocation where() const { return where_; }
  Metric metric() const;

 private:
  struct Only {};
  MetricItem(Metric metric, Only);

  std::string name_;
  SourceLocation where_;
  Hidden<std::vector<Metric>> metric_;  // one, or none
};

/// One entry of a braced list of metrics: a metric, or in braces those of one output, with or
/// without its name.
class MetricEntry {
 public:
  MetricEntry();
  MetricEntry(const MetricEntry&);
  MetricEntry(MetricEntry&&) noexcept;
  MetricEntry& operator=(const MetricEntry&);
  MetricEntry& operator=(MetricEntry&&) noexcept;
  ~MetricEntry();
  template <typename T>
  requires std::is_convertible_v<T, MetricItem> MetricEntry(
      T metric, SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricEntry(made_at<MetricItem>(std::move(metric), where), Only()) {}
  MetricEntry(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  MetricEntry(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  template <SymbolParameter S>
  MetricEntry(Symbol (*function)(S, S), SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricEntry(MetricItem(function, where), Only()) {}
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<bool, Further...> MetricEntry(
      Symbol (*function)(S, S, bool, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricEntry(MetricItem(function, where), Only()) {}
  MetricEntry(std::initializer_list<MetricItem> metrics);
  MetricEntry(std::string output, std::initializer_list<MetricItem> metrics);
  const std::vector<MetricItem>& items() const;
  /// Null where it names none.
  const std::string* output() const { return named_ ? &output_ : nullptr; }
  bool braced() const { return braced_; }

 private:
  struct Only {};
  MetricEntry(MetricItem metric, Only);

  bool named_ = false;
  std::string output_;
  Hidden<std::vector<MetricItem>> items_;
  bool braced_ = false;
};

/// Metrics: one, or a list for a model of one output; for several outputs one entry each, or by
/// output name: `{{"probs", "accuracy"}, {"value", {"mae", "mse"}}}`. Within braces a first name
/// that is an output's is one; compile() knows the outputs.
class MetricsArgument {
 public:
  MetricsArgument();
  MetricsArgument(const MetricsArgument&);
  MetricsArgument(MetricsArgument&&) noexcept;
  MetricsArgument& operator=(const MetricsArgument&);
  MetricsArgument& operator=(MetricsArgument&&) noexcept;
  ~MetricsArgument();
  template <typename T>
  requires std::is_convertible_v<T, Metric> MetricsArgument(
      T metric, SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricsArgument(made_at<Metric>(std::move(metric), where), Only()) {}
  MetricsArgument(const char* name, SourceLocation where = SourceLocation::current());  // NOLINT
  MetricsArgument(const std::string& name,
                  SourceLocation where = SourceLocation::current());  // NOLINT
  template <SymbolParameter S>
  MetricsArgument(Symbol (*function)(S, S),
                  SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricsArgument(Metric(function, where), Only()) {}
  template <SymbolParameter S, typename... Further>
  requires FurtherOfLoss<bool, Further...> MetricsArgument(
      Symbol (*function)(S, S, bool, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : MetricsArgument(Metric(function, where), Only()) {}
  MetricsArgument(std::initializer_list<MetricEntry> metrics);
  MetricsArgument(const std::vector<std::string>& names,
                  SourceLocation where = SourceLocation::current());    // NOLINT
  MetricsArgument(std::vector<Metric> metrics);                         // NOLINT
  MetricsArgument(std::vector<std::vector<Metric>> metrics);            // NOLINT
  MetricsArgument(std::map<std::string, std::vector<Metric>> metrics);  // NOLINT

  /// With braces read as lists or by name, whichever the outputs say. Raises NameError.
  MetricsArgument settled(const std::vector<std::string>& outputs) const;
  const std::vector<Metric>& flat() const&;
  std::vector<Metric> flat() &&;
  const std::vector<std::vector<Metric>>& lists() const&;
  std::vector<std::vector<Metric>> lists() &&;
  const std::map<std::string, std::vector<Metric>>& named() const&;
  std::map<std::string, std::vector<Metric>> named() &&;

 private:
  struct Only {};
  MetricsArgument(Metric metric, Only);

  Hidden<std::vector<MetricEntry>> braced_;  // until settled
  Hidden<std::vector<Metric>> flat_;
  Hidden<std::vector<std::vector<Metric>>> lists_;
  Hidden<std::map<std::string, std::vector<Metric>>> named_;
};

/// What the loss of each output counts: a number for the only output, numbers in the order of the
/// outputs, or by output name, `{{"probs", 0.5}}`; 1 for outputs that are not named. Raises Error
/// for a name that stands twice.
class LossWeights {
 public:
  LossWeights();
  LossWeights(const LossWeights&);
  LossWeights(LossWeights&&) noexcept;
  LossWeights& operator=(const LossWeights&);
  LossWeights& operator=(LossWeights&&) noexcept;
  ~LossWeights();
  template <RealArgument T>
  LossWeights(T weight) : LossWeights(RealNumber(weight), Only()) {}  // NOLINT
  LossWeights(std::initializer_list<double> weights);
  LossWeights(std::initializer_list<std::pair<const std::string, double>> weights);
  LossWeights(std::vector<double> weights);            // NOLINT
  LossWeights(std::map<std::string, double> weights);  // NOLINT
  const std::vector<double>& list() const&;
  std::vector<double> list() &&;
  const std::map<std::string, double>& named() const&;
  std::map<std::string, double> named() &&;

 private:
  struct Only {};
  LossWeights(double weight, Only);

  Hidden<std::vector<double>> list_;
  Hidden<std::map<std::string, double>> named_;
};

struct CompileArguments {
  Optimizer optimizer = "rmsprop";
  LossArgument loss = {};
  LossWeights loss_weights = {};
  MetricsArgument metrics = {};
  MetricsArgument weighted_metrics = {};
  std::string backend = "";  // default: set_backend()
  /// "bfloat16": products multiply bfloat16 and add in float32; variables, activations and the loss
  /// stay float32.
  std::string mixed_precision = "";
  std::vector<std::string> disabled_passes = {};
  /// Products are added up in short runs, and convolutions computed directly (errors within 2e-6 of
  /// results of variance 1), not by Winograd's algorithm (1e-5) or oneDNN's primitives.
  bool strict_precision = false;
  /// Bytes that a step of training may need in all, as memory_report() counts them: values that
  /// wait for the backward pass are computed again instead of kept, to the same bits. A step that
  /// cannot do with so little raises MemoryError, which says how much it can do with. 0: no budget.
  int64_t memory_budget = 0;
};

}  // namespace sinter
