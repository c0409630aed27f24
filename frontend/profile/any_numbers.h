// Data for runs of which only the time matters.
#pragma once

#include "core/shape.h"
#include "core/tensor.h"

namespace sinter {

/// Random numbers from 0 to 1 for what is floating, zeros for the rest (classes, states, counts).
Tensor any_numbers(const ValueType& type);

}  // namespace sinter
