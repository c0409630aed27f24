// The arguments of Model::compile, in every form that Keras takes them: one object, a list, or by
// output.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "frontend/losses.h"
#include "frontend/metrics.h"
#include "frontend/optimizers/optimizers.h"

namespace sinter {

/// One loss of a braced list: `"mse"`, an object or a function; or `{"output", loss}`.
class LossEntry {
 public:
  template <typename T>
  requires std::is_convertible_v<T, Loss> LossEntry(T loss) : loss_(std::move(loss)) {}  // NOLINT
  LossEntry(Symbol (*function)(Symbol, Symbol)) : loss_(function) {}                     // NOLINT
  LossEntry(Symbol (*function)(Symbol, Symbol, bool)) : loss_(function) {}               // NOLINT
  LossEntry(Symbol (*function)(Symbol, Symbol, bool, double)) : loss_(function) {}       // NOLINT
  LossEntry(const char* output, Loss loss) : output_(output), loss_(std::move(loss)) {}
  LossEntry(std::string output, Loss loss) : output_(std::move(output)), loss_(std::move(loss)) {}
  const std::optional<std::string>& output() const { return output_; }
  const Loss& loss() const { return loss_; }

 private:
  std::optional<std::string> output_;
  Loss loss_;
};

/// The loss of each output: one, a list in the order of the outputs, or by output name,
/// `{{"probs", "mse"}, {"value", losses::Huber()}}`. Raises Error for a list that is both.
class LossArgument {
 public:
  LossArgument() = default;
  template <typename T>
  requires std::is_convertible_v<T, Loss> LossArgument(T loss)
      : list_{Loss(std::move(loss))} {}                                              // NOLINT
  LossArgument(Symbol (*function)(Symbol, Symbol)) : list_{Loss(function)} {}        // NOLINT
  LossArgument(Symbol (*function)(Symbol, Symbol, bool)) : list_{Loss(function)} {}  // NOLINT
  LossArgument(Symbol (*function)(Symbol, Symbol, bool, double))
      : list_{Loss(function)} {}  // NOLINT
  LossArgument(std::initializer_list<LossEntry> losses);
  LossArgument(std::vector<Loss> losses) : list_(std::move(losses)) {}             // NOLINT
  LossArgument(std::map<std::string, Loss> losses) : named_(std::move(losses)) {}  // NOLINT
  const std::vector<Loss>& list() const { return list_; }
  const std::map<std::string, Loss>& named() const { return named_; }

 private:
  std::vector<Loss> list_;
  std::map<std::string, Loss> named_;
};

/// A metric, or a name that may be a metric's or an output's.
class MetricItem {
 public:
  MetricItem(const char* name) : name_(name) {}             // NOLINT
  MetricItem(std::string name) : name_(std::move(name)) {}  // NOLINT
  template <typename T>
  requires(std::is_convertible_v<T, Metric> && !std::is_convertible_v<T, std::string>)
      MetricItem(T metric)
      : metric_(Metric(std::move(metric))) {}                                          // NOLINT
  MetricItem(Symbol (*function)(Symbol, Symbol)) : metric_(Metric(function)) {}        // NOLINT
  MetricItem(Symbol (*function)(Symbol, Symbol, bool)) : metric_(Metric(function)) {}  // NOLINT
  MetricItem(Symbol (*function)(Symbol, Symbol, bool, double))
      : metric_(Metric(function)) {}  // NOLINT
  /// Empty for a metric that came as an object or a function.
  const std::string& name() const { return name_; }
  Metric metric() const { return metric_ ? *metric_ : Metric(name_); }

 private:
  std::string name_;
  std::optional<Metric> metric_;
};

/// One entry of a braced list of metrics: a metric, or in braces those of one output, with or
/// without its name.
class MetricEntry {
 public:
  MetricEntry() : braced_(true) {}
  template <typename T>
  requires std::is_convertible_v<T, MetricItem> MetricEntry(T metric)
      : items_{MetricItem(std::move(metric))} {}                                           // NOLINT
  MetricEntry(Symbol (*function)(Symbol, Symbol)) : items_{MetricItem(function)} {}        // NOLINT
  MetricEntry(Symbol (*function)(Symbol, Symbol, bool)) : items_{MetricItem(function)} {}  // NOLINT
  MetricEntry(Symbol (*function)(Symbol, Symbol, bool, double))
      : items_{MetricItem(function)} {}  // NOLINT
  MetricEntry(std::initializer_list<MetricItem> metrics) : items_(metrics), braced_(true) {}
  MetricEntry(std::string output, std::initializer_list<MetricItem> metrics)
      : output_(std::move(output)), items_(metrics), braced_(true) {}
  const std::vector<MetricItem>& items() const { return items_; }
  const std::optional<std::string>& output() const { return output_; }
  bool braced() const { return braced_; }

 private:
  std::optional<std::string> output_;
  std::vector<MetricItem> items_;
  bool braced_ = false;
};

/// Metrics: one, or a list for a model of one output; for several outputs one entry each, or by
/// output name: `{{"probs", "accuracy"}, {"value", {"mae", "mse"}}}`. Within braces a first name
/// that is an output's is one; compile() knows the outputs.
class MetricsArgument {
 public:
  MetricsArgument() = default;
  template <typename T>
  requires std::is_convertible_v<T, Metric> MetricsArgument(T metric)
      : flat_{Metric(std::move(metric))} {}                                               // NOLINT
  MetricsArgument(Symbol (*function)(Symbol, Symbol)) : flat_{Metric(function)} {}        // NOLINT
  MetricsArgument(Symbol (*function)(Symbol, Symbol, bool)) : flat_{Metric(function)} {}  // NOLINT
  MetricsArgument(std::initializer_list<MetricEntry> metrics);
  MetricsArgument(std::vector<Metric> metrics) : flat_(std::move(metrics)) {}  // NOLINT
  MetricsArgument(std::vector<std::vector<Metric>> metrics)
      : lists_(std::move(metrics)) {}  // NOLINT
  MetricsArgument(std::map<std::string, std::vector<Metric>> metrics)
      : named_(std::move(metrics)) {}  // NOLINT

  /// With braces read as lists or by name, whichever the outputs say. Raises NameError.
  MetricsArgument settled(const std::vector<std::string>& outputs) const;
  const std::vector<Metric>& flat() const { return flat_; }
  const std::vector<std::vector<Metric>>& lists() const { return lists_; }
  const std::map<std::string, std::vector<Metric>>& named() const { return named_; }

 private:
  std::vector<MetricEntry> braced_;  // until settled
  std::vector<Metric> flat_;
  std::vector<std::vector<Metric>> lists_;
  std::map<std::string, std::vector<Metric>> named_;
};

struct CompileArguments {
  Optimizer optimizer = "rmsprop";
  LossArgument loss = {};
  std::vector<double> loss_weights = {};  // one for each output; default 1
  MetricsArgument metrics = {};
  MetricsArgument weighted_metrics = {};
  std::string backend = "";  // default: set_backend()
  /// "bfloat16": products multiply bfloat16 and add in float32; variables, activations and the loss
  /// stay float32.
  std::string mixed_precision = "";
  std::vector<std::string> disabled_passes = {};
};

}  // namespace sinter
