// What a plugin does: compiles plans on several threads, the largest first, each thread with an
// LLVM of its own, and emits what is exported.
#include "runtime/llvm/jit/generator.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>

#include "runtime/llvm/jit/codegen_version.h"
#include "runtime/llvm/jit/jit.h"
#include "runtime/llvm/jit/list_code.h"
#include "runtime/llvm/loops/program.h"
#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/native/cross_cpu.h"
#include "runtime/llvm/native/emit.h"
#include "runtime/llvm/winograd/gradient.h"
#include "runtime/llvm/winograd/plan.h"

namespace sinter::codegen {
namespace {

// Roughly how much code a plan becomes, to share plans out evenly.
class CodeSize final : public PlanEmitter {
 public:
  static constexpr int64_t kTransforms = 1000;
  int64_t value = 0;
  void loops(const LoopProgram& program) override {
    for (const LoopPhase& phase : program.phases) {
      for (const LoopNest& nest : phase.nests) value += 8 * static_cast<int64_t>(nest.ops.size());
    }
  }
  void matmul(const MatmulRegion& region, const MatmulPlan& plan) override {
    for (const PanelKind& kind : plan.panel_kinds()) {
      const int64_t tile = plan.row_tiles.largest() * kind.vectors;
      value += 64 + tile * (plan.unroll + 2 + (region.in_registers() ? region.epilogue_cost : 0));
    }
  }
  void winograd_gradient(const WinogradGradientPlan& plan) override {
    matmul(winograd_gradient_product(plan), plan.product);
    value += kTransforms;
  }
  void winograd(const MatmulRegion& region, const WinogradPlan& plan) override {
    if (plan.panels() > 0) matmul(winograd_product(plan, plan.panel()), plan.product);
    if (plan.rest() > 0) matmul(winograd_product(plan, plan.rest()), plan.rest_product);
    value += kTransforms + 16 * (region.in_registers() ? region.epilogue_cost : 0);
  }
};

class Compilation {
 public:
  Compilation(const Cpu& cpu, std::span<const KernelPlan* const> plans, PlanFunctions functions)
      : cpu_(cpu), plans_(plans), functions_(functions) {
    images.resize(plans.size());
    order_.resize(plans.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::vector<int64_t> sizes;
    for (const KernelPlan* plan : plans) {
      CodeSize size;
      plan->emit(size);
      sizes.push_back(size.value);
    }
    std::stable_sort(order_.begin(), order_.end(),
                     [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  }

  void run(int threads) {
    std::vector<std::thread> others;
    const size_t wanted = std::min(static_cast<size_t>(threads), plans_.size());
    try {
      for (size_t t = 1; t < wanted; ++t) others.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // Where no more threads can be started, those there are do all of it.
    }
    work();
    for (std::thread& t : others) t.join();
    if (failure_) std::rethrow_exception(failure_);
  }

  std::vector<std::string> images;

 private:
  void work() {
    try {
      Jit jit(cpu_);
      for (size_t i = next_++; i < order_.size(); i = next_++)
        images[order_[i]] = jit.compile(*plans_[order_[i]], functions_);
    } catch (...) {
      next_ = order_.size();
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  const Cpu& cpu_;
  std::span<const KernelPlan* const> plans_;
  PlanFunctions functions_;
  std::vector<size_t> order_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

void compile(const Cpu& cpu, std::span<const KernelPlan* const> plans, PlanFunctions functions,
             int threads, std::vector<std::string>& images, std::string& error) {
  try {
    Compilation compilation(cpu, plans, functions);
    compilation.run(threads);
    images = std::move(compilation.images);
  } catch (const std::exception& failure) {
    error = failure.what();
  }
}

void list(const Cpu& cpu, const KernelPlan& plan, KernelListing& listing, std::string& error) {
  try {
    listing = list_code(cpu, plan);
  } catch (const std::exception& failure) {
    error = failure.what();
  }
}

void emit(const NativeModule& module, NativeOutput output, std::string& result,
          std::string& error) {
  try {
    result = emit_native(module, output);
  } catch (const std::exception& failure) {
    error = failure.what();
  }
}

void describe(const std::string& triple, const std::string& name, Cpu& cpu, std::string& error) {
  try {
    cpu = cross_cpu(triple, name);
  } catch (const std::exception& failure) {
    error = failure.what();
  }
}

}  // namespace

Plugin plugin_functions() { return {codegen_version(), compile, list, emit, describe}; }

}  // namespace sinter::codegen
