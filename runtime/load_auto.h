// The choice of "auto" between two backends that can both run a node: by the cost model, or by
// trying (CompileOptions::tune).
#pragma once

#include "core/graph.h"
#include "runtime/assemble.h"

namespace sinter {

struct CompileOptions;

/// `general` runs every node, `other` some. The reason holds what was compared. Figures are those
/// of one thread, so the choice, and with it the bits of the result, does not depend on the number
/// of threads. Measured ones are kept on disk: later compilations choose alike.
BackendChoice choose_by_cost(Backend& general, Backend& other, const CompileOptions& options,
                             const Graph& graph, int32_t node);

}  // namespace sinter
