#include "runtime/llvm/native/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/hash.h"
#include "runtime/aligned.h"
#include "runtime/llvm/native/planning_backend.h"
#include "runtime/micro_batches.h"

namespace sinter::codegen {
namespace {

using Base = NativeAddress::Base;
using Kind = BufferPlacement::Kind;

// A program with what depends on its variables alone, computed.
class Frozen {
 public:
  Frozen(const Program& program, std::span<const NativeVariable> variables)
      : program_(program), variables_(variables), derived_(bytes(program.derived_bytes)) {
    Tensor arena = bytes(program.arena_bytes);
    for (const Step& step : program.steps) {
      prepared.push_back(bytes(step.kernel->prepared_bytes()));
      if (!step.prologue && prepared.back().bytes() == 0) continue;
      Tensor workspace = bytes(step.kernel->workspace_bytes());
      std::vector<void*> table;
      for (const BufferPlacement& b : step.buffers) table.push_back(place(b, arena));
      table.push_back(step.scratch_offset >= 0 ? at(arena, step.scratch_offset) : nullptr);
      table.push_back(prepared.back().raw());
      table.push_back(workspace.raw());
      if (prepared.back().bytes() > 0) step.kernel->prepare(table.data(), prepared.back().raw());
      if (step.prologue) step.kernel->run_all(table.data());
    }
  }

  std::vector<Tensor> prepared;  // one a step

  /// A result of the prologue.
  Tensor derived(const BufferPlacement& b, int64_t count) const {
    Tensor value = bytes(count);
    std::memcpy(value.raw(), static_cast<const std::byte*>(derived_.raw()) + b.offset,
                static_cast<size_t>(count));
    return value;
  }

 private:
  static Tensor bytes(int64_t count) { return Tensor(DType::kUint8, Shape{count}); }
  static void* at(Tensor& memory, int64_t offset) {
    return static_cast<std::byte*>(memory.raw()) + offset;
  }
  // What runs alone read is not there.
  void* place(const BufferPlacement& b, Tensor& arena) {
    const auto i = static_cast<size_t>(b.offset);
    switch (b.kind) {
      case Kind::kArena: return at(arena, b.offset);
      case Kind::kDerived: return at(derived_, b.offset);
      case Kind::kVariable: return const_cast<void*>(variables_[i].value.raw());
      case Kind::kConstant: return const_cast<void*>(program_.constants[i].raw());
      case Kind::kInput:
      case Kind::kOutput: break;
    }
    return nullptr;
  }

  const Program& program_;
  std::span<const NativeVariable> variables_;
  Tensor derived_;
};

bool is_in_memory(const NativeVariable& v) { return v.offset >= 0; }

}  // namespace

void NativeBuilder::begin_variant(const Cpu& cpu) {
  module_.variants.push_back({cpu, {}, {}});
  kernels_.clear();
}

size_t NativeBuilder::kernel(const KernelPlan& plan) {
  NativeVariant& variant = module_.variants.back();
  const auto [it, added] = kernels_.try_emplace(plan.key(), variant.kernels.size());
  if (added) variant.kernels.push_back(&plan);
  return it->second;
}

size_t NativeBuilder::constant(const Tensor& value) {
  const auto count = static_cast<size_t>(value.bytes());
  const uint64_t hash =
      hash_bytes({static_cast<const std::byte*>(value.raw()), count}, uint64_t{count});
  const auto [begin, end] = constants_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const Tensor& known = module_.constants[it->second];
    if (known.bytes() == value.bytes() && std::memcmp(known.raw(), value.raw(), count) == 0)
      return it->second;
  }
  constants_.emplace(hash, module_.constants.size());
  module_.constants.push_back(value);
  return module_.constants.size() - 1;
}

void NativeBuilder::add_function(const std::string& name, const Program& whole, bool has_state,
                                 std::span<const NativeVariable> variables,
                                 std::span<const int64_t> input_offsets) {
  const MicroBatchKernel* micro = micro_batches_of(whole);
  const Program& program = micro == nullptr ? whole : micro->program();
  const Graph& graph = program.graph;
  const Frozen frozen(program, variables);
  const int64_t first = has_state ? 1 : 0;
  std::vector<int64_t> argument_of;  // of each input
  int64_t inputs = 0;
  for (const int64_t offset : input_offsets) argument_of.push_back(offset < 0 ? inputs++ : -1);
  const int64_t kernels_workspace = aligned(program.arena_bytes);

  NativeFunction function;
  function.name = name;
  function.arguments = static_cast<int>(first + inputs) + static_cast<int>(graph.outputs().size());
  function.has_state = has_state;
  function.micro_batches = micro == nullptr ? 1 : micro->count();
  int64_t workspace = 0;
  const auto address = [&](const BufferPlacement& b, int64_t bytes) -> NativeAddress {
    const auto i = static_cast<size_t>(b.offset);
    const auto as_constant = [&](const Tensor& value) {
      return NativeAddress{Base::kConstant, static_cast<int64_t>(constant(value))};
    };
    switch (b.kind) {
      case Kind::kArena: return {Base::kWorkspace, 0, b.offset};
      case Kind::kInput:
        if (input_offsets[i] >= 0) return {Base::kArgument, 0, input_offsets[i]};
        return {Base::kArgument, first + argument_of[i], 0, micro ? micro->input_steps()[i] : 0};
      case Kind::kOutput:
        return {Base::kArgument, first + inputs + b.offset, 0, micro ? micro->output_steps()[i] : 0};
      case Kind::kConstant: return as_constant(program.constants[i]);
      case Kind::kVariable:
        return is_in_memory(variables[i]) ? NativeAddress{Base::kArgument, 0, variables[i].offset}
                                          : as_constant(variables[i].value);
      case Kind::kDerived: return as_constant(frozen.derived(b, bytes));
    }
    return {};
  };
  for (size_t s = 0; s < program.steps.size(); ++s) {
    const Step& step = program.steps[s];
    if (step.prologue) continue;
    const Kernel& kernel_of_step = *step.kernel;
    NativeCall call{kernel(plan_of(kernel_of_step)), {}};
    const Node& node = graph.node(step.node);
    for (size_t b = 0; b < step.buffers.size(); ++b) {
      const ValueType& type =
          b < node.inputs.size() ? graph.type(node.inputs[b]) : node.types[b - node.inputs.size()];
      call.buffers.push_back(address(step.buffers[b], type.bytes()));
    }
    const auto in_workspace = [](bool wanted, int64_t offset) {
      return wanted ? NativeAddress{Base::kWorkspace, 0, offset} : NativeAddress{};
    };
    call.buffers.push_back(in_workspace(step.scratch_offset >= 0, step.scratch_offset));
    const bool prepares = kernel_of_step.prepared_bytes() > 0;
    call.buffers.push_back(
        prepares ? NativeAddress{Base::kConstant, static_cast<int64_t>(constant(frozen.prepared[s]))}
                 : NativeAddress{});
    call.buffers.push_back(in_workspace(kernel_of_step.workspace_bytes() > 0, kernels_workspace));
    workspace = std::max(workspace, kernel_of_step.workspace_bytes());
    function.calls.push_back(std::move(call));
  }
  for (const Copy& copy : program.copies)
    function.copies.push_back(
        {address(copy.from, copy.bytes), address(copy.to, copy.bytes), copy.bytes});
  function.workers = workers_;
  function.worker_step = aligned(workspace);
  function.workspace_bytes = kernels_workspace + workers_ * function.worker_step;
  module_.variants.back().functions.push_back(std::move(function));
}

}  // namespace sinter::codegen
