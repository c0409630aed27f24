// The epilogue of a product whose rows are whole in registers: softmax, cross entropy, accuracy,
// and whatever else reduces rows, numbers their columns or sums everything up.
#pragma once

#include <map>
#include <vector>

#include "runtime/llvm/loops/program.h"
#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/region.h"

namespace sinter::codegen {

/// Works on blocks of rows. Lanes run along the columns: a block is one row, a value of it as many
/// vectors as a row has. Lanes run along the rows: a block is a vector of rows, a value of it one
/// vector a column, and reducing a row takes no shuffles. What is the same for all columns is one
/// vector in either case.
class MatmulRows {
 public:
  MatmulRows(MatmulIr& ir, const MatmulRegion& region, const MatmulPlan& plan, Values inputs,
             Values results);

  /// Before the first block of a piece: where each of its sums goes.
  void begin_piece(Values targets);
  /// Computes and stores all results of the block that begins at `row` and of which `rows` rows
  /// exist, from the vectors of its product.
  void emit(Value row, int64_t rows, const Values& product);
  void end_piece();

 private:
  /// One vector for all columns, or part_count_ vectors.
  using Parts = Values;

  static Value part(const Parts& parts, int64_t p) {
    return parts.size() == 1 ? parts[0] : parts[static_cast<size_t>(p)];
  }
  const Parts& value(ValueId id);
  Parts emit_value(ValueId id);
  Parts map(const Node& node, int32_t index, int32_t result);
  Parts load(ValueId input, EpilogueStrides strides);
  Parts load_elements(Value base, DType dtype, int64_t row_stride);
  Value reduce(ReduceKind kind, DType dtype, const Parts& whole);
  Value arg_reduce(ReduceKind kind, DType dtype, const Parts& whole);
  Parts iota(const Node& node);
  Value column_numbers(int64_t p);
  void store(size_t result, const Parts& parts);
  void store_elements(Value base, DType dtype, const Parts& parts);
  // Where part p of a level of a sum grows.
  Value place(size_t sum, DType dtype, int64_t level, int64_t p);
  void add_to_sum(size_t sum, const MatmulRegion::Result& result, const Parts& parts);
  Value add(DType dtype, Value a, Value b);
  Value only_rows(DType dtype, Value vector);
  bool is_row(ValueId id) const;
  Value column_mask(int64_t p) const;
  Value row_start(Value base, DType dtype, int64_t stride);

  MatmulIr& ir_;
  Emitter& e_;
  const MatmulRegion& region_;
  const Graph& body_;
  MatmulSums levels_;
  int64_t level_stride_;  // from a place of a sum to the next level's, in targets_
  bool along_rows_;
  int64_t columns_, part_count_;
  Values inputs_, results_, targets_;
  std::vector<int64_t> level_strides_;  // the same in running_
  Values running_;                      // of each sum, on the stack, when lanes run along the rows
  Value turned_ = nullptr;              // a block by column, to be read by rows
  Value last_mask_ = nullptr;           // the columns of the last vector of a row

  // The block at hand.
  Value row_ = nullptr;
  int64_t rows_ = 1;
  const Values* product_ = nullptr;
  std::map<ValueId, Parts> values_;
};

}  // namespace sinter::codegen
