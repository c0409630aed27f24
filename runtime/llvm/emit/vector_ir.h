// Small pieces of IR over vectors of one type, on top of the Emitter: index arithmetic with
// constants folded, loops, masks, squares turned in registers.
#pragma once

#include <functional>

#include "runtime/llvm/emit/emitter.h"

namespace sinter::codegen {

class VectorIr {
 public:
  VectorIr(Emitter& emitter, DType dtype, int lanes)
      : e(emitter), b(emitter.ir()), dtype(dtype), lanes(lanes) {}

  Emitter& e;
  llvm::IRBuilder<>& b;
  DType dtype;
  int lanes;

  Value index(int64_t value) { return e.i64(value); }
  Value add(Value x, Value y) { return b.CreateAdd(x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, index(y)); }
  Value mul(Value x, int64_t y);
  Value min(Value x, Value y) { return b.CreateSelect(b.CreateICmpSLT(x, y), x, y); }
  Value max(Value x, Value y) { return b.CreateSelect(b.CreateICmpSGT(x, y), x, y); }
  /// Element `offset` from `base`.
  Value at(Value base, Value offset);
  Value at(Value base, int64_t offset) { return at(base, index(offset)); }
  Value byte(Value base, int64_t offset);
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
  Value zero() { return e.number(dtype, 0, lanes); }
};

}  // namespace sinter::codegen
