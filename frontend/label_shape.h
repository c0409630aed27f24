// Whether labels have the shape that a loss or a metric compares with predictions.
#pragma once

#include <string>

#include "core/shape.h"

namespace sinter {

/// Has y_true the shape of y_pred - a last dimension of 1 more or less is the same - or, where it
/// holds `classes`, that without its last dimension?
bool label_shape_fits(bool classes, const Shape& y_true, const Shape& y_pred);

/// The ShapeError of those that do not fit. `who` ("loss 'mse' at output 'y'") begins it; `instead`
/// ends it where labels look as if they were of the other kind: what is for those, "" for nothing.
[[noreturn]] void raise_label_shape(const std::string& who, bool classes,
                                    const std::string& instead, const Shape& y_true,
                                    const Shape& y_pred);

}  // namespace sinter
