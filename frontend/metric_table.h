// Keras's metrics by class and settings: means of a value of each sample, and those with a state of
// their own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/callable.h"
#include "frontend/config.h"
#include "frontend/metric_state.h"
#include "frontend/metrics.h"

namespace sinter {

/// A metric that is the mean of a value of each sample.
struct PlainMetric {
  std::string class_name;
  std::vector<std::string> names;  // the first is the default name of objects
  Metric::Function (*make)(const Config&);
  bool classes = false;
  Metric::Result result = Metric::Result::kMean;
  const char* direction = "min";
};
const std::vector<PlainMetric>& plain_metrics();

/// A metric of Keras with a state: by class and settings.
struct StatefulMetric {
  std::string class_name;
  Config defaults;  // settings besides name and dtype, in Keras's order
  Callable<std::shared_ptr<const MetricImpl>(const Config&)> make;
  std::string logged_name = "";  // default: the class name in snake case

  std::string name() const { return logged_name.empty() ? to_snake_case(class_name) : logged_name; }
};
/// Precision, Recall ... (frontend/metrics_confusion.cc), AUC (frontend/metrics_auc.cc), F1Score,
/// R2Score, MeanIoU ... (frontend/metrics_score.cc).
const std::vector<StatefulMetric>& stateful_metrics();
void append_auc(std::vector<StatefulMetric>& list);
void append_confusion_metrics(std::vector<StatefulMetric>& list);
void append_score_metrics(std::vector<StatefulMetric>& list);

}  // namespace sinter
