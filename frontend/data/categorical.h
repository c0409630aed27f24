// Integer classes as one-hot rows, as keras.utils.to_categorical.
#pragma once

#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// int [n] or [n, 1] -> floatx [n, classes]; without `classes` it is the largest label plus one.
/// Raises Error for labels that are negative, fractional or too large.
Tensor to_categorical(const Tensor& labels, SourceLocation where = SourceLocation::current());
Tensor to_categorical(const Tensor& labels, WholeNumber classes,
                      SourceLocation where = SourceLocation::current());

}  // namespace sinter
