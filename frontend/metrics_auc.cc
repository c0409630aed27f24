// Keras's AUC: the area under a curve of rates at thresholds.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/error.h"
#include "frontend/confusion_metric.h"
#include "frontend/metric_table.h"
#include "ops/ops.h"

namespace sinter {
namespace {

bool evenly_spread(const std::vector<double>& t) {
  if (t.size() < 3) return false;
  for (size_t i = 0; i < t.size(); ++i) {
    const double even = static_cast<double>(i) / static_cast<double>(t.size() - 1);
    if (std::abs(t[i] - even) > kMetricEpsilon + 1e-5 * std::abs(even)) return false;
  }
  return true;
}

class AUCMetric final : public ConfusionMetric {
 public:
  AUCMetric(Thresholds thresholds, Selection selection, std::string curve, std::string summation,
            bool from_logits)
      : ConfusionMetric(std::move(thresholds), std::move(selection), all_counts()),
        curve_(std::move(curve)),
        summation_(std::move(summation)),
        from_logits_(from_logits) {}

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
    if (given.empty()) {
      t.values = even_thresholds("AUC", c, 2);
      t.even = true;
    } else {
      for (const double v : given) check_range("AUC: thresholds", v);
      std::ranges::sort(given);
      t.values = {0.0};
      t.values.insert(t.values.end(), given.begin(), given.end());
      t.values.push_back(1.0);
      t.even = evenly_spread(t.values);
    }
    t.values.front() = -kMetricEpsilon, t.values.back() = 1.0 + kMetricEpsilon;
    t.widened = true;
    Selection s;
    s.multi_label = c.get_bool("multi_label", false);
    s.num_labels = optional_count(c, "AUC", "num_labels", 1);
    s.label_weights = numbers(c, "label_weights");
    for (const double w : s.label_weights) {
      if (!(w >= 0))
        throw Error(fmt::format("AUC: label_weights must not be negative, found {}", w));
    }
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

void append_auc(std::vector<StatefulMetric>& list) {
  list.push_back({"AUC",
                  {{"num_thresholds", 200},
                   {"curve", "ROC"},
                   {"summation_method", "interpolation"},
                   {"multi_label", false},
                   {"num_labels", nullptr},
                   {"label_weights", nullptr},
                   {"from_logits", false}},
                  AUCMetric::make});
}

}  // namespace sinter
