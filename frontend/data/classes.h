// Classes of rows, however they are given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sinter {

/// The class of each row of whole numbers [n] or [n, 1], or of [n, classes]: the place of the
/// largest value, the first of equal ones. `what` ("confusion_matrix: y_true") starts each message.
/// Raises ShapeError for other shapes, Error for NaN and for numbers that are not whole.
std::vector<int64_t> classes_of(const Tensor& rows, const std::string& what);

}  // namespace sinter
