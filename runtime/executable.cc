// Running an executable: workers take pieces of kernels from queues; a stage starts when the one before it is complete.
#include "runtime/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "runtime/profile.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

// The state of one phase of one step. Each worker has a queue of neighbouring pieces and helps the others when its own is empty.
// A queue's `next` holds the ticket of the run in its upper half: a thread that was held up during an older run finds another
// ticket and takes nothing. The ticket tells the number of workers too, from which the ends of the queues follow: a late thread
// must not see the ends of one run with the pieces of another.
struct alignas(64) Queue {
  std::atomic<uint64_t> next{0};
};

struct PhaseState {
  int32_t step = 0;
  int32_t phase = 0;
  int32_t pieces = 1;
  alignas(64) std::atomic<uint64_t> done{0};  // ticket in the upper half
};

constexpr unsigned kWorkerBits = 7;
static_assert(kMaxThreads < (1 << kWorkerBits));
constexpr int workers_of(unsigned ticket) { return static_cast<int>(ticket % (1U << kWorkerBits)); }

// The pieces of worker w are [first_piece(w), first_piece(w + 1)).
constexpr uint32_t first_piece(int64_t pieces, int worker, int workers) { return static_cast<uint32_t>(pieces * worker / workers); }

constexpr uint64_t pack(unsigned ticket, uint32_t value) { return (uint64_t{ticket} << 32) | value; }

}  // namespace

struct Executable::Instance {
  explicit Instance(const Program& p) : program(p), arena(DType::kUint8, Shape{p.arena_bytes}) {}

  const Program& program;
  Tensor arena;
  using Tables = std::vector<std::vector<void*>>;  // buffers of each step, then scratch, prepared and workspace
  std::vector<Tables> tables;                      // one a worker: they differ in the workspace
  std::vector<Tensor> workspaces;                  // one a worker
  struct Patch {
    int32_t step = 0, slot = 0;
    int64_t index = 0;
  };
  std::vector<Patch> input_patches, output_patches;
  std::vector<std::unique_ptr<PhaseState>> phases;  // stage by stage
  std::vector<size_t> stage_ends;                   // phases [stage_ends[i - 1], stage_ends[i]) run side by side
  std::vector<std::unique_ptr<Queue[]>> queues;  // a phase: one queue a worker
  unsigned ticket = 0;
  // Helpers that wait long for the end of a stage sleep until the calling thread has seen it.
  alignas(64) std::atomic<uint32_t> stages_seen{0};
  std::atomic<int> sleepers{0};
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  // When profiling: the time before the first phase and after each, by the calling thread.
  std::atomic<bool> timed{false};
  std::vector<std::chrono::steady_clock::time_point> stamps;

  void* resolve(const BufferPlacement& b, std::vector<Tensor>& variables, Tensor& derived) {
    switch (b.kind) {
      case BufferPlacement::Kind::kArena: return static_cast<std::byte*>(arena.raw()) + b.offset;
      case BufferPlacement::Kind::kDerived: return static_cast<std::byte*>(derived.raw()) + b.offset;
      case BufferPlacement::Kind::kVariable: return variables[static_cast<size_t>(b.offset)].raw();
      case BufferPlacement::Kind::kConstant: return const_cast<void*>(program.constants[static_cast<size_t>(b.offset)].raw());
      case BufferPlacement::Kind::kInput: return inputs.empty() ? nullptr : const_cast<void*>(inputs[static_cast<size_t>(b.offset)]);
      case BufferPlacement::Kind::kOutput: return outputs.empty() ? nullptr : outputs[static_cast<size_t>(b.offset)];
    }
    return nullptr;
  }

  void set_up(std::vector<Tensor>& variables, Tensor& derived, std::vector<Tensor>& prepared) {
    tables.reserve(kMaxThreads);
    tables.emplace_back();
    for (size_t s = 0; s < program.steps.size(); ++s) {
      const Step& step = program.steps[s];
      std::vector<void*> table;
      for (size_t k = 0; k < step.buffers.size(); ++k) {
        const BufferPlacement& b = step.buffers[k];
        table.push_back(resolve(b, variables, derived));
        const Patch patch{static_cast<int32_t>(s), static_cast<int32_t>(k), b.offset};
        if (b.kind == BufferPlacement::Kind::kInput) input_patches.push_back(patch);
        if (b.kind == BufferPlacement::Kind::kOutput) output_patches.push_back(patch);
      }
      table.push_back(step.scratch_offset >= 0 ? static_cast<std::byte*>(arena.raw()) + step.scratch_offset : nullptr);
      table.push_back(step.kernel->prepared_bytes() > 0 ? prepared[s].raw() : nullptr);
      table.push_back(nullptr);
      tables[0].push_back(std::move(table));
    }
    for (const std::vector<StepPhase>& stage : program.stages) {
      for (const StepPhase& at : stage) {
        auto state = std::make_unique<PhaseState>();
        state->step = at.step;
        state->phase = at.phase;
        state->pieces = program.steps[static_cast<size_t>(at.step)].kernel->pieces(at.phase);
        phases.push_back(std::move(state));
        queues.push_back(std::make_unique<Queue[]>(kMaxThreads));
      }
      stage_ends.push_back(phases.size());
    }
    add_workspace();
  }

  void add_workspace() {
    int64_t bytes = 0;
    for (const Step& step : program.steps) bytes = std::max(bytes, step.kernel->workspace_bytes());
    workspaces.emplace_back(DType::kUint8, Shape{bytes});
    for (size_t s = 0; s < program.steps.size(); ++s) {
      if (program.steps[s].kernel->workspace_bytes() > 0) tables[workspaces.size() - 1][s].back() = workspaces.back().raw();
    }
  }

  void add_workers(int count) {
    while (tables.size() < static_cast<size_t>(count)) {
      tables.push_back(tables[0]);
      add_workspace();
    }
  }

  void patch() {
    for (Tables& of_worker : tables) {
      const auto slot = [&](const Patch& p) -> void*& { return of_worker[static_cast<size_t>(p.step)][static_cast<size_t>(p.slot)]; };
      for (const Patch& p : input_patches) slot(p) = const_cast<void*>(inputs[static_cast<size_t>(p.index)]);
      for (const Patch& p : output_patches) slot(p) = outputs[static_cast<size_t>(p.index)];
    }
  }

  void begin_stamps() {
    timed = profiling();
    if (!timed) return;
    stamps.clear();
    stamps.reserve(phases.size() + 1);
    stamp();
  }
  void stamp() { stamps.push_back(std::chrono::steady_clock::now()); }
  std::vector<int64_t> phase_times() const {
    std::vector<int64_t> times;
    for (size_t k = 1; k < stamps.size(); ++k)
      times.push_back(std::chrono::nanoseconds(stamps[k] - stamps[k - 1]).count());
    return times;
  }

  void run_alone() {
    for (const auto& state : phases) {
      const Kernel& kernel = *program.steps[static_cast<size_t>(state->step)].kernel;
      void* const* table = tables[0][static_cast<size_t>(state->step)].data();
      for (int piece = 0; piece < state->pieces; ++piece) kernel.run(state->phase, piece, table);
      if (timed) stamp();
    }
  }

  void fill_queues(int workers) {
    add_workers(workers);
    ticket = (((ticket >> kWorkerBits) + 1) << kWorkerBits) + static_cast<unsigned>(workers);
    for (size_t k = 0; k < phases.size(); ++k) {
      PhaseState& state = *phases[k];
      state.done.store(pack(ticket, 0), std::memory_order_relaxed);
      for (int w = 0; w < workers; ++w) {
        queues[k][static_cast<size_t>(w)].next.store(pack(ticket, first_piece(state.pieces, w, workers)), std::memory_order_release);
      }
    }
  }

  // Takes pieces of phase k from queue w, on behalf of `worker`. False when the run is over.
  bool drain(size_t k, int w, int worker, unsigned run_ticket) {
    PhaseState& state = *phases[k];
    Queue& queue = queues[k][static_cast<size_t>(w)];
    const uint32_t end = first_piece(state.pieces, w + 1, workers_of(run_ticket));
    uint64_t next = queue.next.load(std::memory_order_acquire);
    while (true) {
      if (static_cast<unsigned>(next >> 32) != run_ticket) return false;
      const auto piece = static_cast<uint32_t>(next);
      if (piece >= end) return true;
      if (!queue.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      program.steps[static_cast<size_t>(state.step)].kernel->run(state.phase, static_cast<int>(piece),
                                                                   tables[static_cast<size_t>(worker)][static_cast<size_t>(state.step)].data());
      state.done.fetch_add(1, std::memory_order_acq_rel);
      next = queue.next.load(std::memory_order_acquire);
    }
  }

  static void work(void* context, int worker, unsigned run_ticket) {
    auto& self = *static_cast<Instance*>(context);
    size_t begin = 0;
    if (self.timed) {
      // Kernel by kernel, so that each has a time of its own.
      for (size_t k = 0; k < self.phases.size(); ++k) {
        if (!self.work_on(k, k + 1, worker, run_ticket)) return;
        if (worker == 0) self.stamp();
      }
      return;
    }
    for (size_t end : self.stage_ends) {
      if (!self.work_on(begin, end, worker, run_ticket)) return;
      begin = end;
    }
  }

  // Takes part in phases [begin, end) until all of them are complete. False when this worker has no more to do in this run.
  bool work_on(size_t begin, size_t end, int worker, unsigned run_ticket) {
    const int count = workers_of(run_ticket);
    for (int i = 0; i < count; ++i) {
      for (size_t k = begin; k < end; ++k) {
        if (!drain(k, (worker + i) % count, worker, run_ticket)) return false;
      }
    }
    for (size_t k = begin; k < end; ++k) {
      for (int spins = 0; !is_complete(k, run_ticket); ++spins) {
        // The thread that holds the last piece may have lost its core: after a while let it have this one. Helpers sleep, since waking
        // finds an idle core where yielding would stay on this one.
        if (spins < 2000) spin_pause();
        else if (worker == 0) std::this_thread::yield();
        else sleep_until_complete(k, run_ticket);
      }
    }
    if (worker == 0) {
      stages_seen.fetch_add(1, std::memory_order_seq_cst);
      if (sleepers.load(std::memory_order_seq_cst) > 0) stages_seen.notify_all();
    }
    return true;
  }

  // Has every piece of phase k been finished, by whomever? Also true once the run is over.
  bool is_complete(size_t k, unsigned run_ticket) const {
    const uint64_t done = phases[k]->done.load(std::memory_order_seq_cst);
    return static_cast<unsigned>(done >> 32) != run_ticket || static_cast<uint32_t>(done) == static_cast<uint32_t>(phases[k]->pieces);
  }

  void sleep_until_complete(size_t k, unsigned run_ticket) {
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t seen = stages_seen.load(std::memory_order_seq_cst);
    // The calling thread counts a stage after it has found it complete, so after this look.
    if (!is_complete(k, run_ticket)) stages_seen.wait(seen, std::memory_order_seq_cst);
    sleepers.fetch_sub(1, std::memory_order_seq_cst);
  }
};

Executable::Executable(Program program)
    : program_(std::move(program)), derived_(DType::kUint8, Shape{program_.derived_bytes}) {
  for (const Step& step : program_.steps) {
    const int64_t bytes = step.kernel->prepared_bytes();
    prepared_.emplace_back(DType::kUint8, Shape{bytes});
    has_derived_ = has_derived_ || bytes > 0 || step.prologue;
    shared_ = shared_ || (!step.prologue && step.kernel->most_pieces() > 1);
  }
  if (program_.graph.variables().empty()) bind({});
}

Executable::~Executable() {
  leave_profile(*this);
  for (const auto& instance : instances_) quiesce(instance.get());
}

void Executable::bind(std::vector<Tensor> variables, VariableVersion version) {
  const auto& expected = program_.graph.variables();
  if (variables.size() != expected.size()) {
    throw ShapeError(fmt::format("graph '{}' has {} variables, {} tensors were bound", graph().name(), expected.size(), variables.size()));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const Node& node = graph().node(expected[i]);
    if (variables[i].type() != node.types[0]) {
      throw ShapeError(fmt::format("variable '{}' is {}, the tensor bound to it {}", node.name, node.types[0].to_string(), variables[i].type().to_string()));
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& instance : instances_) quiesce(instance.get());
  idle_.store(nullptr);
  spare_.clear();
  instances_.clear();
  variables_ = std::move(variables);
  version_ = version ? std::move(version) : std::make_shared<std::atomic<uint64_t>>(0);
  derived_version_.store(~uint64_t{0});
}

Executable::Instance* Executable::acquire() {
  // The usual case, one run at a time: no lock.
  if (Instance* instance = idle_.exchange(nullptr, std::memory_order_acq_rel)) return instance;
  const std::lock_guard lock(mutex_);
  if (!spare_.empty()) {
    Instance* instance = spare_.back();
    spare_.pop_back();
    return instance;
  }
  instances_.push_back(std::make_unique<Instance>(program_));
  instances_.back()->set_up(variables_, derived_, prepared_);
  spare_.reserve(instances_.size());
  return instances_.back().get();
}

void Executable::release(Instance* instance) {
  Instance* expected = nullptr;
  if (idle_.compare_exchange_strong(expected, instance, std::memory_order_acq_rel)) return;
  const std::lock_guard lock(mutex_);
  spare_.push_back(instance);
}

void Executable::prepare(Instance& instance) {
  const uint64_t version = version_->load(std::memory_order_acquire);
  if (!has_derived_ || derived_version_.load(std::memory_order_acquire) == version) return;
  const std::lock_guard lock(mutex_);
  if (derived_version_.load(std::memory_order_relaxed) == version) return;
  for (size_t s = 0; s < program_.steps.size(); ++s) {
    const Step& step = program_.steps[s];
    void* const* table = instance.tables[0][s].data();
    if (step.kernel->prepared_bytes() > 0) step.kernel->prepare(table, prepared_[s].raw());
    if (step.prologue) step.kernel->run_all(table);
  }
  derived_version_.store(version, std::memory_order_release);
}

void Executable::run(std::span<const void* const> inputs, std::span<void* const> outputs) {
  SINTER_CHECK(inputs.size() == graph().inputs().size() && outputs.size() == graph().outputs().size(), graph().name());
  if (!version_) throw Error(fmt::format("graph '{}' has variables: bind them before run()", graph().name()));
  Instance* instance = acquire();
  struct Release {
    Executable* executable;
    Instance* instance;
    ~Release() { executable->release(instance); }
  } const release_at_end{this, instance};
  instance->inputs = inputs;
  instance->outputs = outputs;
  instance->patch();
  prepare(*instance);
  instance->begin_stamps();
  if (!shared_) {
    instance->run_alone();
  } else {
    PoolLease lease;
    if (lease.workers() == 1) {
      instance->run_alone();
    } else {
      instance->fill_queues(lease.workers());
      lease.launch({&Instance::work, instance}, instance->ticket);
    }
  }
  if (instance->timed) add_to_profile(*this, instance->phase_times());
  for (const Copy& copy : program_.copies) {
    std::memmove(instance->resolve(copy.to, variables_, derived_), instance->resolve(copy.from, variables_, derived_),
                 static_cast<size_t>(copy.bytes));
  }
  if (!graph().updates().empty()) {
    // This run changed none of the variables that its own derived values were made of.
    uint64_t before = version_->fetch_add(1, std::memory_order_acq_rel);
    derived_version_.compare_exchange_strong(before, before + 1, std::memory_order_acq_rel);
  }
}

std::vector<Tensor> Executable::run(std::span<const Tensor> inputs) {
  const auto& expected = graph().inputs();
  if (inputs.size() != expected.size()) {
    throw ShapeError(fmt::format("graph '{}' has {} inputs, {} tensors were given", graph().name(), expected.size(), inputs.size()));
  }
  std::vector<const void*> in;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Node& node = graph().node(expected[i]);
    if (inputs[i].type() != node.types[0]) {
      throw ShapeError(fmt::format("input '{}' is {}, the tensor given for it {}", node.name, node.types[0].to_string(), inputs[i].type().to_string()));
    }
    in.push_back(inputs[i].raw());
  }
  std::vector<Tensor> results;
  std::vector<void*> out;
  for (const Graph::Output& o : graph().outputs()) {
    const ValueType& type = graph().type(o.value);
    results.emplace_back(type.dtype, type.shape);
    out.push_back(results.back().raw());
  }
  run(in, out);
  return results;
}

}  // namespace sinter
