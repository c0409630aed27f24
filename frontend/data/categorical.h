// Integer classes as one-hot rows, as keras.utils.to_categorical.
#pragma once

#include <optional>

#include "core/source_location.h"
#include "core/tensor.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// int [n] or [n, 1] -> floatx [n, classes]; `classes` defaults to the largest label plus one.
/// Raises Error for labels that are negative, fractional or too large.
Tensor to_categorical(const Tensor& labels, std::optional<WholeNumber> classes = std::nullopt,
                      SourceLocation where = SourceLocation::current());

}  // namespace sinter
