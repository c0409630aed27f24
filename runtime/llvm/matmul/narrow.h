// Products with fewer columns than a vector has lanes: the lanes run along the rows, and tiles are
// turned on their way to the epilogue.
#pragma once

#include "runtime/llvm/matmul/epilogue.h"
#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/region.h"
#include "runtime/llvm/matmul/rows.h"
#include "runtime/llvm/matmul/totals.h"

namespace sinter::codegen {

class MatmulNarrow {
 public:
  /// `rows` takes the place of `epilogue` where the region needs whole rows.
  MatmulNarrow(MatmulIr& ir, const MatmulPlan& plan, const MatmulRegion& region,
               MatmulEpilogue& epilogue, MatmulRows* rows);

  /// Where each column sum is collected.
  void set_sums(Values targets);
  /// The tiles of one kind, from vector of rows `vector` on; both sides are those of batch `batch`.
  void emit(const PanelKind& kind, Value vector, Value batch, Value lhs, Value rhs);

 private:
  // Grows `acc` by terms `begin` to `end`, which lie whole steps apart.
  void sum_range(Values& acc, const PanelKind& kind, Value lhs, Value rhs, Value begin, Value end);
  void sum_terms(Values& acc, const PanelKind& kind, Value lhs, Value rhs, int64_t terms);
  void finish(const Values& acc, const PanelKind& kind, Value row);
  void finish_rows(const Values& rows, Value row);
  int64_t whole_columns() const { return plan_.vectors.total * plan_.machine.lanes; }
  void finish_whole_rows(const Values& acc, const PanelKind& kind, Value row);

  MatmulIr& ir_;
  const MatmulPlan& plan_;
  const MatmulProblem& p_;
  const MatmulRegion& region_;
  MatmulEpilogue& epilogue_;
  MatmulRows* whole_rows_;
  MatmulSums levels_;
  const MatmulRuns runs_;
  const MatmulTotals totals_;
  Values sums_;
  Value mask_;                  // the columns that exist
  Value tile_, few_ = nullptr;  // on the stack: a tile by column, a few rows of it
  Value run_totals_ = nullptr;
};

}  // namespace sinter::codegen
