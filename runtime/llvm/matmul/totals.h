// Totals of the runs of a product (matmul/runs.h), in memory.
#pragma once

#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/runs.h"

namespace sinter::codegen {

/// Of a tile: a vector of `runs.dtype` each.
class MatmulTotals {
 public:
  MatmulTotals(MatmulIr& ir, const MatmulRuns& runs) : ir_(ir), runs_(runs) {}

  /// total <- total + sum; where `first` (i1, may be null) holds, total <- sum.
  void add(Value sum, Value place, Value first = nullptr) const;
  /// total + sum, in the dtype of the product.
  Value with(Value sum, Value place) const;

  // One behind the other on the stack.
  Value on_stack(int64_t vectors) const;
  Value place(Value base, int64_t vector) const;
  /// The first `vectors` are 0.
  void clear(Value base, int64_t vectors) const;

 private:
  Value load(Value place) const;
  Value grown(Value sum, Value before) const;

  MatmulIr& ir_;
  const MatmulRuns& runs_;
};

}  // namespace sinter::codegen
