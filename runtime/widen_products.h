// Products of bfloat16 as products of float32 of the same values: for backends without fast ones.
#pragma once

#include "core/graph.h"

namespace sinter {

/// Every contraction of bfloat16, alone or at the beginning of a region, reads float32 instead:
/// what it read, widened, and rounded before where the contraction would have rounded it. Widened
/// variables belong to the prologue. A graph without such contractions is returned as it is.
Graph widen_products(const Graph& graph);

}  // namespace sinter
