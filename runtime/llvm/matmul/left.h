// Packs the left side: the rows of a piece, chunk by chunk, before they are used.
#pragma once

#include <utility>

#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/plan.h"

namespace sinter::codegen {

/// Packs terms `begin` to `end` of the rows in `tiles` of `source`, the left side of a batch.
/// Returns where the whole operand would begin for these rows and terms to be found in `target`;
/// where it is packed by tiles, terms count from `begin`.
Value pack_left(MatmulIr& ir, const MatmulPlan& plan, std::pair<Value, Value> tiles, Value source,
                Value begin, Value end, Value target);

}  // namespace sinter::codegen
