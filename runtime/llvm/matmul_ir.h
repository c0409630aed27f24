// Small pieces of IR that all parts of the matmul generator use, on top of the Emitter.
#pragma once

#include <functional>

#include "runtime/llvm/emit.h"
#include "runtime/llvm/matmul_plan.h"
#include "runtime/llvm/matmul_sums.h"

namespace sinter::codegen {

class MatmulIr {
 public:
  MatmulIr(Emitter& emitter, DType dtype, int lanes, bool pairs)
      : e(emitter), b(emitter.ir()), dtype(dtype), lanes(lanes), pairs(pairs) {}

  Emitter& e;
  llvm::IRBuilder<>& b;
  DType dtype;  // of the product
  int lanes;
  bool pairs;  // factors are pairs of bfloat16, moved about as the float32 of the same bits

  Value index(int64_t value) { return e.i64(value); }
  Value add(Value x, Value y) { return b.CreateAdd(x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, index(y)); }
  Value mul(Value x, int64_t y);
  Value min(Value x, Value y) { return b.CreateSelect(b.CreateICmpSLT(x, y), x, y); }
  Value max(Value x, Value y) { return b.CreateSelect(b.CreateICmpSGT(x, y), x, y); }
  /// Element `offset` from `base`, of the product's dtype.
  Value at(Value base, Value offset);
  Value at(Value base, int64_t offset) { return at(base, index(offset)); }
  Value byte(Value base, int64_t offset);
  /// Element offset of `position` in `group`; also of a vector of positions.
  Value offset(const DimGroup& group, Value position);

  /// Where part `part` of a split begins.
  Value begin_of(const EvenSplit& split, Value part);
  /// Calls `body` with where a part begins, its size and its number in the range, for all parts of
  /// `range`; one loop a size.
  void each_part(const EvenSplit& split, std::pair<Value, Value> range,
                 const std::function<void(Value begin, int64_t size, Value number)>& body);
  /// A loop, or its body alone when it is known to run once.
  void loop(Value begin, Value end, int64_t step, const std::function<void(Value)>& body);

  /// The first `count` lanes as a mask; null when that is all of them.
  Value mask(int64_t count);
  Value load(Value pointer, Value mask = nullptr) {
    return e.load(dtype, pointer, index(0), lanes, mask);
  }
  void store(Value value, Value pointer, Value mask = nullptr) {
    e.store(dtype, value, pointer, index(0), mask);
  }
  /// Asks for the line that holds `pointer`, for the second-level cache.
  void prefetch(Value pointer);
  Value load_splat(Value pointer) { return e.splat(e.load(dtype, pointer, index(0)), lanes); }
  /// Terms of a block that load_turned() takes: what 16 bytes hold.
  int64_t block_terms() const { return 16 / dtype_size(dtype); }
  /// Up to block_terms() terms of `rows` rows, whose terms lie side by side, as vectors along the
  /// rows, one a term. Lanes beyond `rows` repeat the last row.
  Values load_turned(Value pointer, int64_t row_stride, int64_t rows, int64_t terms);
  /// The same of all block_terms() terms, where `load` makes 16 bytes of a row.
  Values turn(const std::function<Value(int64_t row)>& load);
  /// Room for `vectors` vectors in the frame of the function, taken once however often this runs.
  Value on_stack(int64_t vectors);
  /// One behind the other, from `pointer` on.
  void store_all(std::span<const Value> vectors, Value pointer);
  /// sum + x * y in every lane, or the sum of both products of a pair.
  Value multiply_add(Value x, Value y, Value sum);
  Value zero() { return e.number(dtype, 0, lanes); }
  /// After rows `row` to `end` have been added to vectors of `dtype` at `lowest`: where a run of
  /// rows ends, its sum moves to the next level, `stride` elements (of the product's dtype) away.
  void settle(const MatmulSums& sums, Value row, Value end, DType dtype, Value lowest,
              int64_t stride, int of_lanes, Value mask = nullptr);
  /// What leaves a sum as it is, -0 too.
  Value nothing() { return e.number(dtype, -0.0, lanes); }
};

}  // namespace sinter::codegen
