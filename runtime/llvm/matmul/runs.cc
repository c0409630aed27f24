#include "runtime/llvm/matmul/runs.h"

#include <algorithm>

#include "runtime/limits.h"
#include "runtime/llvm/loops/program.h"
#include "runtime/llvm/matmul/tiling.h"

namespace sinter::codegen {
namespace {

// A total costs a few instructions a run, so that runs are longer than those of plain sums. Tiles
// of many rows, which are bound by arithmetic, are given chunks of up to kOneRun terms.
constexpr int64_t kProductTerms = limit(512, 8), kOneRun = limit(2048, 16);
constexpr int64_t kShortRun = limit(64, 8);

}  // namespace

MatmulRuns matmul_runs(const MatmulPlan& plan) {
  MatmulRuns runs;
  const EvenSplit& chunks = plan.depth_chunks;
  if (chunks.count > 1) {
    runs.chunks = plan.short_runs ? 1 : std::max<int64_t>(1, kProductTerms / plan.chunk_terms());
    runs.count = ceil_div(chunks.count, runs.chunks);
  } else if (plan.problem.depth > (plan.short_runs ? 2 * kShortRun : kOneRun)) {
    runs.terms = plan.short_runs ? kShortRun : kProductTerms;
    runs.count = ceil_div(plan.problem.depth, runs.terms);
  }
  runs.dtype = runs.count > kRunTerms ? DType::kFloat64 : plan.problem.dtype;
  return runs;
}

}  // namespace sinter::codegen
