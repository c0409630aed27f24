// Who sees what a kernel rounds to bfloat16.
#pragma once

#include "core/graph.h"

namespace sinter::codegen {

/// Does the node round to bfloat16 for products alone, which take numbers below 2^-126 for zero?
/// Then VCVTNEPS2BF16 may round, which does so too: nobody can tell.
bool rounds_for_products(const Graph& graph, int32_t node);

}  // namespace sinter::codegen
