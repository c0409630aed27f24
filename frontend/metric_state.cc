// The table of metrics with a state, and their classes for users.
#include "frontend/metric_state.h"

#include <optional>

#include "frontend/metric_table.h"
#include "frontend/stateful_metrics.h"
#include "ops/ops.h"

namespace sinter {

MetricImpl::~MetricImpl() = default;

void MetricContext::add(const std::string& name, OpInput value) {
  const Symbol wide = cast(value, DType::kFloat64);
  assign(name, variable(name, value.shape()) + wide);
}

const std::vector<StatefulMetric>& stateful_metrics() {
  static const std::vector<StatefulMetric> list = [] {
    std::vector<StatefulMetric> all;
    append_confusion_metrics(all);
    append_auc(all);
    append_score_metrics(all);
    return all;
  }();
  return list;
}

namespace metrics {
namespace {

ConfigValue list_of(const std::vector<double>& values) {
  ConfigList list;
  for (const double v : values) list.emplace_back(v);
  return list.empty() ? ConfigValue() : ConfigValue(std::move(list));
}

template <typename T>
ConfigValue or_null(const std::optional<T>& value) {
  return value ? ConfigValue(*value) : ConfigValue();
}

Config count_config(const CountOptions& o) {
  return {{"name", o.name}, {"thresholds", list_of(o.thresholds)}};
}

Config ratio_config(const PrecisionOptions& o) {
  return {{"name", o.name},
          {"thresholds", list_of(o.thresholds)},
          {"top_k", or_null(o.top_k)},
          {"class_id", or_null(o.class_id)}};
}

Config bound_config(const char* bound, double value, const AtOptions& o) {
  return {{"name", o.name},
          {"num_thresholds", o.num_thresholds},
          {bound, value},
          {"class_id", or_null(o.class_id)}};
}

Config mean_iou_config(int64_t num_classes, const MeanIoUOptions& o) {
  return {{"name", o.name},
          {"num_classes", num_classes},
          {"ignore_class", or_null(o.ignore_class)},
          {"sparse_y_true", o.sparse_y_true},
          {"sparse_y_pred", o.sparse_y_pred},
          {"axis", o.axis}};
}

Config iou_config(int64_t num_classes, const std::vector<int64_t>& ids, const MeanIoUOptions& o) {
  return mean_iou_config(num_classes, o).set("target_class_ids", ConfigValue::ints(ids));
}

}  // namespace

#define SINTER_COUNT_METRIC(Class)                   \
  Class::Class(CountOptions o, SourceLocation where) \
      : Metric(Metric::make(#Class, count_config(o), where)) {}
SINTER_COUNT_METRIC(TruePositives)
SINTER_COUNT_METRIC(TrueNegatives)
SINTER_COUNT_METRIC(FalsePositives)
SINTER_COUNT_METRIC(FalseNegatives)
#undef SINTER_COUNT_METRIC

Precision::Precision(PrecisionOptions o, SourceLocation where)
    : Metric(Metric::make("Precision", ratio_config(o), where)) {}
Recall::Recall(PrecisionOptions o, SourceLocation where)
    : Metric(Metric::make("Recall", ratio_config(o), where)) {}

AUC::AUC(AUCOptions o, SourceLocation where)
    : Metric(Metric::make("AUC",
                          {{"name", o.name},
                           {"num_thresholds", o.num_thresholds},
                           {"curve", o.curve},
                           {"summation_method", o.summation_method},
                           {"multi_label", o.multi_label},
                           {"num_labels", or_null(o.num_labels)},
                           {"label_weights", list_of(o.label_weights)},
                           {"from_logits", o.from_logits},
                           {"thresholds", list_of(o.thresholds)}},
                          where)) {}

SensitivityAtSpecificity::SensitivityAtSpecificity(double specificity, AtOptions o,
                                                   SourceLocation where)
    : Metric(Metric::make("SensitivityAtSpecificity", bound_config("specificity", specificity, o),
                          where)) {}
SpecificityAtSensitivity::SpecificityAtSensitivity(double sensitivity, AtOptions o,
                                                   SourceLocation where)
    : Metric(Metric::make("SpecificityAtSensitivity", bound_config("sensitivity", sensitivity, o),
                          where)) {}
PrecisionAtRecall::PrecisionAtRecall(double recall, AtOptions o, SourceLocation where)
    : Metric(Metric::make("PrecisionAtRecall", bound_config("recall", recall, o), where)) {}
RecallAtPrecision::RecallAtPrecision(double precision, AtOptions o, SourceLocation where)
    : Metric(Metric::make("RecallAtPrecision", bound_config("precision", precision, o), where)) {}

FBetaScore::FBetaScore(FBetaScoreOptions o, SourceLocation where)
    : Metric(Metric::make("FBetaScore",
                          {{"name", o.name},
                           {"average", o.average.empty() ? ConfigValue() : ConfigValue(o.average)},
                           {"beta", o.beta},
                           {"threshold", or_null(o.threshold)}},
                          where)) {}
F1Score::F1Score(F1ScoreOptions o, SourceLocation where)
    : Metric(Metric::make("F1Score",
                          {{"name", o.name},
                           {"average", o.average.empty() ? ConfigValue() : ConfigValue(o.average)},
                           {"threshold", or_null(o.threshold)}},
                          where)) {}
R2Score::R2Score(R2ScoreOptions o, SourceLocation where)
    : Metric(Metric::make(
          "R2Score",
          {{"name", o.name},
           {"class_aggregation",
            o.class_aggregation.empty() ? ConfigValue() : ConfigValue(o.class_aggregation)},
           {"num_regressors", o.num_regressors}},
          where)) {}

IoU::IoU(int64_t num_classes, std::vector<int64_t> target_class_ids, MeanIoUOptions o,
         SourceLocation where)
    : Metric(Metric::make("IoU", iou_config(num_classes, target_class_ids, o), where)) {}
MeanIoU::MeanIoU(int64_t num_classes, MeanIoUOptions o, SourceLocation where)
    : Metric(Metric::make("MeanIoU", mean_iou_config(num_classes, o), where)) {}
BinaryIoU::BinaryIoU(BinaryIoUOptions o, SourceLocation where)
    : Metric(Metric::make("BinaryIoU",
                          {{"name", o.name},
                           {"target_class_ids", ConfigValue::ints(o.target_class_ids)},
                           {"threshold", o.threshold}},
                          where)) {}
OneHotIoU::OneHotIoU(int64_t num_classes, std::vector<int64_t> target_class_ids, OneHotIoUOptions o,
                     SourceLocation where)
    : Metric(Metric::make("OneHotIoU",
                          {{"name", o.name},
                           {"num_classes", num_classes},
                           {"target_class_ids", ConfigValue::ints(target_class_ids)},
                           {"ignore_class", or_null(o.ignore_class)},
                           {"sparse_y_pred", o.sparse_y_pred},
                           {"axis", o.axis}},
                          where)) {}
OneHotMeanIoU::OneHotMeanIoU(int64_t num_classes, OneHotIoUOptions o, SourceLocation where)
    : Metric(Metric::make("OneHotMeanIoU",
                          {{"name", o.name},
                           {"num_classes", num_classes},
                           {"ignore_class", or_null(o.ignore_class)},
                           {"sparse_y_pred", o.sparse_y_pred},
                           {"axis", o.axis}},
                          where)) {}

}  // namespace metrics
}  // namespace sinter
