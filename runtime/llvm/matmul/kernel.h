// Products that are computed directly: where planning (plan.h), printing (text.cc) and emission
// (emit.h) meet the rest of the llvm backend.
#pragma once

#include <string>

#include "runtime/llvm/kernel_plan.h"
#include "runtime/llvm/matmul/emit.h"

namespace sinter::codegen {

class MatmulKernelPlan : public KernelPlan {
 public:
  MatmulKernelPlan(MatmulRegion region, MatmulPlan plan);
  std::string text() const override;
  void emit(PlanEmitter& emitter) const override;

  const MatmulPlan& plan() const { return plan_; }

 private:
  MatmulRegion region_;
  MatmulPlan plan_;
};

/// The loops of a matmul as text: tiles, panels, pieces, the micro-kernel and its epilogue.
std::string matmul_text(const MatmulRegion& region, const MatmulPlan& plan);
/// "matmul 128x784x128, tiles of 6x64, 4x2 pieces".
std::string matmul_description(const MatmulPlan& plan);

}  // namespace sinter::codegen
