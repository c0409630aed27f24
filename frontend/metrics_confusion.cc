// Keras's metrics of confusion: counts at thresholds, and what is made of them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/tensor.h"
#include "frontend/losses.h"
#include "frontend/metric_table.h"
#include "ops/ops.h"

namespace sinter {
namespace {

constexpr double kEpsilon = 1e-7;
constexpr double kLowest = -1e10;  // of predictions that are not among the k highest

/// Thresholds along the last dimension of all counts.
struct Thresholds {
  std::vector<double> values;
  bool even = false;     // i / (n - 1): predictions are put in buckets, as Keras does
  bool widened = false;  // the first lies below 0: it counts predictions of 0 as positive
};

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

void check_range(const char* what, double value) {
  if (!(value >= 0 && value <= 1))
    throw Error(fmt::format("{} must lie between 0 and 1, found {}", what, value));
}

bool evenly_spread(const std::vector<double>& t) {
  if (t.size() < 3) return false;
  for (size_t i = 0; i < t.size(); ++i) {
    const double even = static_cast<double>(i) / static_cast<double>(t.size() - 1);
    if (std::abs(t[i] - even) > kEpsilon + 1e-5 * std::abs(even)) return false;
  }
  return true;
}

/// One threshold, as one number is logged.
Thresholds single_threshold(const std::string& name, const Config& c, double fallback) {
  std::vector<double> given = numbers(c, "thresholds");
  if (given.size() > 1) {
    throw Error(fmt::format(
        "{}: {} thresholds give as many numbers, and one is logged: use a metric for each", name,
        given.size()));
  }
  for (const double t : given) check_range("thresholds", t);
  return {given.empty() ? std::vector{fallback} : given};
}

std::vector<double> even_thresholds(int64_t count) {
  std::vector<double> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(static_cast<double>(i) / static_cast<double>(count - 1));
  return result;
}

Symbol row_of(Graph& graph, const std::vector<double>& values, DType dtype) {
  return constant(graph,
                  Tensor::from<double>({static_cast<int64_t>(values.size())}, values).cast(dtype));
}

std::optional<int64_t> optional_int(const Config& c, const char* key) {
  if (c.get(key).is_null()) return std::nullopt;
  return c.get_int(key, 0);
}

/// What of a row is looked at.
struct Selection {
  std::optional<int64_t> top_k, class_id;
  bool multi_label = false;  // counts for each element of a row
  std::vector<double> label_weights;
};

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
  return select(less(rank, static_cast<double>(k)), y_pred, kLowest);
}

/// Sums of weights, [thresholds] or [labels, thresholds].
struct Counts {
  Symbol tp, fp, tn, fn;
};

Counts count(Symbol y_true, Symbol y_pred, Symbol weight, const Thresholds& thresholds,
             const Selection& of) {
  Graph& graph = y_pred.graph();
  const DType dtype = y_pred.dtype();
  if (of.top_k) y_pred = top_of_rows(y_pred, *of.top_k);
  if (of.class_id) {
    if (y_pred.rank() < 2 || *of.class_id < 0 || *of.class_id >= y_pred.shape().dim(-1)) {
      throw ShapeError(fmt::format("class_id {} is not in predictions {}", *of.class_id,
                                   y_pred.shape().to_string()));
    }
    y_true = slice(y_true, -1, *of.class_id, *of.class_id + 1);
    y_pred = slice(y_pred, -1, *of.class_id, *of.class_id + 1);
  }
  Symbol weights = weight.valid() ? weight_like(weight, y_pred) : Symbol();
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

class ConfusionMetric : public MetricImpl {
 public:
  ConfusionMetric(Thresholds thresholds, Selection selection, std::vector<std::string> kept)
      : thresholds_(std::move(thresholds)),
        selection_(std::move(selection)),
        kept_(std::move(kept)) {}

  void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                    Symbol weight) const override {
    const Counts c = count(y_true, prepared(y_pred), weight, thresholds_, selection_);
    for (const std::string& name : kept_) {
      state.add(name, name == "true_positives"    ? c.tp
                      : name == "false_positives" ? c.fp
                      : name == "true_negatives"  ? c.tn
                                                  : c.fn);
    }
  }

 protected:
  virtual Symbol prepared(Symbol y_pred) const { return y_pred; }
  const Selection& selection() const { return selection_; }
  int64_t thresholds() const { return static_cast<int64_t>(thresholds_.values.size()); }
  struct Rates {
    Symbol tp, fp, tn, fn, recall, precision, specificity;
  };
  static Rates rates(MetricContext& state) {
    Rates r;
    r.tp = state.variable("true_positives"), r.fp = state.variable("false_positives");
    r.tn = state.variable("true_negatives"), r.fn = state.variable("false_negatives");
    r.recall = divide_no_nan(r.tp, r.tp + r.fn);
    r.precision = divide_no_nan(r.tp, r.tp + r.fp);
    r.specificity = divide_no_nan(r.tn, r.tn + r.fp);
    return r;
  }

 private:
  Thresholds thresholds_;
  Selection selection_;
  std::vector<std::string> kept_;
};

const std::vector<std::string> kAll = {"true_positives", "true_negatives", "false_positives",
                                       "false_negatives"};

class CountMetric final : public ConfusionMetric {
 public:
  CountMetric(const std::string& which, bool good, Thresholds thresholds)
      : ConfusionMetric(std::move(thresholds), {}, {which}), which_(which), good_(good) {}
  Symbol result(MetricContext& state) const override { return state.variable(which_); }
  std::string direction() const override { return good_ ? "max" : "min"; }

 private:
  std::string which_;
  bool good_;
};

/// tp / (tp + the other count): precision and recall.
class RatioMetric final : public ConfusionMetric {
 public:
  RatioMetric(std::string other, Thresholds thresholds, Selection selection)
      : ConfusionMetric(std::move(thresholds), std::move(selection), {"true_positives", other}),
        other_(other) {}
  Symbol result(MetricContext& state) const override {
    const Symbol tp = state.variable("true_positives");
    return divide_no_nan(tp, tp + state.variable(other_));
  }
  std::string direction() const override { return "max"; }

 private:
  std::string other_;
};

/// The highest of one rate where another reaches a bound.
class BoundMetric final : public ConfusionMetric {
 public:
  using Pick = Symbol Rates::*;
  BoundMetric(Symbol Rates::*sought, Symbol Rates::*bounded, double bound, Thresholds thresholds,
              Selection selection)
      : ConfusionMetric(std::move(thresholds), std::move(selection), kAll),
        sought_(sought),
        bounded_(bounded),
        bound_(bound) {}
  Symbol result(MetricContext& state) const override {
    const Rates r = rates(state);
    return reduce_max(select(greater_equal(r.*bounded_, bound_), r.*sought_, 0.0));
  }
  std::string direction() const override { return "max"; }

  static std::shared_ptr<const MetricImpl> make(const std::string& name, const Config& c) {
    const bool sensitivity = name == "SensitivityAtSpecificity";
    const bool specificity = name == "SpecificityAtSensitivity";
    const bool precision = name == "PrecisionAtRecall";
    const char* key = sensitivity   ? "specificity"
                      : specificity ? "sensitivity"
                      : precision   ? "recall"
                                    : "precision";
    if (c.get(key).is_null()) throw Error(fmt::format("{}: set '{}'", name, key));
    const double bound = c.get_float(key, 0);
    check_range(key, bound);
    const int64_t n = c.get_int("num_thresholds", 200);
    if (n < 1) throw Error(fmt::format("{}: num_thresholds must be positive, found {}", name, n));
    Thresholds t;
    t.values = n == 1 ? std::vector{0.5} : even_thresholds(n);
    t.even = n > 1;
    Selection s;
    s.class_id = optional_int(c, "class_id");
    return std::make_shared<BoundMetric>(specificity   ? &Rates::specificity
                                         : sensitivity ? &Rates::recall
                                         : precision   ? &Rates::precision
                                                       : &Rates::recall,
                                         specificity || precision ? &Rates::recall
                                         : sensitivity            ? &Rates::specificity
                                                                  : &Rates::precision,
                                         bound, t, s);
  }

 private:
  Symbol Rates::*sought_;
  Symbol Rates::*bounded_;
  double bound_;
};

class AUCMetric final : public ConfusionMetric {
 public:
  AUCMetric(Thresholds thresholds, Selection selection, std::string curve, std::string summation,
            bool from_logits)
      : ConfusionMetric(std::move(thresholds), std::move(selection), kAll),
        curve_(std::move(curve)),
        summation_(std::move(summation)),
        from_logits_(from_logits) {}

  void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                    Symbol weight) const override {
    if (selection().multi_label && y_pred.rank() != 2) {
      throw ShapeError(fmt::format("AUC: multi_label takes predictions [batch, labels], found {}",
                                   y_pred.shape().to_string()));
    }
    ConfusionMetric::update_state(state, y_true, y_pred, weight);
  }

  Symbol result(MetricContext& state) const override {
    const Symbol terms =
        curve_ == "PR" && summation_ == "interpolation" ? precision_recall(state) : riemann(state);
    if (!selection().multi_label) return sum(terms);
    const Symbol labels = sum(terms, {-1});
    if (selection().label_weights.empty()) return mean(labels);
    const Symbol w = row_of(labels.graph(), selection().label_weights, labels.dtype());
    return divide_no_nan(sum(labels * w), sum(w));
  }
  std::string direction() const override { return "max"; }

  static std::shared_ptr<const MetricImpl> make(const Config& c) {
    Thresholds t;
    std::vector<double> given = numbers(c, "thresholds");
    const int64_t n = c.get_int("num_thresholds", 200);
    if (given.empty()) {
      if (n <= 1) throw Error(fmt::format("AUC: num_thresholds must be at least 2, found {}", n));
      t.values = even_thresholds(n);
      t.even = true;
    } else {
      for (const double v : given) check_range("AUC: thresholds", v);
      std::ranges::sort(given);
      t.values = {0.0};
      t.values.insert(t.values.end(), given.begin(), given.end());
      t.values.push_back(1.0);
      t.even = evenly_spread(t.values);
    }
    t.values.front() = -kEpsilon, t.values.back() = 1.0 + kEpsilon;
    t.widened = true;
    Selection s;
    s.multi_label = c.get_bool("multi_label", false);
    s.label_weights = numbers(c, "label_weights");
    const std::string curve = c.get_string("curve", "ROC");
    const std::vector<std::string> curves = {"ROC", "PR", "PRGAIN"};
    if (std::ranges::find(curves, curve) == curves.end())
      raise_unknown_name("curve of AUC", curve, curves);
    std::string summation = c.get_string("summation_method", "interpolation");
    std::ranges::transform(summation, summation.begin(),
                           [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
    const std::vector<std::string> summations = {"interpolation", "minoring", "majoring"};
    if (std::ranges::find(summations, summation) == summations.end())
      raise_unknown_name("summation_method of AUC", summation, summations);
    return std::make_shared<AUCMetric>(t, s, curve, summation, c.get_bool("from_logits", false));
  }

 protected:
  Symbol prepared(Symbol y_pred) const override { return from_logits_ ? sigmoid(y_pred) : y_pred; }

 private:
  Symbol lower(Symbol x) const { return slice(x, -1, 0, thresholds() - 1); }
  Symbol upper(Symbol x) const { return slice(x, -1, 1, thresholds()); }

  // Davis and Goadrich's interpolation of precision between thresholds.
  Symbol precision_recall(MetricContext& state) const {
    const Rates r = rates(state);
    const Symbol p = r.tp + r.fp;
    const Symbol dtp = lower(r.tp) - upper(r.tp);
    const Symbol slope = divide_no_nan(dtp, maximum(lower(p) - upper(p), 0.0));
    const Symbol intercept = upper(r.tp) - slope * upper(p);
    const Symbol both = logical_and(greater(lower(p), 0.0), greater(upper(p), 0.0));
    const Symbol ratio = select(both, divide_no_nan(lower(p), maximum(upper(p), 0.0)), 1.0);
    return divide_no_nan(slope * (dtp + intercept * log(ratio)),
                         maximum(upper(r.tp) + upper(r.fn), 0.0));
  }

  Symbol riemann(MetricContext& state) const {
    const Rates r = rates(state);
    Symbol x = r.recall, y = r.precision;
    if (curve_ == "ROC") {
      x = divide_no_nan(r.fp, r.fp + r.tn);
      y = r.recall;
    } else if (curve_ == "PRGAIN") {
      const Symbol scale = divide_no_nan(r.tp + r.fn, r.tn + r.fp);
      const Symbol none = equal(r.tp, 0.0);
      const auto gain = [&](Symbol wrong) { return 1.0 - scale * divide_no_nan(wrong, r.tp); };
      x = maximum(select(none, 0.0, gain(r.fn)), 0.0);
      y = select(none, 1.0, gain(r.fp));
    }
    const Symbol heights = summation_ == "interpolation" ? 0.5 * (lower(y) + upper(y))
                           : summation_ == "minoring"    ? minimum(lower(y), upper(y))
                                                         : maximum(lower(y), upper(y));
    return (lower(x) - upper(x)) * heights;
  }

  std::string curve_, summation_;
  bool from_logits_;
};

}  // namespace

void append_confusion_metrics(std::vector<StatefulMetric>& list) {
  for (const auto& [name, state, good] : {std::tuple("TruePositives", "true_positives", true),
                                          std::tuple("TrueNegatives", "true_negatives", true),
                                          std::tuple("FalsePositives", "false_positives", false),
                                          std::tuple("FalseNegatives", "false_negatives", false)}) {
    const std::string of = name, which = state;
    const bool is_good = good;
    list.push_back({of, {{"thresholds", nullptr}}, [=](const Config& c) {
                      return std::make_shared<CountMetric>(which, is_good,
                                                           single_threshold(of, c, 0.5));
                    }});
  }
  for (const auto& [name, other] :
       {std::pair("Precision", "false_positives"), std::pair("Recall", "false_negatives")}) {
    const std::string of = name, against = other;
    list.push_back({of,
                    {{"thresholds", nullptr}, {"top_k", nullptr}, {"class_id", nullptr}},
                    [=](const Config& c) {
                      Selection s;
                      s.top_k = optional_int(c, "top_k");
                      s.class_id = optional_int(c, "class_id");
                      return std::make_shared<RatioMetric>(
                          against, single_threshold(of, c, s.top_k ? kLowest : 0.5), s);
                    }});
  }
  list.push_back({"AUC",
                  {{"num_thresholds", 200},
                   {"curve", "ROC"},
                   {"summation_method", "interpolation"},
                   {"multi_label", false},
                   {"num_labels", nullptr},
                   {"label_weights", nullptr},
                   {"from_logits", false}},
                  AUCMetric::make});
  for (const auto& [name, bound] :
       {std::pair("SensitivityAtSpecificity", "specificity"),
        std::pair("SpecificityAtSensitivity", "sensitivity"),
        std::pair("PrecisionAtRecall", "recall"), std::pair("RecallAtPrecision", "precision")}) {
    const std::string of = name;
    list.push_back({of,
                    {{"num_thresholds", 200}, {bound, nullptr}, {"class_id", nullptr}},
                    [=](const Config& c) { return BoundMetric::make(of, c); }});
  }
}

}  // namespace sinter
