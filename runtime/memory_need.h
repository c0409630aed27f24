// What a run of a graph needs at least, known before any kernel is made.
#pragma once

#include "core/graph.h"

namespace sinter {

/// Bytes of inputs, variables, constants and outputs, and of the values that are alive at once at
/// the worst node, where results take the place of inputs that end there. The batch must be a
/// number. Kernels may need more: their scratch memory is not in it.
int64_t memory_need(const Graph& graph);
/// Bytes of the values, but for inputs, variables and constants, that are alive when the worst node
/// runs: what it reads and what it makes lie side by side.
int64_t working_memory(const Graph& graph);

/// Raises MemoryError, which names the largest value, when that is more than memory_limit().
void check_memory_need(const Graph& graph);
/// The same of a graph that runs as so many copies of `part` at once, each for some of its rows.
void check_memory_need(const Graph& graph, const Graph& part, int64_t copies);

}  // namespace sinter
