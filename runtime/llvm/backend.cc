// The llvm backend: a plan for each node, and the code of each plan from the store of kernels.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>

#include "core/error.h"
#include "core/file_io.h"
#include "runtime/backend.h"
#include "runtime/compile_options.h"
#include "runtime/kernel_listing.h"
#include "runtime/llvm/costs.h"
#include "runtime/llvm/jit/codegen_version.h"
#include "runtime/llvm/jit/kernel_debug.h"
#include "runtime/llvm/jit/kernel_store.h"
#include "runtime/llvm/jit/plugin.h"
#include "runtime/llvm/plan_kernels.h"

namespace sinter {
namespace codegen {
namespace {

using Function = void (*)(int64_t piece, void* const* buffers);
using PrepareFunction = void (*)(void* const* buffers, void* prepared);

class JitKernel final : public Kernel, public ListedKernel {
 public:
  JitKernel(std::unique_ptr<KernelPlan> plan, std::shared_ptr<const LoadedKernel> code)
      : plan_(std::move(plan)), code_(std::move(code)) {
    const size_t phases = plan_->pieces.size();
    if (code_ == nullptr) return;  // planned alone
    for (size_t p = 0; p < phases; ++p)
      functions_.push_back(reinterpret_cast<Function>(code_->function(p)));
    if (plan_->prepared_bytes > 0)
      prepare_ = reinterpret_cast<PrepareFunction>(code_->function(phases));
  }
  int phases() const override { return static_cast<int>(plan_->pieces.size()); }
  int pieces(int phase) const override { return plan_->pieces[static_cast<size_t>(phase)]; }
  void run(int phase, int piece, void* const* buffers) const override {
    functions_[static_cast<size_t>(phase)](piece, buffers);
  }
  int64_t scratch_bytes() const override { return plan_->scratch_bytes; }
  int64_t workspace_bytes() const override { return plan_->workspace_bytes; }
  bool can_alias(int result, int input) const override {
    for (const auto& pair : plan_->aliases) {
      if (pair == std::make_pair(result, input)) return true;
    }
    return false;
  }
  int64_t prepared_bytes() const override { return plan_->prepared_bytes; }
  void prepare(void* const* buffers, void* prepared) const override {
    if (prepare_ != nullptr) prepare_(buffers, prepared);
  }
  std::string description() const override { return plan_->description; }
  std::string plan_text() const override { return plan_->key(); }
  KernelListing listing() const override { return list_plan(host_cpu(), *plan_); }
  std::optional<double> microseconds() const override { return plan_->microseconds; }

 private:
  std::unique_ptr<KernelPlan> plan_;
  std::shared_ptr<const LoadedKernel> code_;
  std::vector<Function> functions_;
  PrepareFunction prepare_ = nullptr;
};

class LlvmBackend final : public Backend {
 public:
  std::string_view name() const override { return "llvm"; }

  std::string version() const override {
    const Cpu& cpu = host_cpu();
    return fmt::format("{}\n{}\n{}", codegen_version(), cpu.name, cpu.features);
  }

  Target target() const override { return target_for(host_cpu()); }

  std::string why_not(const Graph& graph, int32_t node) const override {
    return why_not_planned(graph, node);
  }

  std::optional<double> estimate(const Graph& graph, int32_t node) const override {
    if (const auto known = estimate_microseconds(kCosts, graph, node)) return known;
    const std::optional<double> bytes = float32_bytes(graph, node);
    if (!bytes) return std::nullopt;
    const Node& n = graph.node(node);
    if (reduces_rows(graph, n))
      return loop_microseconds(*bytes,
                               static_cast<double>(graph.type(n.inputs[0]).shape.elements()));
    if (n.is(KernelOp::kTranspose)) return transpose_microseconds(*bytes);
    // No less than it takes to read and to write, whatever is computed; so with what a composite is
    // made of, which is fused.
    return loop_microseconds(*bytes, 0);
  }

  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions& options) override {
    std::vector<std::unique_ptr<KernelPlan>> plans =
        plan_kernels(graph, nodes, host_cpu(), options.strict_precision);
    std::vector<std::unique_ptr<Kernel>> kernels;
    if (!options.code) {
      for (std::unique_ptr<KernelPlan>& plan : plans)
        kernels.push_back(std::make_unique<JitKernel>(std::move(plan), nullptr));
      return kernels;
    }
    const bool debugged = !debug_folder().empty();
    for (size_t k = 0; debugged && k < plans.size(); ++k)
      describe(*plans[k], graph, nodes[k], options.as_built);
    const std::vector<std::shared_ptr<const LoadedKernel>> code =
        KernelStore::instance().get(plans, options.cache && !debugged);
    for (size_t k = 0; k < plans.size(); ++k)
      kernels.push_back(std::make_unique<JitKernel>(std::move(plans[k]), code[k]));
    return kernels;
  }

 private:
  // The listing's name follows from what it holds: runs write the same ones again.
  static void describe(KernelPlan& plan, const Graph& graph, int32_t node, const Graph* as_built) {
    plan.debug = debug_of_node(graph, node, as_built);
    const std::string text = plan.text();
    plan.debug.listing = fmt::format("{}/{}-{:016x}.txt", debug_folder(), plan.debug.name,
                                     std::hash<std::string>()(text));
    std::error_code refused;  // writing says it better
    std::filesystem::create_directories(debug_folder(), refused);
    write_file_atomically(plan.debug.listing, text);
  }
};

}  // namespace
}  // namespace codegen

Backend& llvm_backend() {
  static codegen::LlvmBackend backend;
  return backend;
}

}  // namespace sinter
