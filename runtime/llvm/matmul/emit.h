// Emits the code of a matmul region: the functions of its phases, each `void (i64 piece, ptr
// buffers)`.
#pragma once

#include <string>
#include <vector>

#include "runtime/aligned.h"
#include "runtime/llvm/matmul/plan.h"
#include "runtime/llvm/matmul/region.h"

namespace llvm {
class Function;
}

namespace sinter::codegen {

class Emitter;

/// Working memory of a region, in bytes from the start of the scratch buffer; -1 where there is no
/// such part.
struct MatmulScratch {
  int64_t lhs = -1, rhs = -1;  // operands whose dims do not merge, copied into order
  // Of a deep product, rows x whole vectors: sums over the first chunks of a run, and over the
  // first runs.
  int64_t partial = -1, totals = -1;
  int64_t packed = -1;  // all panels of the right side
  int64_t sums = -1;    // of each piece of rows and level, when there are several
  int64_t bytes = 0;
};
MatmulScratch matmul_scratch(const MatmulPlan& plan, const MatmulRegion& region);

/// Working memory of one piece, in bytes from the start of its thread's workspace.
struct MatmulWorkspace {
  int64_t panel = 0;  // a packed panel
  int64_t left = 0;   // rows of the piece, packed
  int64_t bytes = 0;
};
MatmulWorkspace matmul_workspace(const MatmulPlan& plan);

enum class MatmulPhase : uint8_t { kGather, kPack, kCompute, kAddSums };
/// In the order they run.
std::vector<MatmulPhase> matmul_phases(const MatmulPlan& plan, const MatmulRegion& region);
int matmul_phase_pieces(const MatmulPlan& plan, MatmulPhase phase);

/// Bytes of the right side that prepare() packs; 0 unless it is a variable that does not change.
int64_t matmul_prepared_bytes(const MatmulPlan& plan);
/// How many right sides they hold: one, where it is the same for all batches.
int64_t matmul_prepared_batches(const MatmulPlan& plan);

void emit_matmul(Emitter& emitter, const MatmulPlan& plan, const MatmulRegion& region,
                 MatmulPhase phase, const std::string& name);
/// The work of kCompute for this module alone: other kernels call it with buffers of their own.
llvm::Function* emit_matmul_part(Emitter& emitter, const MatmulPlan& plan,
                                 const MatmulRegion& region, const std::string& name);
/// Packs the right side: `void (ptr buffers, ptr prepared)`.
void emit_matmul_prepare(Emitter& emitter, const MatmulPlan& plan, const MatmulRegion& region,
                         const std::string& name);

}  // namespace sinter::codegen
