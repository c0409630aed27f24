// The micro-kernel: one tile of the result in registers, summed over the depth, then through the
// epilogue to memory.
#pragma once

#include <vector>

#include "runtime/llvm/matmul/epilogue.h"
#include "runtime/llvm/matmul/ir.h"
#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/region.h"
#include "runtime/llvm/matmul/rows.h"
#include "runtime/llvm/matmul/totals.h"

namespace sinter::codegen {

class MatmulTile {
 public:
  /// A panel of columns, and a chunk of the depth: what the tiles of one inner loop share.
  struct Panel {
    PanelKind kind;
    Value vector = nullptr;  // the first vector of columns
    Value batch = nullptr;
    Value chunk = nullptr;
    llvm::Value *begin = nullptr, *end = nullptr;  // terms of the sum
    Value lhs = nullptr;                           // left side of this batch
    Value rhs = nullptr;                           // the panel's first term
    int64_t rhs_stride = 0;                        // elements from term to term
    Value partial = nullptr;                       // sums over earlier chunks of a run
    Value totals = nullptr;                        // sums over earlier runs
    Value next = nullptr;                          // the panel after this, as it lies in memory
    int64_t next_stride = 0;                       // bytes from row to row of it
  };

  /// `rows` takes the place of `epilogue` where the region needs whole rows. Both null: only packs.
  MatmulTile(MatmulIr& ir, const MatmulPlan& plan, const MatmulRegion& region,
             MatmulEpilogue* epilogue, MatmulRows* rows);

  /// Where each column sum is collected, from the first column on.
  void set_sums(Values targets) { sums_ = std::move(targets); }
  void clear_sums(const PanelKind& kind, Value vector);
  void set_depth(Panel& panel);
  /// Copies, pairs or transposes the panel's terms of `source` (the right side of this batch) to
  /// `target`.
  void pack(const Panel& panel, Value source, Value column, Value target);
  /// A tile of `rows` rows from `row` on, the `number`-th of the panel.
  void emit(const Panel& panel, Value row, int64_t rows, Value number);

 private:
  using Accumulators = Values;  // [sum][row][vector]

  // The sum so far of a chunk's run.
  void resume(Accumulators& acc, const Panel& panel, Value row, int64_t rows);
  // What the chunk has added up is kept for the next one.
  void suspend(const Accumulators& acc, const Panel& panel, Value row);
  // Sums whole runs of the first `count` terms into totals; returns how many terms these are.
  int64_t sum_runs(int64_t count, const Panel& panel, Value lhs, int64_t rows);
  void sum_range(Accumulators& acc, Value begin, Value end, int64_t step, const Panel& panel,
                 Value lhs, int64_t rows);
  // Term k, counted from the first of the panel's chunk, of the tile's first row.
  Value left_term(Value lhs, const Panel& panel, Value k);
  // Asks for what step k has to ask for of rows from `base` on.
  void ask_ahead(const MatmulPlan::Prefetch& prefetch, Value base, int64_t stride, Value k);
  // `lhs` is the term of the first row; `rhs` is `term` terms before it.
  void sum_term(Accumulators& acc, Value lhs, Value rhs, int64_t term, int64_t set,
                const Panel& panel, int64_t rows, bool whole = true);
  Value joined_pair(Value rhs, int64_t vector, const Panel& panel, bool whole);
  void add_sets(Accumulators& acc, int64_t tile);
  void finish(const Accumulators& acc, const Panel& panel, Value row, int64_t rows);
  void finish_in_registers(const Accumulators& acc, const Panel& panel, Value row, int64_t rows);
  void finish_in_memory(const Accumulators& acc, const Panel& panel, Value row, int64_t rows);
  void finish_rows(const Accumulators& acc, Value row, int64_t rows);
  void add_to_sums(const Values& values, Value column, Value mask);
  // After a tile of rows.
  void settle_sums(const Panel& panel, Value row, int64_t rows);
  Value lane_mask(const PanelKind& kind, int64_t vector);
  // Of the result, the last vector counted as a whole one.
  int64_t whole_columns() const { return plan_.vectors.total * plan_.machine.lanes; }
  // Of vector `i` of a tile from `row` on, among those of all rows and columns.
  Value in_result(Value base, DType dtype, const Panel& panel, Value row, int64_t i);
  int64_t last_columns(const PanelKind& kind) const;
  void pack_copy(const Panel& panel, Value first, Value target);
  void pack_pairs(const Panel& panel, Value first, Value target);
  void pack_transposed(const Panel& panel, Value first, Value target);
  llvm::Function* turn_columns(int64_t columns);

  MatmulIr& ir_;
  llvm::IRBuilder<>& b_;
  const MatmulPlan& plan_;
  const MatmulProblem& p_;
  const MatmulRegion& region_;
  MatmulEpilogue* epilogue_;
  MatmulRows* whole_rows_;
  MatmulSums levels_;
  const MatmulRuns runs_;
  const MatmulTotals totals_;
  Values sums_;
  Value next_ = nullptr;  // this tile's share of the next panel
  int64_t next_stride_ = 0;
  int64_t left_stride_ = 0,
          left_row_stride_ = 0;  // of the left side, from term to term and row to row
  Values left_rows_;  // where each row begins, of rows that lie along several dimensions
  Values operands_;              // where this tile's operands begin, when it asks for them
  Value stack_ = nullptr;
  Value run_totals_ = nullptr;  // of a tile that sums the whole depth
};

}  // namespace sinter::codegen
