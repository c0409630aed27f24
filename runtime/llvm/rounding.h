// Who sees what a kernel rounds to bfloat16.
#pragma once

#include <vector>

#include "core/graph.h"
#include "runtime/llvm/cpu.h"

namespace sinter::codegen {

/// For each node: does it round to bfloat16 for products alone, which take numbers below 2^-126 for
/// zero? Then VCVTNEPS2BF16 may round, which does so too: nobody can tell.
std::vector<bool> rounding_for_products(const Graph& graph, const Cpu& cpu);

}  // namespace sinter::codegen
