// How the sums of a region grow: what a run of rows adds up to counts as one term of the next
// level, and so on, so that the error of a sum over many rows grows with the logarithm of their
// number.
#pragma once

#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/region.h"

namespace sinter::codegen {

struct MatmulSums {
  int64_t levels = 1;  // places of each sum; the lowest takes the terms
  int64_t run = 1;     // rows whose sum goes to the second level
};
/// By the rows of a piece, and by how a tile adds its own.
MatmulSums matmul_sums(const MatmulPlan& plan, const MatmulRegion& region);

}  // namespace sinter::codegen
