// Emits what follows a product: operands by row and column, scalar bodies, stores and column sums,
// on values still in registers.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/region.h"

namespace sinter::codegen {

/// Where a vector of the result lies: row `row + row_step`, columns from `column + column_step` on.
struct EpilogueSite {
  Value row = nullptr;
  Value column = nullptr;
  int64_t row_step = 0;
  int64_t column_step = 0;
  Value mask = nullptr;     // null: all lanes exist
  Value product = nullptr;  // the vector of the product
};

class MatmulEpilogue {
 public:
  MatmulEpilogue(MatmulIr& ir, const MatmulRegion& region, int64_t columns, Values inputs,
                 Values results);

  /// Where the whole operands of a tile begin.
  Values tile_operands(Value row, Value column);
  /// Emits what is the same for all rows and columns, here, once. Stays valid for the function.
  void emit_invariants();
  /// Forgets values of the tile before: they do not reach code that runs elsewhere.
  void begin_tile();
  /// Computes all results at `site` and stores the whole ones; sums[i] grows by the i-th column sum
  /// (null: starts).
  void emit(const EpilogueSite& site, Values& sums);

 private:
  using Key = std::tuple<ValueId, Value, int64_t, Value, int64_t>;

  Key key_of(ValueId id, const EpilogueSite& site) const;
  Value value(ValueId id, const EpilogueSite& site);
  Value emit_value(ValueId id, const EpilogueSite& site);
  Value load(ValueId input, EpilogueStrides strides, const EpilogueSite& site);
  Value address(Value base, DType dtype, EpilogueStrides strides, const EpilogueSite& site);
  void find_invariants(ValueId id);
  bool is_invariant(ValueId id) const;

  MatmulIr& ir_;
  Emitter& e_;
  const MatmulRegion& region_;
  const Graph& body_;
  int64_t columns_;
  Values inputs_, results_;
  std::map<Key, Value> invariants_, values_;
  std::map<std::tuple<Value, Value, Value, int64_t, int64_t>, Value> origins_;
};

}  // namespace sinter::codegen
