#include "runtime/llvm/native/planning_backend.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "core/prologue.h"
#include "runtime/compile_options.h"
#include "runtime/llvm/jit/kernel_image.h"
#include "runtime/llvm/jit/plugin.h"
#include "runtime/llvm/plan_kernels.h"

namespace sinter::codegen {
namespace {

using Function = void (*)(int64_t piece, void* const* buffers);
using PrepareFunction = void (*)(void* const* buffers, void* prepared);

class PlannedKernel final : public Kernel {
 public:
  explicit PlannedKernel(std::unique_ptr<KernelPlan> plan) : plan_(std::move(plan)) {}
  const KernelPlan& plan() const { return *plan_; }
  void set_code(std::shared_ptr<const LoadedKernel> code) { code_ = std::move(code); }

  int phases() const override { return static_cast<int>(plan_->pieces.size()); }
  int pieces(int phase) const override { return plan_->pieces[static_cast<size_t>(phase)]; }
  void run(int phase, int piece, void* const* buffers) const override {
    reinterpret_cast<Function>(function(static_cast<size_t>(phase)))(piece, buffers);
  }
  int64_t scratch_bytes() const override { return plan_->scratch_bytes; }
  int64_t workspace_bytes() const override { return plan_->workspace_bytes; }
  bool can_alias(int result, int input) const override {
    return std::ranges::find(plan_->aliases, std::make_pair(result, input)) != plan_->aliases.end();
  }
  int64_t prepared_bytes() const override { return plan_->prepared_bytes; }
  void prepare(void* const* buffers, void* prepared) const override {
    // Of a kernel that runs here it stands behind the phases; otherwise there is nothing else.
    const size_t index = code_ != nullptr && code_->functions() > 1 ? plan_->pieces.size() : 0;
    reinterpret_cast<PrepareFunction>(function(index))(buffers, prepared);
  }
  std::string description() const override { return plan_->description; }
  std::optional<double> microseconds() const override { return plan_->microseconds; }

 private:
  void* function(size_t index) const {
    SINTER_CHECK(code_ != nullptr, plan_->description);
    return code_->function(index);
  }

  std::unique_ptr<KernelPlan> plan_;
  std::shared_ptr<const LoadedKernel> code_;  // where it runs here
};

// The processor at hand, told to do what `cpu` does: the code generator splits vectors that are
// wider than its registers.
Cpu here_as(const Cpu& cpu) {
  Cpu here = cpu;
  here.name = "native";
  here.triple = here.abi = "";
  here.multiplies_bfloat16 = host_cpu().multiplies_bfloat16 && cpu.multiplies_bfloat16;
  return here;
}

class PlanningBackend final : public Backend {
 public:
  explicit PlanningBackend(const Cpu& cpu) : cpu_(cpu) {}
  std::string_view name() const override { return "llvm"; }
  Target target() const override { return target_for(cpu_); }
  std::string why_not(const Graph& graph, int32_t node) const override {
    return why_not_planned(graph, node);
  }
  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions& options) override {
    const std::vector<bool> frozen = frozen_nodes(graph);
    const auto is_prologue = [&](int32_t node) { return frozen[static_cast<size_t>(node)]; };
    std::vector<int32_t> here;  // run here alone, so for the processor at hand
    std::ranges::copy_if(nodes, std::back_inserter(here), is_prologue);
    std::vector<std::unique_ptr<KernelPlan>> plans =
        plan_kernels(graph, nodes, cpu_, options.strict_precision);
    std::vector<std::unique_ptr<KernelPlan>> plans_here =
        plan_kernels(graph, here, host_cpu(), options.strict_precision);
    std::vector<std::unique_ptr<Kernel>> kernels;
    std::vector<PlannedKernel*> run, prepare;
    for (size_t k = 0, next = 0; k < nodes.size(); ++k) {
      auto kernel = std::make_unique<PlannedKernel>(
          std::move(is_prologue(nodes[k]) ? plans_here[next++] : plans[k]));
      if (is_prologue(nodes[k]))
        run.push_back(kernel.get());
      else if (kernel->prepared_bytes() > 0)
        prepare.push_back(kernel.get());
      kernels.push_back(std::move(kernel));
    }
    if (!options.code) return kernels;
    load(run, host_cpu(), PlanFunctions::kAll);
    load(prepare, here_as(cpu_), PlanFunctions::kPrepare);
    return kernels;
  }

 private:
  static void load(const std::vector<PlannedKernel*>& kernels, const Cpu& cpu,
                   PlanFunctions functions) {
    if (kernels.empty()) return;
    std::vector<const KernelPlan*> plans;
    for (const PlannedKernel* kernel : kernels) plans.push_back(&kernel->plan());
    std::vector<KernelImage> images;
    for (const std::string& bytes : compile_plans(cpu, plans, functions)) {
      std::optional<KernelImage> image = KernelImage::parse(bytes);
      SINTER_CHECK(image.has_value(), plans[images.size()]->description);
      images.push_back(std::move(*image));
    }
    const std::vector<std::shared_ptr<const LoadedKernel>> code = load_kernels(images);
    for (size_t k = 0; k < kernels.size(); ++k) kernels[k]->set_code(code[k]);
  }

  Cpu cpu_;
};

}  // namespace

std::unique_ptr<Backend> planning_backend(const Cpu& cpu) {
  return std::make_unique<PlanningBackend>(cpu);
}

const KernelPlan& plan_of(const Kernel& kernel) {
  return dynamic_cast<const PlannedKernel&>(kernel).plan();
}

}  // namespace sinter::codegen
