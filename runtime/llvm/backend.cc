// The llvm backend: a plan for each node, equal plans compiled once, a few modules at the same
// time, kept in the cache on disk.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <thread>

#include "core/error.h"
#include "core/prologue.h"
#include "runtime/code_cache.h"
#include "runtime/compile.h"
#include "runtime/kernel.h"
#include "runtime/llvm/codegen_version.h"
#include "runtime/llvm/emit.h"
#include "runtime/llvm/jit.h"
#include "runtime/llvm/loop_plan.h"
#include "runtime/llvm/matmul_kernel.h"

namespace sinter {
namespace codegen {
namespace {

using Function = void (*)(int64_t piece, void* const* buffers);
using PrepareFunction = void (*)(void* const* buffers, void* prepared);

class JitKernel final : public Kernel {
 public:
  JitKernel(std::unique_ptr<KernelPlan> plan, std::shared_ptr<const LoadedCode> code,
            const std::string& symbol)
      : plan_(std::move(plan)), code_(std::move(code)) {
    for (size_t p = 0; p < plan_->pieces.size(); ++p)
      functions_.push_back(
          reinterpret_cast<Function>(code_->find(fmt::format("{}_{}", symbol, p))));
    if (plan_->prepared_bytes > 0)
      prepare_ = reinterpret_cast<PrepareFunction>(code_->find(symbol + "_prepare"));
  }
  int phases() const override { return static_cast<int>(plan_->pieces.size()); }
  int pieces(int phase) const override { return plan_->pieces[static_cast<size_t>(phase)]; }
  void run(int phase, int piece, void* const* buffers) const override {
    functions_[static_cast<size_t>(phase)](piece, buffers);
  }
  int64_t scratch_bytes() const override { return plan_->scratch_bytes; }
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

 private:
  std::unique_ptr<KernelPlan> plan_;
  std::shared_ptr<const LoadedCode> code_;
  std::vector<Function> functions_;
  PrepareFunction prepare_ = nullptr;
};

// Is the right side of the product a variable that this graph never changes? Then it is packed
// once.
bool may_pack(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (n.is("contract")) return is_frozen(graph, n.inputs[1]);
  const Graph& body = n.attributes.get_graph("body");
  for (const Node& inner : body.nodes()) {
    if (!inner.is("contract")) continue;
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      if (inner.inputs[1] == ValueId{body.inputs()[i], 0})
        return is_frozen(graph, n.inputs[i]);
    }
  }
  return false;
}

bool has_empty_value(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const auto is_empty = [](const ValueType& t) { return t.shape.elements() == 0; };
  return std::any_of(n.types.begin(), n.types.end(), is_empty) ||
         std::any_of(n.inputs.begin(), n.inputs.end(),
                     [&](ValueId v) { return is_empty(graph.type(v)); });
}

// The matmul kernels where they cover the node, otherwise loops.
std::unique_ptr<KernelPlan> plan_kernel(const Graph& graph, int32_t node) {
  if (is_matmul(graph, node) && !has_empty_value(graph, node) &&
      why_not_matmul(graph, node).empty()) {
    return plan_matmul_kernel(graph, node, host_cpu(), may_pack(graph, node));
  }
  return plan_loops(graph, node);
}

constexpr size_t kKernelsWorthAThread = 3, kMostModules = 4;

// Several objects in one cache entry: each with its size before it.
std::string join_objects(std::span<const std::string> objects) {
  std::string text;
  for (const std::string& o : objects) text += fmt::format("{:016x}", o.size()) + o;
  return text;
}

// Empty when the text is not of that form.
std::vector<std::string> split_objects(std::string_view text) {
  std::vector<std::string> objects;
  while (!text.empty()) {
    uint64_t size = 0;
    if (text.size() < 16 ||
        std::from_chars(text.data(), text.data() + 16, size, 16).ptr != text.data() + 16)
      return {};
    text.remove_prefix(16);
    if (size > text.size()) return {};
    objects.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return objects;
}

class LlvmBackend final : public Backend {
 public:
  std::string_view name() const override { return "llvm"; }

  std::string why_not(const Graph& graph, int32_t node) const override {
    const Node& n = graph.node(node);
    if (n.op->kind == KernelKind::kComposite)
      return fmt::format("'{}' is a composite and must be decomposed first", n.op->name);
    return "";
  }

  std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph, std::span<const int32_t> nodes,
                                               const CompileOptions& options) override {
    std::vector<std::unique_ptr<KernelPlan>> plans;
    std::vector<std::string> symbols;
    std::map<std::string, size_t> distinct;  // text, number
    std::vector<const KernelPlan*> first;
    std::string key;
    for (int32_t node : nodes) {
      plans.push_back(plan_kernel(graph, node));
      const auto [it, added] = distinct.try_emplace(plans.back()->text(), first.size());
      if (added) {
        first.push_back(plans.back().get());
        key += it->first;
        key += '\0';
      }
      symbols.push_back(fmt::format("kernel{}", it->second));
    }
    const std::shared_ptr<const LoadedCode> code = load(first, key, options.cache);
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (size_t k = 0; k < plans.size(); ++k)
      kernels.push_back(std::make_unique<JitKernel>(std::move(plans[k]), code, symbols[k]));
    return kernels;
  }

 private:
  static std::shared_ptr<const LoadedCode> load(std::span<const KernelPlan* const> plans,
                                                const std::string& key, bool use_cache) {
    const Cpu& cpu = host_cpu();
    CodeCache cache = use_cache ? CodeCache::standard() : CodeCache();
    const std::string full_key =
        fmt::format("object code by {}\n{}\n{}\n", codegen_version(), cpu.name, cpu.features) + key;
    if (const std::optional<std::string> known = cache.find(full_key)) {
      if (const std::vector<std::string> objects = split_objects(*known); !objects.empty())
        return std::make_shared<LoadedCode>(objects);
    }
    // Kernels in turn go to one module or another, so that similar ones are shared out.
    const size_t modules =
        plans.size() >= kKernelsWorthAThread * 2
            ? std::min<size_t>(std::max(1u, std::thread::hardware_concurrency()), kMostModules)
            : 1;
    std::vector<std::function<void(Emitter&)>> fills;
    for (size_t m = 0; m < modules; ++m) {
      fills.emplace_back([&plans, m, modules](Emitter& emitter) {
        for (size_t k = m; k < plans.size(); k += modules)
          plans[k]->emit(emitter, fmt::format("kernel{}", k));
      });
    }
    const std::vector<std::string> objects = compile_objects(cpu, fills);
    cache.put(full_key, join_objects(objects));
    return std::make_shared<LoadedCode>(objects);
  }
};

}  // namespace
}  // namespace codegen

Backend& llvm_backend() {
  static codegen::LlvmBackend backend;
  return backend;
}

}  // namespace sinter
