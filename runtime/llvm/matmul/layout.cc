// What a matmul needs besides its code: working memory, phases and pieces. Planning asks for it, so
// it knows no LLVM.
#include <algorithm>

#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/matmul/runs.h"
#include "runtime/llvm/matmul/sums.h"

namespace sinter::codegen {

MatmulScratch matmul_scratch(const MatmulPlan& plan, const MatmulRegion& region) {
  const MatmulProblem& p = plan.problem;
  const int64_t size = dtype_size(p.dtype);
  MatmulScratch scratch;
  const auto take = [&](int64_t elements, int64_t of_bytes = 0) {
    const int64_t offset = scratch.bytes;
    scratch.bytes += aligned(elements * (of_bytes == 0 ? size : of_bytes));
    return offset;
  };
  const int64_t columns = plan.vectors.total * plan.machine.lanes;
  if (plan.gather_lhs) scratch.lhs = take(p.batch * p.rows * p.depth);
  if (plan.gather_rhs) scratch.rhs = take(p.batch * p.columns * p.depth);
  if (plan.depth_chunks.count > 1) {
    const MatmulRuns runs = matmul_runs(plan);
    const int64_t elements = p.rows * columns * plan.batch_pieces;
    if (runs.chunks > 1) scratch.partial = take(elements);
    if (runs.has_totals()) scratch.totals = take(elements, dtype_size(runs.dtype));
  }
  if (plan.packing == MatmulPlan::Packing::kAhead)
    scratch.packed = take(plan.packed_terms() * columns);
  const int64_t parts = plan.row_pieces * plan.batch_pieces * matmul_sums(plan, region).levels;
  if (parts > 1 && region.sum_count() > 0)
    scratch.sums = take(region.sum_count() * parts * columns);
  return scratch;
}

MatmulWorkspace matmul_workspace(const MatmulPlan& plan) {
  const int64_t size = dtype_size(plan.problem.dtype), terms = plan.chunk_terms();
  MatmulWorkspace workspace;
  if (plan.packs_panels()) {
    // Transposing works on whole square blocks.
    const int64_t padded =
        (terms + plan.machine.lanes - 1) / plan.machine.lanes * plan.machine.lanes;
    workspace.left = aligned(padded * plan.panel_columns() * size);
    workspace.bytes = workspace.left;
  }
  if (plan.pack_lhs) {
    const bool across = plan.lhs_source.free.stride() == 1;
    const int64_t rows = plan.piece_rows();
    if (plan.pairs)
      workspace.bytes += across ? terms * aligned(rows * size) : rows * aligned(terms * size);
    else
      workspace.bytes += aligned(rows * plan.left_row_terms() * size) + 64;
  }
  return workspace;
}

void pack_left_panels(MatmulPlan& plan) {
  MatmulProblem& p = plan.problem;
  plan.pack_lhs = plan.left_panels = true;
  plan.lhs_source = p.lhs;
  p.lhs = {{}, {}, {}, p.lhs.dtype};
  p.lhs.free.append(p.rows, plan.left_row_terms());
  p.lhs.depth.append(p.depth, 1);
}

int64_t matmul_prepared_bytes(const MatmulPlan& plan) {
  if (plan.packing != MatmulPlan::Packing::kPrepared) return 0;
  const MatmulProblem& p = plan.problem;
  return std::max<int64_t>(64, matmul_prepared_batches(plan) * p.depth * plan.vectors.total *
                                   plan.machine.lanes * dtype_size(p.dtype));
}

int64_t matmul_prepared_batches(const MatmulPlan& plan) {
  return plan.rhs_source.batch.is_invariant() ? 1 : plan.problem.batch;
}

std::vector<MatmulPhase> matmul_phases(const MatmulPlan& plan, const MatmulRegion& region) {
  std::vector<MatmulPhase> phases;
  if (plan.gather_lhs || plan.gather_rhs) phases.push_back(MatmulPhase::kGather);
  if (plan.packing == MatmulPlan::Packing::kAhead) phases.push_back(MatmulPhase::kPack);
  phases.push_back(MatmulPhase::kCompute);
  if (matmul_scratch(plan, region).sums >= 0) phases.push_back(MatmulPhase::kAddSums);
  return phases;
}

int matmul_phase_pieces(const MatmulPlan& plan, MatmulPhase phase) {
  switch (phase) {
    case MatmulPhase::kCompute: return static_cast<int>(plan.pieces());
    case MatmulPhase::kPack: return static_cast<int>(plan.pack_pieces());
    default: return 1;
  }
}

}  // namespace sinter::codegen
