// Precision, recall and F1 of each class, as sklearn.metrics.classification_report.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

struct ClassScores {
  std::string name;
  double precision = 0;  // of those taken for the class, the share that is of it
  double recall = 0;     // of those of the class, the share that is taken for it
  double f1_score = 0;   // 2 precision recall / (precision + recall)
  double support = 0;    // rows of the class, or the sum of their weights
};

struct ClassificationReport {
  std::vector<ClassScores> classes;
  double accuracy = 0;
  ClassScores macro_avg;     // the mean over classes
  ClassScores weighted_avg;  // the mean over classes, each as often as it has rows
  bool is_weighted = false;  // by sample_weight: supports are sums of weights

  /// scikit-learn's table; supports that are weighted have `digits` decimals, too.
  std::string text(int digits = 2) const;
};

/// As text().
std::ostream& operator<<(std::ostream& out, const ClassificationReport& report);

struct ClassificationReportOptions {
  /// Of the classes 0, 1 ...; default: their numbers, of those that occur.
  std::vector<std::string> class_names = {};
  std::optional<Tensor> sample_weight = std::nullopt;  // [n] or [n, 1]
  double zero_division = 0;  // the score where there is nothing to divide by
};

/// y_true and y_pred as confusion_matrix() takes them. Raises what it raises.
ClassificationReport classification_report(const Tensor& y_true, const Tensor& y_pred,
                                           ClassificationReportOptions options = {},
                                           SourceLocation where = SourceLocation::current());

}  // namespace sinter
