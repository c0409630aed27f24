// A picture of a confusion matrix.
#pragma once

#include <string>
#include <vector>

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

struct PlotConfusionMatrixOptions {
  std::string title = "";
  int digits = 2;  // of numbers that are not whole
};

/// Draws a matrix [classes, classes] as confusion_matrix() makes it: a field for each pair, the
/// darker the larger its share of the row, with its number. `path` ends in .svg or .png. Raises
/// ShapeError for a matrix that is no square, Error for another number of names, for numbers that
/// are negative or not finite, FileError.
void plot_confusion_matrix(const Tensor& matrix, const std::string& path,
                           const std::vector<std::string>& class_names = {},
                           PlotConfusionMatrixOptions options = {},
                           SourceLocation where = SourceLocation::current());

}  // namespace sinter
