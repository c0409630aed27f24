// What a run of a lowered graph asks for, as the pass rematerialize wants to know it.
#pragma once

#include "core/graph.h"

namespace sinter {

struct BackendList;
struct CompileOptions;
struct RunNeed;

/// Plans kernels and memory for the graph, which has no symbolic batch; makes no code and allocates
/// nothing of it.
RunNeed plan_run_need(const Graph& lowered, const CompileOptions& options, const BackendList& list);

}  // namespace sinter
