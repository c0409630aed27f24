// Matrix products as kernels: where planning (matmul_plan), printing and emission (matmul_emit)
// meet the rest of the llvm backend.
#pragma once

#include <memory>
#include <string>

#include "core/graph.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"
#include "runtime/llvm/matmul_emit.h"

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

/// Is the node a contract or a contract fusion?
bool is_matmul(const Graph& graph, int32_t node);
/// "" or why no code can be made for it.
std::string why_not_matmul(const Graph& graph, int32_t node, const Cpu& cpu);
/// `pack_rhs`: the right side is a variable that never changes while the graph runs. `strict`:
/// nothing rounds more than the sums themselves.
std::unique_ptr<KernelPlan> plan_matmul_kernel(const Graph& graph, int32_t node, const Cpu& cpu,
                                               bool pack_rhs, bool strict = false);

/// The loops of a matmul as text: tiles, panels, pieces, the micro-kernel and its epilogue.
std::string matmul_text(const MatmulRegion& region, const MatmulPlan& plan);
/// "matmul 128x784x128, tiles of 6x64, 4x2 pieces".
std::string matmul_description(const MatmulPlan& plan);

}  // namespace sinter::codegen
