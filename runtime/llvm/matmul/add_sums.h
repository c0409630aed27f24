// The phase that adds up what pieces of rows have left of each sum.
#pragma once

#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/region.h"

namespace sinter::codegen {

/// `parts` places of `columns` elements (whole vectors) a sum, one behind the other from `base` on,
/// are added in their order to the results of the region that are sums.
void add_sums(MatmulIr& ir, const MatmulRegion& region, Value base, int64_t parts, int64_t columns,
              const Values& results);

}  // namespace sinter::codegen
