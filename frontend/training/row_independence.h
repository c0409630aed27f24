// Whether a row of a model's outputs depends on its own row of the inputs alone.
#pragma once

#include "core/graph.h"

namespace sinter {

/// True when rows of all outputs of `forward` (as build_forward gives it, with a symbolic batch)
/// depend on the same rows of its inputs and not on how many there are: then more rows may be run
/// beside them. False where that cannot be seen.
bool rows_are_independent(const Graph& forward);

}  // namespace sinter
