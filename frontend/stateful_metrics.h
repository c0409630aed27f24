// Keras's metrics with a state of their own, as objects. Formulas and defaults are Keras's; counts
// are kept in float64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/metrics.h"

namespace sinter::metrics {

struct CountOptions {
  /// One, as one number is logged; default 0.5. Predictions above it are positive.
  std::vector<double> thresholds = {};
  std::string name = "";
};
/// Sums of weights of the samples that are rightly or wrongly positive or negative.
struct TruePositives : Metric {
  explicit TruePositives(CountOptions options = {},
                         SourceLocation where = SourceLocation::current());
};
struct TrueNegatives : Metric {
  explicit TrueNegatives(CountOptions options = {},
                         SourceLocation where = SourceLocation::current());
};
struct FalsePositives : Metric {
  explicit FalsePositives(CountOptions options = {},
                          SourceLocation where = SourceLocation::current());
};
struct FalseNegatives : Metric {
  explicit FalseNegatives(CountOptions options = {},
                          SourceLocation where = SourceLocation::current());
};

struct PrecisionOptions {
  std::vector<double> thresholds = {};             // as in CountOptions
  std::optional<int64_t> top_k = std::nullopt;     // only the k highest of a row are positive
  std::optional<int64_t> class_id = std::nullopt;  // only this element of a row counts
  std::string name = "";
};
/// tp / (tp + fp), 0 where nothing was predicted.
struct Precision : Metric {
  explicit Precision(PrecisionOptions options = {},
                     SourceLocation where = SourceLocation::current());
};
/// tp / (tp + fn), 0 where there was nothing to find.
struct Recall : Metric {
  explicit Recall(PrecisionOptions options = {}, SourceLocation where = SourceLocation::current());
};

struct AUCOptions {
  int64_t num_thresholds = 200;
  std::string curve = "ROC";                       // ROC, PR or PRGAIN
  std::string summation_method = "interpolation";  // interpolation, minoring or majoring
  std::string name = "";
  std::vector<double> thresholds = {};  // between 0 and 1, instead of num_thresholds
  bool multi_label = false;             // a curve for each element of a row, then the mean
  std::optional<int64_t> num_labels = std::nullopt;
  std::vector<double> label_weights = {};
  bool from_logits = false;
};
/// The area under a curve, by Riemann sums between thresholds.
struct AUC : Metric {
  explicit AUC(AUCOptions options = {}, SourceLocation where = SourceLocation::current());
};

struct AtOptions {
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = std::nullopt;
  std::string name = "";
};
/// The highest value at any threshold where the other is at least what is given, else 0.
struct SensitivityAtSpecificity : Metric {
  explicit SensitivityAtSpecificity(double specificity, AtOptions options = {},
                                    SourceLocation where = SourceLocation::current());
};
struct SpecificityAtSensitivity : Metric {
  explicit SpecificityAtSensitivity(double sensitivity, AtOptions options = {},
                                    SourceLocation where = SourceLocation::current());
};
struct PrecisionAtRecall : Metric {
  explicit PrecisionAtRecall(double recall, AtOptions options = {},
                             SourceLocation where = SourceLocation::current());
};
struct RecallAtPrecision : Metric {
  explicit RecallAtPrecision(double precision, AtOptions options = {},
                             SourceLocation where = SourceLocation::current());
};

struct FBetaScoreOptions {
  std::string average = "";  // micro, macro or weighted; none only for one class
  double beta = 1.0;
  std::optional<double> threshold = std::nullopt;  // default: the highest of a row is positive
  std::string name = "";
};
/// (1 + beta^2) precision recall / (beta^2 precision + recall) of rows [batch, classes].
struct FBetaScore : Metric {
  explicit FBetaScore(FBetaScoreOptions options = {},
                      SourceLocation where = SourceLocation::current());
};
struct F1ScoreOptions {
  std::string average = "";
  std::optional<double> threshold = std::nullopt;
  std::string name = "";
};
struct F1Score : Metric {
  explicit F1Score(F1ScoreOptions options = {}, SourceLocation where = SourceLocation::current());
};

struct R2ScoreOptions {
  /// uniform_average or variance_weighted_average; "" only for one column.
  std::string class_aggregation = "uniform_average";
  int64_t num_regressors = 0;
  std::string name = "";
};
/// 1 - sum (y - p)^2 / sum (y - mean)^2 of rows [batch, columns].
struct R2Score : Metric {
  explicit R2Score(R2ScoreOptions options = {}, SourceLocation where = SourceLocation::current());
};

struct MeanIoUOptions {
  std::optional<int64_t> ignore_class = std::nullopt;
  bool sparse_y_true = true;  // else one-hot along `axis`
  bool sparse_y_pred = true;  // else scores along `axis`
  int axis = -1;
  std::string name = "";
};
/// Intersection over union of classes, the mean of those that occur. Sample weights keep their
/// fractions (Keras truncates them to integers).
struct IoU : Metric {
  IoU(int64_t num_classes, std::vector<int64_t> target_class_ids, MeanIoUOptions options = {},
      SourceLocation where = SourceLocation::current());
};
struct MeanIoU : Metric {
  explicit MeanIoU(int64_t num_classes, MeanIoUOptions options = {},
                   SourceLocation where = SourceLocation::current());
};
struct BinaryIoUOptions {
  std::vector<int64_t> target_class_ids = {0, 1};
  double threshold = 0.5;  // predictions that reach it are class 1
  std::string name = "";
};
struct BinaryIoU : Metric {
  explicit BinaryIoU(BinaryIoUOptions options = {},
                     SourceLocation where = SourceLocation::current());
};
struct OneHotIoUOptions {
  std::optional<int64_t> ignore_class = std::nullopt;
  bool sparse_y_pred = false;
  int axis = -1;
  std::string name = "";
};
struct OneHotIoU : Metric {
  OneHotIoU(int64_t num_classes, std::vector<int64_t> target_class_ids,
            OneHotIoUOptions options = {}, SourceLocation where = SourceLocation::current());
};
struct OneHotMeanIoU : Metric {
  explicit OneHotMeanIoU(int64_t num_classes, OneHotIoUOptions options = {},
                         SourceLocation where = SourceLocation::current());
};

}  // namespace sinter::metrics
