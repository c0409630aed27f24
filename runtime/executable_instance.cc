// Running on several threads: workers take pieces of kernels from queues, and meet at the end of
// each stage.
#include "runtime/executable_instance.h"

#include <algorithm>
#include <thread>

#include "runtime/thread_pool.h"

namespace sinter {
namespace {

constexpr unsigned kWorkerBits = 7;
static_assert(kMaxThreads < (1 << kWorkerBits));
constexpr int workers_of(unsigned ticket) { return static_cast<int>(ticket % (1U << kWorkerBits)); }

// The pieces of worker w are [first_piece(w), first_piece(w + 1)).
constexpr uint32_t first_piece(int64_t pieces, int worker, int workers) {
  return static_cast<uint32_t>(pieces * worker / workers);
}

constexpr uint64_t pack(unsigned ticket, uint32_t value) {
  return (uint64_t{ticket} << 32) | value;
}

}  // namespace

void* Executable::Instance::resolve(const BufferPlacement& b, std::vector<Tensor>& variables,
                                    Tensor& derived) {
  switch (b.kind) {
    case BufferPlacement::Kind::kArena: return static_cast<std::byte*>(arena_.raw()) + b.offset;
    case BufferPlacement::Kind::kDerived: return static_cast<std::byte*>(derived.raw()) + b.offset;
    case BufferPlacement::Kind::kVariable: return variables[static_cast<size_t>(b.offset)].raw();
    case BufferPlacement::Kind::kConstant:
      return const_cast<void*>(program_.constants[static_cast<size_t>(b.offset)].raw());
    case BufferPlacement::Kind::kInput:
      return inputs_.empty() ? nullptr : const_cast<void*>(inputs_[static_cast<size_t>(b.offset)]);
    case BufferPlacement::Kind::kOutput:
      return outputs_.empty() ? nullptr : outputs_[static_cast<size_t>(b.offset)];
  }
  return nullptr;
}

void Executable::Instance::set_up(std::vector<Tensor>& variables, Tensor& derived,
                                  std::vector<Tensor>& prepared) {
  tables_.reserve(kMaxThreads);
  tables_.emplace_back();
  for (size_t s = 0; s < program_.steps.size(); ++s) {
    const Step& step = program_.steps[s];
    std::vector<void*> buffers;
    for (size_t k = 0; k < step.buffers.size(); ++k) {
      const BufferPlacement& b = step.buffers[k];
      buffers.push_back(resolve(b, variables, derived));
      const Patch patch{static_cast<int32_t>(s), static_cast<int32_t>(k), b.offset};
      if (b.kind == BufferPlacement::Kind::kInput) input_patches_.push_back(patch);
      if (b.kind == BufferPlacement::Kind::kOutput) output_patches_.push_back(patch);
    }
    buffers.push_back(step.scratch_offset >= 0
                          ? static_cast<std::byte*>(arena_.raw()) + step.scratch_offset
                          : nullptr);
    buffers.push_back(step.kernel->prepared_bytes() > 0 ? prepared[s].raw() : nullptr);
    buffers.push_back(nullptr);
    tables_[0].push_back(std::move(buffers));
  }
  for (const std::vector<StepPhase>& stage : program_.stages) {
    for (const StepPhase& at : stage) {
      auto state = std::make_unique<PhaseState>();
      state->step = at.step;
      state->phase = at.phase;
      state->pieces = program_.steps[static_cast<size_t>(at.step)].kernel->pieces(at.phase);
      phases_.push_back(std::move(state));
      queues_.push_back(std::make_unique<Queue[]>(kMaxThreads));
    }
    stage_ends_.push_back(phases_.size());
  }
  add_workspace();
}

int64_t Executable::queue_bytes(const Program& program, int workers) {
  return Instance::queue_bytes(program, workers);
}

int64_t Executable::Instance::queue_bytes(const Program& program, int workers) {
  constexpr int64_t kBlock = 96;     // what the heap and alignment add to a block
  constexpr int64_t kItself = 2048;  // with lists that are short
  int64_t tables = 0, phases = 0;
  for (const Step& step : program.steps)
    tables += kBlock + static_cast<int64_t>(sizeof(std::vector<void*>) + 2 * sizeof(Patch) +
                                            (step.buffers.size() + 3) * sizeof(void*));
  for (const std::vector<StepPhase>& stage : program.stages)
    phases += static_cast<int64_t>(stage.size());
  return kItself + workers * tables + kMaxThreads * static_cast<int64_t>(sizeof(Tables)) +
         phases *
             (2 * kBlock + static_cast<int64_t>(sizeof(PhaseState) + kMaxThreads * sizeof(Queue) +
                                                4 * sizeof(void*)));
}

void Executable::Instance::add_workspace() {
  int64_t bytes = 0;
  for (const Step& step : program_.steps) bytes = std::max(bytes, step.kernel->workspace_bytes());
  workspaces_.emplace_back(DType::kUint8, Shape{bytes});
  for (size_t s = 0; s < program_.steps.size(); ++s) {
    if (program_.steps[s].kernel->workspace_bytes() > 0)
      tables_[workspaces_.size() - 1][s].back() = workspaces_.back().raw();
  }
}

void Executable::Instance::add_workers(int count) {
  while (tables_.size() < static_cast<size_t>(count)) {
    tables_.push_back(tables_[0]);
    add_workspace();
  }
}

void Executable::Instance::set_arguments(std::span<const void* const> in,
                                         std::span<void* const> out) {
  inputs_ = in;
  outputs_ = out;
  for (Tables& of_worker : tables_) {
    const auto slot = [&](const Patch& p) -> void*& {
      return of_worker[static_cast<size_t>(p.step)][static_cast<size_t>(p.slot)];
    };
    for (const Patch& p : input_patches_)
      slot(p) = const_cast<void*>(inputs_[static_cast<size_t>(p.index)]);
    for (const Patch& p : output_patches_) slot(p) = outputs_[static_cast<size_t>(p.index)];
  }
}

void Executable::Instance::begin_recording() {
  recorded_.store(is_recording() && takes_run(), std::memory_order_relaxed);
  if (!is_recorded()) return;
  slices_.resize(kMaxThreads);
  for (std::vector<RecordedSlice>& of_worker : slices_) of_worker.clear();
  recording_thread(/*anew=*/true);
  recorded_from_ = recording_clock();
}

void Executable::Instance::record_preparation(int64_t begin) {
  RecordedSlice slice;
  slice.program = &program_;
  slice.thread = recording_thread();
  slice.begin = begin;
  slice.end = recording_clock();
  slices_[0].push_back(slice);
}

void Executable::Instance::end_recording(std::shared_ptr<const Program> program) {
  RecordedRun run;
  run.program = std::move(program);
  run.begin = recorded_from_;
  for (const std::vector<RecordedSlice>& of_worker : slices_)
    run.slices.insert(run.slices.end(), of_worker.begin(), of_worker.end());
  add_run(std::move(run));
}

void Executable::Instance::run_piece(const PhaseState& state, int piece, size_t worker) {
  const auto step = static_cast<size_t>(state.step);
  const Kernel& kernel = *program_.steps[step].kernel;
  void* const* buffers = tables_[worker][step].data();
  if (!is_recorded()) return kernel.run(state.phase, piece, buffers);
  const SliceTimer timer(slices_[worker], program_, state.step, state.phase, piece);
  kernel.run(state.phase, piece, buffers);
}

void Executable::Instance::run_alone() {
  for (const auto& state : phases_) {
    for (int piece = 0; piece < state->pieces; ++piece) run_piece(*state, piece, 0);
  }
}

void Executable::Instance::run_shared(PoolLease& lease) {
  fill_queues(lease.workers());
  lease.launch({&Instance::work, this}, ticket_);
}

void Executable::Instance::fill_queues(int workers) {
  add_workers(workers);
  ticket_ = (((ticket_ >> kWorkerBits) + 1) << kWorkerBits) + static_cast<unsigned>(workers);
  for (size_t k = 0; k < phases_.size(); ++k) {
    PhaseState& state = *phases_[k];
    state.done.store(pack(ticket_, 0), std::memory_order_relaxed);
    for (int w = 0; w < workers; ++w) {
      queues_[k][static_cast<size_t>(w)].next.store(
          pack(ticket_, first_piece(state.pieces, w, workers)), std::memory_order_release);
    }
  }
}

// Takes pieces of phase k from queue w, on behalf of `worker`. False when the run is over.
bool Executable::Instance::drain(size_t k, int w, int worker, unsigned run_ticket) {
  PhaseState& state = *phases_[k];
  Queue& queue = queues_[k][static_cast<size_t>(w)];
  const uint32_t end = first_piece(state.pieces, w + 1, workers_of(run_ticket));
  uint64_t next = queue.next.load(std::memory_order_acquire);
  while (true) {
    if (static_cast<unsigned>(next >> 32) != run_ticket) return false;
    const auto piece = static_cast<uint32_t>(next);
    if (piece >= end) return true;
    if (!queue.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel,
                                          std::memory_order_acquire))
      continue;
    run_piece(state, static_cast<int>(piece), static_cast<size_t>(worker));
    state.done.fetch_add(1, std::memory_order_acq_rel);
    next = queue.next.load(std::memory_order_acquire);
  }
}

void Executable::Instance::work(void* context, int worker, unsigned run_ticket) {
  auto& self = *static_cast<Instance*>(context);
  size_t begin = 0;
  for (size_t end : self.stage_ends_) {
    if (!self.work_on(begin, end, worker, run_ticket)) return;
    begin = end;
  }
}

// Takes part in phases [begin, end) until all of them are complete. False when this worker has no
// more to do in this run.
bool Executable::Instance::work_on(size_t begin, size_t end, int worker, unsigned run_ticket) {
  const int count = workers_of(run_ticket);
  for (int i = 0; i < count; ++i) {
    for (size_t k = begin; k < end; ++k) {
      if (!drain(k, (worker + i) % count, worker, run_ticket)) return false;
    }
  }
  for (size_t k = begin; k < end; ++k) {
    for (int spins = 0; !is_complete(k, run_ticket); ++spins) {
      // The thread that holds the last piece may have lost its core: after a while let it have this
      // one. Helpers sleep, since waking finds an idle core where yielding would stay on this one.
      if (spins < 2000)
        spin_pause();
      else if (worker == 0)
        std::this_thread::yield();
      else
        sleep_until_complete(k, run_ticket);
    }
  }
  if (worker == 0) {
    stages_seen_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) stages_seen_.notify_all();
  }
  return true;
}

// Has every piece of phase k been finished, by whomever? Also true once the run is over.
bool Executable::Instance::is_complete(size_t k, unsigned run_ticket) const {
  const uint64_t done = phases_[k]->done.load(std::memory_order_seq_cst);
  return static_cast<unsigned>(done >> 32) != run_ticket ||
         static_cast<uint32_t>(done) == static_cast<uint32_t>(phases_[k]->pieces);
}

void Executable::Instance::sleep_until_complete(size_t k, unsigned run_ticket) {
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  const uint32_t seen = stages_seen_.load(std::memory_order_seq_cst);
  // The calling thread counts a stage after it has found it complete, so after this look.
  if (!is_complete(k, run_ticket)) stages_seen_.wait(seen, std::memory_order_seq_cst);
  sleepers_.fetch_sub(1, std::memory_order_seq_cst);
}

}  // namespace sinter
