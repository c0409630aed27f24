// Counts at thresholds.
#include "frontend/confusion_metric.h"

#include <fmt/format.h>

#include <iterator>

#include "core/counted.h"
#include "core/error.h"
#include "core/tensor.h"
#include "frontend/argument_checks.h"
#include "frontend/losses.h"
#include "ops/ops.h"

namespace sinter {
namespace {

// Raises ShapeError where the settings ask for columns that predictions do not have.
void check_selection(const Selection& of, const Shape& predictions) {
  const int64_t columns = predictions.rank() == 0 ? 1 : predictions.dim(-1);
  const auto refuse = [&](const std::string& what) {
    throw ShapeError(fmt::format("{}, but the predictions are {}", what, predictions.to_string()));
  };
  if (of.class_id && (predictions.rank() < 2 || *of.class_id >= columns))
    refuse(fmt::format("class_id is {}", *of.class_id));
  if (of.top_k && *of.top_k > columns) refuse(fmt::format("top_k is {}", *of.top_k));
  if (of.multi_label && predictions.rank() != 2)
    refuse("multi_label takes predictions [batch, labels]");
  if (of.multi_label && of.num_labels && *of.num_labels != columns)
    refuse(fmt::format("num_labels is {}", *of.num_labels));
  if (!of.label_weights.empty() && std::ssize(of.label_weights) != columns)
    refuse(fmt::format("label_weights has {}", counted(of.label_weights.size(), "entry")));
}

// kLowest but for the k highest of a row; of equal ones the first.
Symbol top_of_rows(Symbol y_pred, int64_t k) {
  const int64_t n = y_pred.shape().dim(-1);
  const Symbol mine = expand_dims(y_pred, -1), other = expand_dims(y_pred, -2);
  std::vector<double> before(static_cast<size_t>(n * n));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) before[static_cast<size_t>(i * n + j)] = 1;
  }
  const Symbol first = greater(
      constant(y_pred.graph(), Tensor::from<double>({n, n}, before).cast(y_pred.dtype())), 0.5);
  const Symbol tie = equal(other, mine);
  const Symbol ahead =
      logical_or(greater(other, mine), logical_and(tie, broadcast_to(first, tie.shape())));
  const Symbol rank = sum(cast(ahead, y_pred.dtype()), {-1});
  return select(less(rank, static_cast<double>(k)), y_pred, kLowestPrediction);
}

/// Sums of weights, [thresholds] or [labels, thresholds].
struct Counts {
  Symbol tp, fp, tn, fn;
};

Counts count(Symbol y_true, Symbol y_pred, Symbol weight, const Thresholds& thresholds,
             const Selection& of) {
  Graph& graph = y_pred.graph();
  const DType dtype = y_pred.dtype();
  check_selection(of, y_pred.shape());
  if (of.top_k) y_pred = top_of_rows(y_pred, *of.top_k);
  if (of.class_id) {
    y_true = slice(y_true, -1, *of.class_id, *of.class_id + 1);
    y_pred = slice(y_pred, -1, *of.class_id, *of.class_id + 1);
  }
  Symbol weights = weight.valid() ? weight_like(weight, y_pred, "a metric of confusion") : Symbol();
  if (!of.label_weights.empty() && !of.multi_label) {
    const Symbol labels = row_of(graph, of.label_weights, dtype);
    weights = weights.valid() ? weights * labels : labels;
  }
  const Symbol label = cast(not_equal(y_true, 0.0), dtype);
  const Symbol plain = scalar_like(y_pred, 1.0);
  const Symbol w = weights.valid() ? weights : plain;
  const Symbol truths = broadcast_to(label * w, y_pred.shape());
  const Symbol others = broadcast_to((1.0 - label) * w, y_pred.shape());
  std::vector<double> bounds = thresholds.values;
  Symbol score = y_pred;
  if (thresholds.even) {
    // Positive at threshold i: bucket >= i, where bucket = ceil(p (n - 1)) - 1.
    score = ceil(clip(y_pred, 0.0, 1.0) * static_cast<double>(bounds.size() - 1)) - 1.0;
    if (thresholds.widened) score = maximum(score, 0.0);
    for (size_t i = 0; i < bounds.size(); ++i) bounds[i] = static_cast<double>(i) - 0.5;
  }
  const Symbol wide = expand_dims(score, -1);
  const Symbol positive = cast(greater(wide, row_of(graph, bounds, dtype)), dtype);
  std::vector<int64_t> axes, rows;
  const int kept = of.multi_label ? 1 : 0;
  for (int i = 0; i < y_pred.rank() - kept; ++i) axes.push_back(i);
  const auto total = [&](Symbol of_label) {
    return sum(positive * expand_dims(of_label, -1), axes);
  };
  const auto all = [&](Symbol of_label) { return expand_dims(sum(of_label, axes), -1); };
  Counts result;
  result.tp = cast(total(truths), DType::kFloat64);
  result.fp = cast(total(others), DType::kFloat64);
  result.fn = cast(all(truths), DType::kFloat64) - result.tp;
  result.tn = cast(all(others), DType::kFloat64) - result.fp;
  return result;
}

}  // namespace

const std::vector<std::string>& all_counts() {
  static const std::vector<std::string> names = {"true_positives", "true_negatives",
                                                 "false_positives", "false_negatives"};
  return names;
}

std::vector<double> numbers(const Config& c, const char* key) {
  std::vector<double> result;
  const ConfigValue& value = c.get(key);
  if (const ConfigObject* tensor = value.as<ConfigObject>()) {
    return numbers(tensor->config, "value");  // Keras writes label_weights as a tensor
  }
  if (const ConfigList* list = value.as<ConfigList>()) {
    for (const ConfigValue& v : *list) result.push_back(Config{{key, v}}.get_float(key, 0));
  } else if (!value.is_null()) {
    result.push_back(c.get_float(key, 0));
  }
  return result;
}

std::optional<int64_t> optional_count(const Config& c, const std::string& name, const char* key,
                                      int64_t least) {
  if (c.get(key).is_null()) return std::nullopt;
  const int64_t count = c.get_int(key, 0);
  check_at_least(name, key, count, least);
  return count;
}

void check_range(const std::string& what, double value) {
  if (!(value >= 0 && value <= 1))
    throw Error(fmt::format("{} must lie between 0 and 1, found {}", what, value));
}

std::vector<double> even_thresholds(const std::string& name, const Config& c, int64_t least) {
  constexpr int64_t kMost = 1'000'000;  // each is compared with each prediction
  const int64_t count = c.get_int("num_thresholds", 200);
  if (count < least || count > kMost) {
    throw Error(
        fmt::format("{}: num_thresholds must be {} to {}, found {}", name, least, kMost, count));
  }
  if (count == 1) return {0.5};
  std::vector<double> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(static_cast<double>(i) / static_cast<double>(count - 1));
  return result;
}

Symbol row_of(Graph& graph, const std::vector<double>& values, DType dtype) {
  return constant(graph,
                  Tensor::from<double>({static_cast<int64_t>(values.size())}, values).cast(dtype));
}

void ConfusionMetric::update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                                   Symbol weight) const {
  const Counts c = count(y_true, prepared(y_pred), weight, thresholds_, selection_);
  for (const std::string& name : kept_) {
    state.add(name, name == "true_positives"    ? c.tp
                    : name == "false_positives" ? c.fp
                    : name == "true_negatives"  ? c.tn
                                                : c.fn);
  }
}

ConfusionMetric::Rates ConfusionMetric::rates(MetricContext& state) {
  Rates r;
  r.tp = state.variable("true_positives"), r.fp = state.variable("false_positives");
  r.tn = state.variable("true_negatives"), r.fn = state.variable("false_negatives");
  r.recall = divide_no_nan(r.tp, r.tp + r.fn);
  r.precision = divide_no_nan(r.tp, r.tp + r.fp);
  r.specificity = divide_no_nan(r.tn, r.tn + r.fp);
  return r;
}

}  // namespace sinter
