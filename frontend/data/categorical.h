// Integer classes as one-hot rows, as keras.utils.to_categorical.
#pragma once

#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// int of any shape -> floatx [.., classes], where a last dimension of 1 gives way: [n] and [n, 1]
/// -> [n, classes], [n, rows, columns, 1] -> [n, rows, columns, classes]. Without `classes` it is
/// the largest label plus one. Raises Error for labels that are negative, fractional or too large.
Tensor to_categorical(const Tensor& labels, SourceLocation where = SourceLocation::current());
Tensor to_categorical(const Tensor& labels, WholeNumber classes,
                      SourceLocation where = SourceLocation::current());

}  // namespace sinter
