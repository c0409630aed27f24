// The choice of "auto" between the backends that can run a node: by what they say it costs, or by
// trying (CompileOptions::tune).
#pragma once

#include <span>

#include "core/graph.h"
#include "runtime/assemble.h"

namespace sinter {

struct CompileOptions;

/// The first of `backends` that can run the node, unless another one is known to be faster there.
/// The reason holds what was compared. Figures are those of one thread, so the choice, and with it
/// the bits of the result, does not depend on the number of threads. Measured ones are kept on
/// disk: later compilations choose alike. When none can, it is the last one, with the reasons of
/// all.
BackendChoice choose_by_cost(std::span<Backend* const> backends, const CompileOptions& options,
                             const Graph& graph, int32_t node);

/// Is there a backend that claims the composite whole, can run it, and says that it costs less than
/// what it is made of costs the first of `backends`?
bool claimed_by_cost(std::span<Backend* const> backends, const Graph& graph, int32_t node);

}  // namespace sinter
