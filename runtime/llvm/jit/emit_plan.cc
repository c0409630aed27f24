#include "runtime/llvm/jit/emit_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/llvm/loops/emit.h"
#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/winograd/emit.h"
#include "runtime/llvm/winograd/gradient_emit.h"

namespace sinter::codegen {
namespace {

// Emits the functions of a plan and keeps their names.
class FunctionEmitter final : public PlanEmitter {
 public:
  FunctionEmitter(Emitter& emitter, const std::string& prefix) : e_(emitter), prefix_(prefix) {}
  std::vector<std::string> names;

  void loops(const LoopProgram& program) override {
    for (const LoopPhase& phase : program.phases) emit_phase(e_, program, phase, next());
  }
  void matmul(const MatmulRegion& region, const MatmulPlan& plan) override {
    for (MatmulPhase phase : matmul_phases(plan, region))
      emit_matmul(e_, plan, region, phase, next());
    if (matmul_prepared_bytes(plan) > 0) emit_matmul_prepare(e_, plan, region, next());
  }
  void winograd(const MatmulRegion& region, const WinogradPlan& plan) override {
    if (!plan.prepares) emit_winograd(e_, plan, region, WinogradPhase::kKernel, next());
    emit_winograd(e_, plan, region, WinogradPhase::kCompute, next());
    if (region.sum_count() > 0) emit_winograd(e_, plan, region, WinogradPhase::kAddSums, next());
    if (plan.prepares) emit_winograd(e_, plan, region, WinogradPhase::kPrepare, next());
  }
  void winograd_gradient(const WinogradGradientPlan& plan) override {
    emit_winograd_gradient(e_, plan, next());
    if (plan.has_partial_sums()) emit_winograd_gradient_sums(e_, plan, next());
  }

 private:
  std::string next() { return names.emplace_back(fmt::format("{}{}", prefix_, names.size())); }
  Emitter& e_;
  const std::string& prefix_;
};

}  // namespace

std::vector<std::string> emit_plan(Emitter& emitter, const KernelPlan& plan,
                                   const std::string& prefix) {
  FunctionEmitter functions(emitter, prefix);
  plan.emit(functions);
  return std::move(functions.names);
}

void remove_unused(std::vector<llvm::Function*> functions) {
  const auto is_unused = [](const llvm::Function* f) { return f->use_empty(); };
  for (auto it = std::ranges::find_if(functions, is_unused); it != functions.end();
       it = std::ranges::find_if(functions, is_unused)) {
    (*it)->eraseFromParent();
    functions.erase(it);
  }
}

void keep_only(llvm::Module& module, const std::string& function) {
  std::vector<llvm::Function*> others;
  for (llvm::Function& f : module) {
    if (f.getName() != function) others.push_back(&f);
  }
  remove_unused(std::move(others));
}

}  // namespace sinter::codegen
