// What a `contract` node asks for, as a matrix product: rows, columns, depth, and where the
// elements of both operands lie. Written once for x.W, x^T.dy and dy.W^T, which differ in strides
// only.
#pragma once

#include <cstdint>
#include <vector>

#include "core/graph.h"

namespace sinter::codegen {

/// Dimensions walked together as one index, outermost first. Neighbours that lie one behind the
/// other are merged.
struct DimGroup {
  std::vector<int64_t> extents;
  std::vector<int64_t> strides;  // in elements; 0 = the same for all indices

  void append(int64_t extent, int64_t stride);
  int64_t size() const;
  /// One stride describes the whole group.
  bool is_single() const { return extents.size() <= 1; }
  int64_t stride() const { return extents.empty() ? 0 : strides.back(); }
  /// Does no index change the offset?
  bool is_invariant() const;
  /// Element offset of `index`; what generated code computes too.
  int64_t offset(int64_t index) const;
  bool operator==(const DimGroup&) const = default;
};

/// Element (batch, free, k) lies at batch.offset() + free.offset() + depth.offset(); free is the
/// row of the left side and the column of the right side.
struct MatmulOperand {
  DimGroup batch, free, depth;
  DType dtype = DType::kFloat32;  // in memory
  int64_t offset = 0;             // of the first element
  bool operator==(const MatmulOperand&) const = default;
};

/// result[b, i, j] = sum over k of lhs[b, i, k] * rhs[b, j, k]
struct MatmulProblem {
  DType dtype = DType::kFloat32;  // of the sums and the result
  int64_t batch = 1, rows = 1, columns = 1, depth = 1;
  MatmulOperand lhs, rhs;
  std::vector<int64_t> row_dims,
      column_dims;  // result dims: batch and free dims of lhs; free dims of rhs

  int64_t flops() const { return 2 * batch * rows * columns * depth; }
  bool operator==(const MatmulProblem&) const = default;
};

/// Of a `contract` of a region, whose operands may be views by strides of its inputs.
MatmulProblem matmul_problem(const Graph& body, const Node& contract);

}  // namespace sinter::codegen
