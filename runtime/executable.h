// An executable: a lowered graph with a kernel for each node and a memory plan. run() is one call
// for a whole training step.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/fork.h"
#include "core/graph.h"
#include "core/memory_ranges.h"
#include "core/tensor.h"
#include "runtime/kernel.h"
#include "runtime/worker_choice.h"

namespace sinter {

/// Where a buffer of an executable lives.
struct BufferPlacement {
  enum class Kind : uint8_t { kArena, kDerived, kInput, kOutput, kVariable, kConstant };
  Kind kind = Kind::kArena;
  int64_t offset =
      0;  // arena, derived: bytes; otherwise: index of the input, output, variable or constant
  bool operator==(const BufferPlacement&) const = default;
};

/// One kernel call: which node, by which backend, on which buffers.
struct Step {
  int32_t node = -1;
  std::string backend;
  std::string reason;  // why this backend, for dumps
  std::shared_ptr<Kernel> kernel;
  std::optional<double> microseconds;    // estimated, on one thread
  std::vector<BufferPlacement> buffers;  // inputs, results
  int64_t scratch_offset = -1;           // in the arena
  bool prologue = false;                 // runs only after variables have changed (core/prologue.h)
};

/// Copies at the end of a run, in order: variables whose new value could not be written in place,
/// outputs that are inputs or variables.
struct Copy {
  BufferPlacement from, to;
  int64_t bytes = 0;
};

/// A phase of the kernel of a step.
struct StepPhase {
  int32_t step = 0, phase = 0;
  bool operator==(const StepPhase&) const = default;
};

struct Program {
  Graph graph;  // lowered, static
  std::vector<Step> steps;
  std::vector<std::vector<StepPhase>>
      stages;  // of a run, one after the other (runtime/plan_stages.h)
  std::vector<Copy> copies;
  std::vector<Tensor> constants;
  int64_t arena_bytes = 0;    // one for each run at a time
  int64_t derived_bytes = 0;  // results of the prologue, shared by all runs
};

/// Counts changes of a model's variables, so that executables know when what they derived from them
/// is stale.
using VariableVersion = std::shared_ptr<std::atomic<uint64_t>>;

/// The most threads that can work on a run at once; 1: no kernel is cut.
int most_workers(const Program& program);

/// "%4 fusion float32[128,128]": how lines about the kernel of a node begin.
std::string kernel_label(const Graph& graph, int32_t node);

class Executable {
 public:
  explicit Executable(Program program);
  ~Executable();
  Executable(const Executable&) = delete;

  const Graph& graph() const { return program_->graph; }
  const Program& program() const { return *program_; }
  /// Binds the storage of the variables, in the order of graph().variables(); types must match
  /// (raises ShapeError). Runs read it and update it in place. `version` is raised by runs of
  /// graphs with updates, and must be raised by whoever else writes the variables.
  void bind(std::vector<Tensor> variables, VariableVersion version = nullptr,
            SourceLocation where = SourceLocation::current());
  /// Runs once. `inputs` in the order of graph().inputs(); `outputs` in the order of
  /// graph().outputs(), memory of the caller that must not overlap. Allocates nothing of its own
  /// after the first call. Several threads may call at once when the graph has no updates. An input
  /// in the memory of a variable that the run updates is copied first. Raises
  /// ShapeError for another number of inputs or outputs, Error before variables are bound.
  void run(std::span<const void* const> inputs, std::span<void* const> outputs,
           SourceLocation where = SourceLocation::current());
  /// The same with tensors, whose types are checked; outputs are allocated.
  std::vector<Tensor> run(std::span<const Tensor> inputs,
                          SourceLocation where = SourceLocation::current());
  std::vector<Tensor> run(std::initializer_list<Tensor> inputs,
                          SourceLocation where = SourceLocation::current()) {
    return run(std::span(inputs.begin(), inputs.size()), where);
  }
  /// Kernels, backends with reasons, buffers and bytes, what each kernel is estimated to cost and
  /// why it runs on one thread or on all.
  std::string to_string() const;

  /// Bytes of buffer tables and queues that one run at a time keeps, for so many workers.
  static int64_t queue_bytes(const Program& program, int workers);

 private:
  struct Instance;  // arena, buffer tables and work queues of one run at a time
  Instance* acquire();
  void release(Instance* instance);
  void prepare(Instance& instance);
  /// On all threads or one, as `choice_` says.
  void run_stages(Instance& instance);
  /// Is any input in the memory of a variable that the run changes?
  bool reads_updated(std::span<const void* const> inputs) const;
  void check_count(SourceLocation where, const char* what, size_t has, size_t given) const;

  std::shared_ptr<const Program> program_;  // recordings of runs keep it
  std::vector<Tensor> variables_;
  MemoryRanges updated_;  // of the variables that runs change
  VariableVersion version_;
  ForkMutex mutex_;
  std::atomic<Instance*> idle_{nullptr};
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<Instance*> spare_;
  // What follows from variables that runs do not change, and the version of the variables it was
  // made of.
  Tensor derived_;                // results of the prologue
  std::vector<Tensor> prepared_;  // one a step, empty where nothing is prepared
  bool has_derived_ = false;
  int most_workers_ =
      1;  // pieces of the stage with the most; 1: no kernel is worth a second thread
  double microseconds_ = 0;  // of a run on one thread, as estimated
  WorkerChoice choice_;
  std::atomic<uint64_t> derived_version_{~uint64_t{0}};
};

}  // namespace sinter
