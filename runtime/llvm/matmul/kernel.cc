// The kernel plan of a product that is computed directly.
#include "runtime/llvm/matmul/kernel.h"

namespace sinter::codegen {

MatmulKernelPlan::MatmulKernelPlan(MatmulRegion region, MatmulPlan plan)
    : region_(std::move(region)), plan_(std::move(plan)) {
  for (MatmulPhase phase : matmul_phases(plan_, region_))
    pieces.push_back(matmul_phase_pieces(plan_, phase));
  scratch_bytes = matmul_scratch(plan_, region_).bytes;
  workspace_bytes = matmul_workspace(plan_).bytes;
  prepared_bytes = matmul_prepared_bytes(plan_);
  aliases = region_.aliases();
  microseconds = plan_.microseconds;
  description = matmul_description(plan_);
}

std::string MatmulKernelPlan::text() const { return matmul_text(region_, plan_); }

void MatmulKernelPlan::emit(PlanEmitter& emitter) const { emitter.matmul(region_, plan_); }

}  // namespace sinter::codegen
