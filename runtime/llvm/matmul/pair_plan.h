// Products of bfloat16 in the plan: how each side comes to lie in pairs of terms.
#pragma once

#include "runtime/llvm/matmul/plan.h"

namespace sinter::codegen {

/// From here on the problem counts pairs of terms. Decides what is packed, and how.
void make_pairs(MatmulPlan& plan, bool pack_rhs);
/// Packed rows are those of a piece, and of a chunk: where they lie is known when both are chosen.
void place_pairs(MatmulPlan& plan);

}  // namespace sinter::codegen
