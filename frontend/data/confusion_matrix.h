// How often each class is taken for each.
#pragma once

#include <optional>
#include <string>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

struct ConfusionMatrixOptions {
  std::optional<int64_t> num_classes = std::nullopt;   // default: the largest class plus one
  std::optional<Tensor> sample_weight = std::nullopt;  // [n] or [n, 1], what each row counts
  /// "true": shares of each row, "pred": of each column, "all": of everything. Where there is
  /// nothing to share: 0.
  std::string normalize = "";
};

/// [classes, classes]: row i, column j is the number of rows of class i that are taken for j;
/// int64, with weights or normalised float64. Classes are whole numbers [n] or [n, 1], or rows [n,
/// classes], of which the largest value counts: one-hot labels, what predict() gives. Raises
/// ShapeError for different numbers of rows, Error for what is no class of 0 to num_classes - 1,
/// NameError for another normalize.
Tensor confusion_matrix(const Tensor& y_true, const Tensor& y_pred,
                        ConfusionMatrixOptions options = {},
                        SourceLocation where = SourceLocation::current());

}  // namespace sinter
