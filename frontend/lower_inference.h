// The graph that files carry so that core and runtime alone can run a model.
#pragma once

#include <string>

#include "core/graph.h"

namespace sinter {

/// `forward` after the inference pipeline: kernel ops only, elementwise work fused, the batch still
/// symbolic. `mixed_precision` as compile() has it.
Graph lower_inference(const Graph& forward, const std::string& mixed_precision);

}  // namespace sinter
