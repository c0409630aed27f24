// Private to the executable: all that one run at a time needs, and how its kernels run on the
// workers. A stage starts when the one before it is complete.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/executable.h"
#include "runtime/recording.h"

namespace sinter {

class PoolLease;

struct Executable::Instance {
  explicit Instance(const Program& p) : program_(p), arena_(DType::kUint8, Shape{p.arena_bytes}) {}

  // --- memory
  static int64_t queue_bytes(const Program& program, int workers);
  /// Once, before the first run.
  void set_up(std::vector<Tensor>& variables, Tensor& derived, std::vector<Tensor>& prepared);
  /// Puts the inputs and outputs of a run where kernels look for them.
  void set_arguments(std::span<const void* const> in, std::span<void* const> out);
  void* resolve(const BufferPlacement& b, std::vector<Tensor>& variables, Tensor& derived);
  /// The buffers of a step, for the calling thread.
  void* const* table(size_t step) const { return tables_[0][step].data(); }

  // --- a run
  void run_alone();
  void run_shared(PoolLease& lease);
  // --- a recording of it (runtime/recording.h)
  void begin_recording();
  bool is_recorded() const { return recorded_.load(std::memory_order_relaxed); }
  /// What follows from the weights alone has been made since `begin`.
  void record_preparation(int64_t begin);
  void end_recording(std::shared_ptr<const Program> program);

 private:
  // Each worker has a queue of neighbouring pieces and helps the others when its own is empty. A
  // queue's `next` holds the ticket of the run in its upper half: a thread that was held up during
  // an older run finds another ticket and takes nothing. The ticket tells the number of workers
  // too, from which the ends of the queues follow: a late thread must not see the ends of one run
  // with the pieces of another.
  struct alignas(64) Queue {
    std::atomic<uint64_t> next{0};
  };
  // The state of one phase of one step.
  struct PhaseState {
    int32_t step = 0;
    int32_t phase = 0;
    int32_t pieces = 1;
    alignas(64) std::atomic<uint64_t> done{0};  // ticket in the upper half
  };
  using Tables = std::vector<std::vector<void*>>;  // buffers of each step, then scratch, prepared
                                                   // and workspace
  struct Patch {
    int32_t step = 0, slot = 0;
    int64_t index = 0;
  };

  void add_workspace();
  void add_workers(int count);
  void fill_queues(int workers);
  static void work(void* context, int worker, unsigned run_ticket);
  bool work_on(size_t begin, size_t end, int worker, unsigned run_ticket);
  bool drain(size_t k, int w, int worker, unsigned run_ticket);
  bool is_complete(size_t k, unsigned run_ticket) const;
  void sleep_until_complete(size_t k, unsigned run_ticket);
  void run_piece(const PhaseState& state, int piece, size_t worker);

  const Program& program_;
  Tensor arena_;
  std::vector<Tables> tables_;      // one a worker: they differ in the workspace
  std::vector<Tensor> workspaces_;  // one a worker
  std::vector<Patch> input_patches_, output_patches_;
  std::vector<std::unique_ptr<PhaseState>> phases_;  // stage by stage
  std::vector<size_t> stage_ends_;  // phases [stage_ends_[i - 1], stage_ends_[i]) run side by side
  std::vector<std::unique_ptr<Queue[]>> queues_;  // a phase: one queue a worker
  unsigned ticket_ = 0;
  // Helpers that wait long for the end of a stage sleep until the calling thread has seen it.
  alignas(64) std::atomic<uint32_t> stages_seen_{0};
  std::atomic<int> sleepers_{0};
  std::span<const void* const> inputs_;
  std::span<void* const> outputs_;
  std::atomic<bool> recorded_{false};
  int64_t recorded_from_ = 0;
  std::vector<std::vector<RecordedSlice>> slices_;  // a worker; the calling thread is the first
};

}  // namespace sinter
