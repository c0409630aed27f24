// The transforms of Winograd's F(4x4, 3x3) in one direction, on vectors of channels: Lavin, Gray,
// "Fast algorithms for convolutional neural networks", 2016, section 4.3. In two directions they are
// applied to all columns, then to all rows.
#pragma once

#include <array>
#include <functional>

#include "runtime/llvm/matmul/ir.h"

namespace sinter::codegen {

/// 6 elements of the image.
std::array<Value, 6> transform_elements(MatmulIr& ir, const std::array<Value, 6>& d);
/// 3 taps of the kernel to 6 places.
std::array<Value, 6> transform_taps(MatmulIr& ir, const std::array<Value, 3>& g);
/// 6 products to 4 results.
std::array<Value, 4> transform_back(MatmulIr& ir, const std::array<Value, 6>& m);

/// The adjoints: cotangents of 4 results to 6 places, and of 6 places to 3 taps.
std::array<Value, 6> transform_cotangents(MatmulIr& ir, const std::array<Value, 4>& y);
std::array<Value, 3> transform_to_taps(MatmulIr& ir, const std::array<Value, 6>& p);

/// `transform` of the columns of a matrix, then of the rows of what that gives: from x from values
/// to to x to. `load` gives element (i, j), `use` takes a row. Both are loops, with the matrix on
/// the stack in between: unrolled, 36 values do not fit the registers either, and the code takes
/// LLVM five times as long.
template <size_t from, size_t to, typename Transform>
void in_both_directions(MatmulIr& ir, Transform transform,
                        const std::function<Value(int64_t i, Value j)>& load,
                        const std::function<void(Value i, const std::array<Value, to>&)>& use) {
  Value stack = ir.on_stack(static_cast<int64_t>(to * from));
  const auto place = [&](Value base, size_t i) {
    return ir.at(base, static_cast<int64_t>(i) * ir.lanes);
  };
  ir.loop(ir.index(0), ir.index(static_cast<int64_t>(from)), 1, [&](Value j) {
    std::array<Value, from> column;
    for (size_t i = 0; i < from; ++i) column[i] = load(static_cast<int64_t>(i), j);
    const std::array<Value, to> transformed = transform(ir, column);
    Value base = ir.at(stack, ir.mul(j, ir.lanes));
    for (size_t i = 0; i < to; ++i) ir.store(transformed[i], place(base, i * from));
  });
  ir.loop(ir.index(0), ir.index(static_cast<int64_t>(to)), 1, [&](Value i) {
    Value base = ir.at(stack, ir.mul(i, static_cast<int64_t>(from) * ir.lanes));
    std::array<Value, from> row;
    for (size_t j = 0; j < from; ++j) row[j] = ir.load(place(base, j));
    use(i, transform(ir, row));
  });
}

}  // namespace sinter::codegen
