// A contraction with the work that follows it, read from a fusion{kind="contract"} or a bare
// `contract` node: which inputs are multiplied, how the others are addressed by row and column,
// which results are elements and which are sums.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/graph.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/matmul/problem.h"

namespace sinter::codegen {

/// Element (row, column) of a value in one of the canonical shapes, where all dimensions but the
/// last are the row, lies at offset + row * rows + column * columns; columns is 0 or 1.
struct EpilogueStrides {
  int64_t rows = 0, columns = 0, offset = 0;
};

struct MatmulRegion {
  enum class Form : uint8_t {
    kElements,    // one a row and column, or one a row
    kColumnSums,  // over all rows
    kTotal,       // over everything
  };
  struct Result {
    ValueId value;  // in a canonical shape, or the product; of sums what is summed
    Form form = Form::kElements;
    DType dtype = DType::kFloat32;  // of totals and elements any, of column sums the product's
    bool is_sum() const { return form != Form::kElements; }
  };

  std::shared_ptr<const Graph> body;
  ValueId product;  // the contract node's result
  int64_t rows = 1, columns = 1;
  static constexpr int32_t lhs = 0, rhs = 1;  // inputs of the region that are multiplied
  std::vector<Result> results;
  int64_t epilogue_cost = 0;  // of all scalar bodies, in additions an element
  bool whole_rows = false;    // are rows reduced, columns numbered, or everything summed up?

  /// The region of a node for which why_not() has no reason.
  static MatmulRegion of_node(const Graph& graph, int32_t node);
  /// "" or the reason why code for this node cannot be generated.
  static std::string why_not(const Graph& graph, int32_t node, const Cpu& cpu);

  MatmulProblem problem() const;
  int64_t sum_count() const;
  /// Inputs that the epilogue reads element by element, of the product's dtype.
  std::vector<size_t> whole_operands() const;
  /// A light epilogue is emitted for each vector of a tile, in registers; a heavy one once, in a
  /// loop over the tile in memory.
  bool in_registers() const { return epilogue_cost <= 12; }
  /// The value that `id` stands for when reshapes are left out.
  ValueId unshaped(ValueId id) const;
  /// The input that `id` is, or is a reshape or a view by strides of.
  ValueId input_of(ValueId id) const;
  EpilogueStrides strides_of(ValueId id) const;
  /// May result `result` share the memory of input `input`?
  bool can_alias(size_t result, size_t input) const;
  /// All such pairs.
  std::vector<std::pair<int, int>> aliases() const;
};

}  // namespace sinter::codegen
