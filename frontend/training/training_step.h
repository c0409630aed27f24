// The training step of a model for labels of the usual types, when no data is at hand.
#pragma once

#include "frontend/training/step_graph.h"

namespace sinter {

struct ModelState;

/// What fit() would run; metrics have states of their own. `call` ("training_graph") is named where
/// compile() has not been called. The optimizer is built for the trainable weights.
StepGraph training_step(ModelState& state, const char* call);

}  // namespace sinter
