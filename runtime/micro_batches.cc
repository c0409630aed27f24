#include "runtime/micro_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "runtime/aligned.h"
#include "runtime/memory_need.h"
#include "runtime/recording.h"

namespace sinter {
namespace {

using Kind = BufferPlacement::Kind;

// Fewer would leave threads without work.
constexpr int64_t kFewestMicroBatches = 8;
// Rows that are so much larger stay in no cache.
constexpr int64_t kMostTimesBytes = 16;

std::byte* at(void* base, int64_t offset) { return static_cast<std::byte*>(base) + offset; }

// Bytes from one micro-batch to the next, where there are rows.
std::vector<int64_t> steps_of(const std::vector<ValueId>& whole, const std::vector<ValueId>& part,
                              const Graph& of_whole, const Graph& of_part) {
  SINTER_CHECK(whole.size() == part.size(), of_whole.name());
  std::vector<int64_t> steps;
  for (size_t i = 0; i < whole.size(); ++i) {
    const ValueType &all = of_whole.type(whole[i]), &one = of_part.type(part[i]);
    steps.push_back(all == one ? 0 : one.bytes());
  }
  return steps;
}

std::vector<ValueId> inputs_of(const Graph& graph) {
  std::vector<ValueId> ids;
  for (const int32_t i : graph.inputs()) ids.push_back({i, 0});
  return ids;
}
std::vector<ValueId> outputs_of(const Graph& graph) {
  std::vector<ValueId> ids;
  for (const Graph::Output& o : graph.outputs()) ids.push_back(o.value);
  return ids;
}

}  // namespace

int64_t rows_of_micro_batch(const Graph& lowered, int64_t rows, int64_t bytes) {
  if (rows < kFewestMicroBatches || bytes <= 0) return rows;
  const int64_t whole = working_memory(lowered);
  const double of_row = static_cast<double>(whole) / static_cast<double>(rows);
  if (whole / 4 <= bytes || 2 * of_row > static_cast<double>(kMostTimesBytes * bytes)) return rows;
  const auto most = static_cast<int64_t>(static_cast<double>(bytes) / of_row);
  const int64_t longest = std::min(std::max<int64_t>(most, 2), rows / kFewestMicroBatches);
  for (int64_t part = longest; part > 1; --part) {
    if (rows % part == 0) return part;
  }
  return rows;
}

// Where things are while a micro-batch runs.
struct MicroBatchKernel::Memory {
  int64_t piece = 0;
  void* const* given = nullptr;  // inputs, variables, outputs
  void* prepared = nullptr;
  void* workspace = nullptr;
};

MicroBatchKernel::MicroBatchKernel(Program program, int64_t rows, int64_t count, const Graph& whole)
    : program_(std::move(program)), rows_(rows), count_(count) {
  const Graph& part = program_.graph;
  input_steps_ = steps_of(inputs_of(whole), inputs_of(part), whole, part);
  output_steps_ = steps_of(outputs_of(whole), outputs_of(part), whole, part);
  variables_ = part.variables().size();
  int64_t workspace = 0;
  size_t slots = 0;
  prepared_bytes_ = aligned(program_.derived_bytes);
  bool known = true;
  double microseconds = 0;
  for (const Step& step : program_.steps) {
    workspace = std::max(workspace, step.kernel->workspace_bytes());
    slots = std::max(slots, step.buffers.size() + 3);
    prepared_.push_back(prepared_bytes_);
    prepared_bytes_ += aligned(step.kernel->prepared_bytes());
    if (step.prologue) continue;
    known = known && step.microseconds;
    microseconds += step.microseconds.value_or(0);
  }
  if (known) microseconds_ = microseconds * static_cast<double>(count_);
  kernels_workspace_ = aligned(program_.arena_bytes);
  table_ = kernels_workspace_ + aligned(workspace);
  workspace_bytes_ = table_ + aligned(static_cast<int64_t>(slots * sizeof(void*)));
}

MicroBatchKernel::Memory MicroBatchKernel::memory_of(int piece, void* const* buffers) const {
  const size_t given = input_steps_.size() + variables_ + output_steps_.size();
  return {piece, buffers, buffers[given + 1], buffers[given + 2]};
}

void* MicroBatchKernel::resolve(const BufferPlacement& b, const Memory& m) const {
  const auto i = static_cast<size_t>(b.offset);
  const size_t inputs = input_steps_.size();
  switch (b.kind) {
    case Kind::kArena: return at(m.workspace, b.offset);
    case Kind::kDerived: return at(m.prepared, b.offset);
    case Kind::kInput: return at(m.given[i], m.piece * input_steps_[i]);
    case Kind::kVariable: return m.given[inputs + i];
    case Kind::kOutput: return at(m.given[inputs + variables_ + i], m.piece * output_steps_[i]);
    case Kind::kConstant: return const_cast<void*>(program_.constants[i].raw());
  }
  return nullptr;
}

// The buffers of a kernel, in the workspace.
void* const* MicroBatchKernel::table_of(size_t s, const Memory& m) const {
  const Step& step = program_.steps[s];
  auto* const table = reinterpret_cast<void**>(at(m.workspace, table_));
  void** next = table;
  for (const BufferPlacement& b : step.buffers) *next++ = resolve(b, m);
  *next++ = step.scratch_offset >= 0 ? at(m.workspace, step.scratch_offset) : nullptr;
  *next++ = step.kernel->prepared_bytes() > 0 ? at(m.prepared, prepared_[s]) : nullptr;
  *next = step.kernel->workspace_bytes() > 0 ? at(m.workspace, kernels_workspace_) : nullptr;
  return table;
}

void MicroBatchKernel::run(int, int piece, void* const* buffers) const {
  const Memory memory = memory_of(piece, buffers);
  std::vector<RecordedSlice>* const slices = current_slices();
  for (size_t s = 0; s < program_.steps.size(); ++s) {
    const Step& step = program_.steps[s];
    if (step.prologue) continue;
    void* const* table = table_of(s, memory);
    if (slices == nullptr) {
      step.kernel->run_all(table);
    } else {
      const SliceTimer timer(*slices, program_, static_cast<int32_t>(s), 0, piece);
      step.kernel->run_all(table);
    }
  }
  for (const Copy& copy : program_.copies) {
    const auto bytes = static_cast<size_t>(copy.bytes);
    std::memmove(resolve(copy.to, memory), resolve(copy.from, memory), bytes);
  }
}

void MicroBatchKernel::prepare(void* const* buffers, void* prepared) const {
  Memory memory = memory_of(0, buffers);
  memory.prepared = prepared;
  for (size_t s = 0; s < program_.steps.size(); ++s) {
    const Step& step = program_.steps[s];
    void* const* table = table_of(s, memory);
    if (step.kernel->prepared_bytes() > 0) step.kernel->prepare(table, at(prepared, prepared_[s]));
    if (step.prologue) step.kernel->run_all(table);
  }
}

std::string MicroBatchKernel::description() const {
  return fmt::format("{} micro-batches of {} rows, each through {} kernels", count_, rows_,
                     program_.steps.size());
}

const MicroBatchKernel* micro_batches_of(const Program& program) {
  if (program.steps.size() != 1) return nullptr;
  return dynamic_cast<const MicroBatchKernel*>(program.steps[0].kernel.get());
}

Program in_micro_batches(Graph whole, Program part, int64_t rows, int64_t count) {
  Program program;
  Step step;
  step.backend = "all";
  const auto add = [&](Kind kind, size_t number) {
    for (size_t i = 0; i < number; ++i) step.buffers.push_back({kind, static_cast<int64_t>(i)});
  };
  add(Kind::kInput, whole.inputs().size());
  add(Kind::kVariable, whole.variables().size());
  add(Kind::kOutput, whole.outputs().size());
  step.kernel = std::make_shared<MicroBatchKernel>(std::move(part), rows, count, whole);
  step.microseconds = step.kernel->microseconds();
  program.graph = std::move(whole);
  program.steps.push_back(std::move(step));
  program.stages = {{{0, 0}}};
  return program;
}

}  // namespace sinter
