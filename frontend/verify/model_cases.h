// The graphs of a model with the values of their variables.
#pragma once

#include "frontend/model.h"
#include "frontend/verify/check.h"

namespace sinter::verification {

/// The whole step of a compiled model; raises Error where it is not compiled.
Case training_case(const Model& model, int64_t batch);
/// From inputs to outputs, which the pipeline "inference" is for.
Case forward_case(const Model& model, int64_t batch);

}  // namespace sinter::verification
