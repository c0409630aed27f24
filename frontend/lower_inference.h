// The graph that files carry so that core and runtime alone can run a model.
#pragma once

#include "core/graph.h"

namespace sinter {

/// `forward` after the inference pipeline: kernel ops only, elementwise work fused, the batch still
/// symbolic.
Graph lower_inference(const Graph& forward);

}  // namespace sinter
