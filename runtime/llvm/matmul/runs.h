// Long sums over the depth of a product: at most so many terms are added one after the other in a
// register, and what such runs add up to goes into totals of their own, so that the error does not
// grow with the depth. Runs follow from the shapes alone.
#pragma once

#include "runtime/llvm/matmul/plan.h"

namespace sinter::codegen {

struct MatmulRuns {
  int64_t terms = 0;              // of a run that a tile starts and ends by itself; 0: none
  int64_t chunks = 1;             // short chunks that make up a run, where the depth is cut
  int64_t count = 1;              // of one there is no total
  DType dtype = DType::kFloat32;  // of totals: double where there are many runs

  bool has_totals() const { return count > 1; }
};
MatmulRuns matmul_runs(const MatmulPlan& plan);

}  // namespace sinter::codegen
