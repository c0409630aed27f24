// Keras's F scores, R2 and intersection over union.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "core/counted.h"
#include "core/error.h"
#include "core/tensor.h"
#include "frontend/argument_checks.h"
#include "frontend/losses.h"
#include "frontend/metric_table.h"
#include "frontend/session.h"
#include "ops/ops.h"

namespace sinter {
namespace {

constexpr double kEpsilon = 1e-7;

void check_rows(const char* name, Symbol y_true, Symbol y_pred) {
  if (y_pred.rank() == 2 && y_true.rank() == 2) return;
  throw ShapeError(fmt::format("{} takes labels and predictions [batch, columns], found {} and {}",
                               name, y_true.shape().to_string(), y_pred.shape().to_string()));
}

/// [batch] -> [batch, 1], or ones.
Symbol column_weight(Symbol weight, Symbol like) {
  const Symbol w = weight.valid() ? weight_like(weight, like, "a score") : scalar_like(like, 1.0);
  return broadcast_to(w, like.shape());
}

class FBeta final : public MetricImpl {
 public:
  FBeta(const Config& c, double beta) : average_(c.get_string("average", "")), beta_(beta) {
    if (!average_.empty() && average_ != "micro" && average_ != "macro" && average_ != "weighted")
      raise_unknown_name("average of a F score", average_, {"micro", "macro", "weighted"});
    check_number("FBetaScore", "beta", beta, kPositive);
    if (c.get("threshold").is_null()) return;
    threshold_ = c.get_float("threshold", 0.5);
    check_number("FBetaScore", "threshold", *threshold_, kAboveZeroToOne);
  }

  void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                    Symbol weight) const override {
    check_rows("FBetaScore", y_true, y_pred);
    const Symbol positive = threshold_
                                ? greater(y_pred, *threshold_)
                                : logical_and(greater_equal(y_pred, reduce_max(y_pred, {-1}, true)),
                                              greater(abs(y_pred), 1e-9));
    const Symbol p = cast(positive, y_pred.dtype()), w = column_weight(weight, y_pred);
    const auto total = [&](const char* name, Symbol values) {
      const std::vector<int64_t> axes =
          average_ == "micro" ? std::vector<int64_t>{} : std::vector<int64_t>{0};
      state.add(name, sum(values * w, axes));
    };
    total("true_positives", p * y_true);
    total("false_positives", p * (1.0 - y_true));
    total("false_negatives", (1.0 - p) * y_true);
    total("intermediate_weights", y_true);
  }

  Symbol result(MetricContext& state) const override {
    const Symbol tp = state.variable("true_positives");
    const Symbol precision = tp / (tp + state.variable("false_positives") + kEpsilon);
    const Symbol recall = tp / (tp + state.variable("false_negatives") + kEpsilon);
    const double b = beta_ * beta_;
    const Symbol score = precision * recall / (b * precision + recall + kEpsilon) * (1.0 + b);
    if (average_ == "weighted") {
      const Symbol weights = state.variable("intermediate_weights");
      return sum(score * (weights / (sum(weights) + kEpsilon)));
    }
    return average_.empty() ? score : mean(score);
  }
  std::string direction() const override { return "max"; }

 private:
  std::string average_;
  double beta_;
  std::optional<double> threshold_;
};

class R2 final : public MetricImpl {
 public:
  explicit R2(const Config& c) : regressors_(c.get_int("num_regressors", 0)) {
    // Null is Keras's None: a number for each column.
    if (c.get("class_aggregation").is_null() && c.contains("class_aggregation")) return;
    aggregation_ = c.get_string("class_aggregation", "uniform_average");
    if (aggregation_ != "uniform_average" && aggregation_ != "variance_weighted_average") {
      raise_unknown_name("class_aggregation of R2Score", aggregation_,
                         {"uniform_average", "variance_weighted_average"});
    }
    if (regressors_ < 0)
      throw Error(
          fmt::format("R2Score: num_regressors must not be negative, found {}", regressors_));
  }

  void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                    Symbol weight) const override {
    check_rows("R2Score", y_true, y_pred);
    // The difference of large sums: in float64, or little is left of it.
    const Symbol y = cast(y_true, DType::kFloat64), p = cast(y_pred, DType::kFloat64);
    const Symbol w = cast(column_weight(weight, y_pred), DType::kFloat64);
    state.add("squared_sum", sum(y * y * w, {0}));
    state.add("sum", sum(y * w, {0}));
    state.add("residual", sum(square(y - p) * w, {0}));
    state.add("count", sum(w, {0}));
    state.add("num_samples", sum(full_like(y, 1.0)));
  }

  Symbol result(MetricContext& state) const override {
    const Symbol total_of = state.variable("sum");
    const Symbol total =
        state.variable("squared_sum") - total_of * (total_of / state.variable("count"));
    const Symbol raw = 1.0 - state.variable("residual") / total;
    const Symbol scores = select(greater(abs(raw), std::numeric_limits<double>::max()), 0.0, raw);
    Symbol r2 = scores;
    if (aggregation_ == "uniform_average") r2 = mean(scores);
    if (aggregation_ == "variance_weighted_average") r2 = sum(total * scores) / sum(total);
    if (regressors_ == 0) return r2;
    const auto p = static_cast<double>(regressors_);
    const Symbol n = state.variable("num_samples");
    const Symbol enough = greater(n - 1.0, p);
    const Symbol adjusted = 1.0 - (1.0 - r2) * (n - 1.0) / select(enough, n - p - 1.0, 1.0);
    return select(broadcast_to(enough, r2.shape()), adjusted, r2);
  }
  std::string direction() const override { return "max"; }

 private:
  std::string aggregation_;
  int64_t regressors_;
};

class Overlap final : public MetricImpl {
 public:
  struct Settings {
    int64_t classes = 2;
    std::vector<int64_t> targets;
    std::optional<int64_t> ignored;
    bool sparse_true = true, sparse_pred = true;
    int axis = -1;
    std::optional<double> threshold;
  };
  explicit Overlap(Settings settings) : s_(std::move(settings)) {
    if (s_.classes < 1)
      throw Error(fmt::format("IoU: num_classes must be positive, found {}", s_.classes));
    for (const int64_t id : s_.targets) {
      if (id < 0 || id >= s_.classes)
        throw Error(
            fmt::format("IoU: target class {} is not among {}", id, counted(s_.classes, "class")));
    }
  }
  bool takes_classes() const override { return true; }

  void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                    Symbol weight) const override {
    if (s_.threshold) y_pred = cast(greater_equal(y_pred, *s_.threshold), DType::kInt32);
    if (!s_.sparse_true) y_true = argmax(y_true, s_.axis);
    if (!s_.sparse_pred) y_pred = argmax(y_pred, s_.axis);
    y_true = cast(y_true, DType::kInt32), y_pred = cast(y_pred, DType::kInt32);
    squeeze_or_expand_to_same_rank(y_true, y_pred);
    if (y_true.shape() != y_pred.shape()) {
      throw ShapeError(fmt::format("IoU compares classes {} with {}", y_true.shape().to_string(),
                                   y_pred.shape().to_string()));
    }
    // A class out of range is in no row of one_hot, and so in no count.
    Symbol truth = one_hot(y_true, s_.classes, floatx()),
           found = one_hot(y_pred, s_.classes, floatx());
    if (s_.ignored)
      found = found *
              expand_dims(cast(not_equal(y_true, static_cast<double>(*s_.ignored)), floatx()), -1);
    if (weight.valid()) found = found * weight_like(weight, found, "IoU");
    // [batch, positions, classes], and a product of the two for each sample.
    const auto positions = [&](Symbol x) {
      int64_t count = 1;
      for (int i = 1; i < x.rank() - 1; ++i) count *= x.shape()[i];
      return reshape(x, Shape{x.shape()[0], count, s_.classes});
    };
    state.add("total_confusion_matrix",
              sum(matmul(positions(truth), positions(found), true, false), {0}));
  }

  Symbol result(MetricContext& state) const override {
    const Symbol cm = state.variable("total_confusion_matrix");
    Tensor unit(DType::kFloat64, {s_.classes, s_.classes}), wanted(DType::kFloat64, {s_.classes});
    for (int64_t i = 0; i < s_.classes; ++i) unit.set(i * s_.classes + i, 1);
    for (const int64_t id : s_.targets) wanted.set(id, wanted.at(id) + 1);
    const Symbol hits = sum(cm * constant(cm.graph(), unit), {0});
    const Symbol either = sum(cm, {0}) + sum(cm, {1}) - hits;
    const Symbol counted =
        cast(greater(either, 1e-9), DType::kFloat64) * constant(cm.graph(), wanted);
    return sum(hits / (either + kEpsilon) * counted) / (sum(counted) + kEpsilon);
  }
  std::string direction() const override { return "max"; }

 private:
  Settings s_;
};

std::vector<int64_t> all_classes(int64_t n) {
  std::vector<int64_t> ids(static_cast<size_t>(std::clamp<int64_t>(n, 0, 1 << 20)));
  std::iota(ids.begin(), ids.end(), int64_t{0});
  return ids;
}

std::shared_ptr<const MetricImpl> overlap(const std::string& name, const Config& c) {
  Overlap::Settings s;
  if (name == "BinaryIoU") {
    s.targets = c.get_ints("target_class_ids", {0, 1});
    s.threshold = c.get_float("threshold", 0.5);
    return std::make_shared<Overlap>(s);
  }
  const bool one_hot_labels = name.starts_with("OneHot");
  if (c.get("num_classes").is_null()) throw Error(name + ": set 'num_classes'");
  s.classes = c.get_int("num_classes", 2);
  s.targets = name.find("Mean") != std::string::npos ? all_classes(s.classes)
                                                     : c.get_ints("target_class_ids", {});
  if (s.targets.empty() && s.classes > 0) throw Error(name + ": set 'target_class_ids'");
  if (!c.get("ignore_class").is_null()) s.ignored = c.get_int("ignore_class", 0);
  s.sparse_true = !one_hot_labels && c.get_bool("sparse_y_true", true);
  s.sparse_pred = c.get_bool("sparse_y_pred", !one_hot_labels);
  s.axis = c.get_int32("axis", -1);
  return std::make_shared<Overlap>(s);
}

}  // namespace

void append_score_metrics(std::vector<StatefulMetric>& list) {
  list.push_back(
      {"FBetaScore",
       {{"average", nullptr}, {"beta", 1.0}, {"threshold", nullptr}},
       [](const Config& c) { return std::make_shared<FBeta>(c, c.get_float("beta", 1.0)); },
       "fbeta_score"});
  list.push_back({"F1Score", {{"average", nullptr}, {"threshold", nullptr}}, [](const Config& c) {
                    return std::make_shared<FBeta>(c, 1.0);
                  }});
  list.push_back({"R2Score",
                  {{"class_aggregation", "uniform_average"}, {"num_regressors", 0}},
                  [](const Config& c) { return std::make_shared<R2>(c); }});
  const Config common = {{"num_classes", nullptr},  {"target_class_ids", nullptr},
                         {"ignore_class", nullptr}, {"sparse_y_true", true},
                         {"sparse_y_pred", true},   {"axis", -1}};
  const auto without = [](const Config& c, std::initializer_list<std::string> keys) {
    Config result;
    for (const ConfigEntry& e : c.entries()) {
      if (std::ranges::find(keys, e.key) == keys.end()) result.set(e.key, e.value);
    }
    return result;
  };
  for (const auto& [name, defaults] :
       {std::pair<const char*, Config>("IoU", common),
        {"MeanIoU", without(common, {"target_class_ids"})},
        {"BinaryIoU", {{"target_class_ids", ConfigValue::ints({0, 1})}, {"threshold", 0.5}}},
        {"OneHotIoU", without(common, {"sparse_y_true"}).set("sparse_y_pred", false)},
        {"OneHotMeanIoU",
         without(common, {"target_class_ids", "sparse_y_true"}).set("sparse_y_pred", false)}}) {
    const std::string of = name;
    list.push_back({of, defaults, [of](const Config& c) { return overlap(of, c); }});
  }
}

}  // namespace sinter
