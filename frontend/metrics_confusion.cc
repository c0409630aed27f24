// Keras's metrics of confusion: counts at thresholds, and what is made of them.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "frontend/confusion_metric.h"
#include "frontend/metric_table.h"
#include "ops/ops.h"

namespace sinter {
namespace {

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
      : ConfusionMetric(std::move(thresholds), std::move(selection), all_counts()),
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
    Thresholds t;
    t.values = even_thresholds(name, c, 1);
    t.even = t.values.size() > 1;
    Selection s;
    s.class_id = optional_count(c, name, "class_id", 0);
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
                      s.top_k = optional_count(c, of, "top_k", 1);
                      s.class_id = optional_count(c, of, "class_id", 0);
                      return std::make_shared<RatioMetric>(
                          against, single_threshold(of, c, s.top_k ? kLowestPrediction : 0.5), s);
                    }});
  }
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
