// Pieces of IR that all parts of the matmul generator use.
#pragma once

#include <functional>

#include "runtime/llvm/emit/vector_ir.h"
#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/sums.h"

namespace sinter::codegen {

/// Over vectors of the product's dtype.
class MatmulIr : public VectorIr {
 public:
  MatmulIr(Emitter& emitter, DType dtype, int lanes, bool pairs)
      : VectorIr(emitter, dtype, lanes), pairs(pairs) {}

  bool pairs;  // factors are pairs of bfloat16, moved about as the float32 of the same bits

  /// Element offset of `position` in `group`; also of a vector of positions.
  Value offset(const DimGroup& group, Value position);

  /// Where part `part` of a split begins.
  Value begin_of(const EvenSplit& split, Value part);
  /// Calls `body` with where a part begins, its size and its number in the range, for all parts of
  /// `range`; one loop a size.
  void each_part(const EvenSplit& split, std::pair<Value, Value> range,
                 const std::function<void(Value begin, int64_t size, Value number)>& body);
  /// sum + x * y in every lane, or the sum of both products of a pair.
  Value multiply_add(Value x, Value y, Value sum);
  /// After rows `row` to `end` have been added to vectors of `dtype` at `lowest`: where a run of
  /// rows ends, its sum moves to the next level, `stride` elements (of the product's dtype) away.
  void settle(const MatmulSums& sums, Value row, Value end, DType dtype, Value lowest,
              int64_t stride, int of_lanes, Value mask = nullptr);
  /// What leaves a sum as it is, -0 too.
  Value nothing() { return e.number(dtype, -0.0, lanes); }
};

}  // namespace sinter::codegen
