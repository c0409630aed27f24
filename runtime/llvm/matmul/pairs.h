// Pairs of bfloat16: two terms of a sum side by side in 32 bits, the earlier one in the lower half,
// as VDPBF16PS takes them. They are moved about as the float32 of the same bits.
#pragma once

#include <functional>

#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/plan.h"

namespace sinter::codegen {

class MatmulPairs {
 public:
  MatmulPairs(MatmulIr& ir, const MatmulPlan& plan) : ir_(ir), b_(ir.b), plan_(plan) {}

  // Elements of float32 are rounded; numbers below 2^-126 become zero, as the product takes them.
  /// Pairs of two vectors: lane i of `first` and of `second` (null: zeros).
  Value across(DType dtype, Value first, Value second, Value mask);
  /// `count` pairs of terms that lie side by side, the first `terms` of which exist (null: all).
  Value along(DType dtype, Value first, int64_t count, Value terms);
  /// One pair: term `pair` * 2 of an operand's row or column, and the term after it.
  Value one(const MatmulOperand& operand, Value base, Value batch, Value free, Value pair);
  /// Packs `rows` rows from `row` on, pairs `begin` to `end`, of the left side of a batch.
  void pack_left(Value source, Value row, Value rows, Value begin, Value end, Value target);
  /// Calls `body` for each pair from `begin` to `end`: its number, and whether it is a whole one.
  void each(Value begin, Value end, const std::function<void(Value pair, bool whole)>& body);

 private:
  Value join(Value low, Value high);
  Value across_rounded(Value first, Value second, Value mask);
  void pack_left_across(Value source, Value rows, Value begin, Value end, Value target);
  void pack_left_along(Value source, Value rows, Value begin, Value end, Value target);

  MatmulIr& ir_;
  llvm::IRBuilder<>& b_;
  const MatmulPlan& plan_;
};

}  // namespace sinter::codegen
