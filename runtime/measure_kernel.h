// The time of one kernel, measured on one thread: what tuning compares.
#pragma once

#include <cstdint>

#include "core/graph.h"
#include "runtime/kernel.h"

namespace sinter {

/// Microseconds of one run of all pieces of the kernel of node `node`, the least of several within
/// a few milliseconds. Inputs are zeros and ones in turn (no kernel for which there is a choice
/// depends on the values).
double measure_microseconds(const Kernel& kernel, const Graph& graph, int32_t node);

}  // namespace sinter
