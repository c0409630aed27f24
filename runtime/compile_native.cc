#include "runtime/compile_native.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <set>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/line.h"
#include "core/rewriter.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#if SINTER_WITH_LLVM
#include "runtime/llvm/jit/plugin.h"
#include "runtime/llvm/native/builder.h"
#include "runtime/llvm/native/planning_backend.h"
#endif

namespace sinter {

#if SINTER_WITH_LLVM
namespace {

using codegen::NativeOutput;

codegen::Cpu cpu_of(const std::string& target, const std::string& name) {
  constexpr std::array kLevels = {"x86-64", "x86-64-v3", "x86-64-v4"};
  if (!target.empty()) return codegen::find_cross_cpu(target, name == "native" ? "" : name);
  if (name == "native") return codegen::host_cpu();
  const bool is_level = std::ranges::find(kLevels, name) != kLevels.end();
  return is_level ? codegen::find_cpu(name) : codegen::find_cross_cpu("", name);
}

// What a compiler of C makes of it is for that compiler to know.
codegen::Cpu in_c(codegen::Cpu cpu) {
  cpu.has_fma = cpu.has_round = true;
  cpu.has_avx512 = cpu.multiplies_bfloat16 = false;
  return cpu;
}

// Is there an address for each byte?
void check_reach(const codegen::NativeModule& module) {
  const codegen::Cpu& cpu = module.variants.front().cpu;
  if (cpu.pointer_bytes == 8) return;
  int64_t bytes = 0;  // workspace and state are among the sizes
  for (const Tensor& constant : module.constants) bytes += constant.bytes();
  for (const codegen::NativeSize& size : module.sizes) bytes += size.value;
  if (bytes > std::numeric_limits<int32_t>::max())
    throw Error(
        fmt::format("cannot export for {}: weights and workspace take {} bytes, and its "
                    "pointers reach 2^31",
                    cpu.triple, bytes));
}

NativeOutput output_of(NativeOptions::Output output) {
  switch (output) {
    case NativeOptions::Output::kObject: return NativeOutput::kObject;
    case NativeOptions::Output::kAssembly: return NativeOutput::kAssembly;
    case NativeOptions::Output::kIr: return NativeOutput::kIr;
    case NativeOptions::Output::kC: return NativeOutput::kC;
  }
  return NativeOutput::kObject;
}

// A graph whose variables in the state are inputs where it changes none of them: nothing that
// follows from them may be computed ahead.
Graph with_state_as_inputs(const NativeEntry& entry) {
  std::set<int32_t> updated;
  for (const Graph::Update& u : entry.graph.updates()) updated.insert(u.variable);
  return rewrite(entry.graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = entry.graph.node(index);
    if (!node.is(KernelOp::kVariable) || updated.contains(index) ||
        entry.storage(node.name).offset < 0)
      return false;
    rewriter.replace({index, 0}, rewriter.target().input(node.name, node.types[0]));
    return true;
  });
}

void add_function(codegen::NativeBuilder& builder, const NativeEntry& entry, const Program& program,
                  bool has_state) {
  const Graph& lowered = program.graph;
  std::vector<codegen::NativeVariable> variables;
  for (const int32_t index : lowered.variables()) {
    NativeStorage storage = entry.storage(lowered.node(index).name);
    variables.push_back({std::move(storage.value), storage.offset});
  }
  std::vector<int64_t> offsets;
  for (const int32_t index : lowered.inputs()) {
    const std::string& name = lowered.node(index).name;
    const bool is_own = entry.graph.find_input(name) >= 0;
    offsets.push_back(is_own ? -1 : entry.storage(name).offset);
  }
  builder.add_function(entry.function, program, has_state, variables, offsets);
}

void add_state(codegen::NativeBuilder& builder, const NativeState& state) {
  codegen::NativeInitializer initializer{
      .function = state.function, .parts = {}, .random_state = state.random_state};
  for (const NativeStorage& variable : state.variables)
    initializer.parts.push_back({builder.constant(variable.value), variable.offset});
  builder.module().initializers.push_back(std::move(initializer));
  builder.module().sizes.push_back({builder.module().name + "_state_size", state.bytes});
}

NativeCode make(std::span<const NativeEntry> entries, const NativeOptions& options) {
  codegen::NativeBuilder builder(options.name, options.workers);
  NativeCode result;
  result.workspace_bytes.resize(entries.size());
  std::vector<std::unique_ptr<Program>> programs;  // which the plans belong to
  for (const std::string& name : options.cpus) {
    const bool is_c = options.output == NativeOptions::Output::kC;
    const codegen::Cpu cpu = is_c ? in_c(cpu_of("", name)) : cpu_of(options.target, name);
    const std::unique_ptr<Backend> backend = codegen::planning_backend(cpu);
    const BackendList list{{backend.get()}, {backend.get()}};
    builder.begin_variant(cpu);
    for (size_t e = 0; e < entries.size(); ++e) {
      CompileOptions of_entry = entries[e].options;
      of_entry.backend = "llvm";
      programs.push_back(std::make_unique<Program>(
          compile_program(with_state_as_inputs(entries[e]), of_entry, list)));
      add_function(builder, entries[e], *programs.back(), options.state.has_value());
      int64_t& bytes = result.workspace_bytes[e];
      bytes = std::max(bytes, builder.module().variants.back().functions.back().workspace_bytes);
    }
  }
  codegen::NativeModule& module = builder.module();
  for (const auto& [function, text] : options.texts) module.texts.push_back({function, text});
  module.sizes.push_back(
      {options.name + "_workspace_size", std::ranges::max(result.workspace_bytes)});
  if (options.state) add_state(builder, *options.state);
  check_reach(module);
  result.code = codegen::emit_native_code(module, output_of(options.output));
  return result;
}

}  // namespace
#endif

NativeCode compile_native(std::span<const NativeEntry> entries, const NativeOptions& options,
                          SourceLocation where) {
  return at_line(where, [&]() -> NativeCode {
    SINTER_CHECK(!entries.empty() && !options.cpus.empty(), options.name);
#if SINTER_WITH_LLVM
    return make(entries, options);
#else
    find_backend("llvm");  // which says why it is not there
    return {};
#endif
  });
}

}  // namespace sinter
