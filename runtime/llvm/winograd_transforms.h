// The transforms of Winograd's F(4x4, 3x3) in one direction, on vectors of channels: Lavin, Gray,
// "Fast algorithms for convolutional neural networks", 2016, section 4.3. In two directions they are
// applied to all columns, then to all rows.
#pragma once

#include <array>
#include <functional>

#include "runtime/llvm/matmul_ir.h"

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

/// `transform` of the columns of a matrix, then of the rows of what that gives: from x from to
/// to x to values, row by row.
template <size_t from, size_t to, typename Transform>
std::array<Value, to * to> in_both_directions(MatmulIr& ir, Transform transform,
                                              const std::array<Value, from * from>& values) {
  std::array<Value, to * from> columns;
  for (size_t j = 0; j < from; ++j) {
    std::array<Value, from> column;
    for (size_t i = 0; i < from; ++i) column[i] = values[i * from + j];
    const std::array<Value, to> transformed = transform(ir, column);
    for (size_t i = 0; i < to; ++i) columns[i * from + j] = transformed[i];
  }
  std::array<Value, to * to> result;
  for (size_t i = 0; i < to; ++i) {
    std::array<Value, from> row;
    for (size_t j = 0; j < from; ++j) row[j] = columns[i * from + j];
    const std::array<Value, to> transformed = transform(ir, row);
    for (size_t j = 0; j < to; ++j) result[i * to + j] = transformed[j];
  }
  return result;
}

}  // namespace sinter::codegen
