// A kernel: one node of a lowered graph made runnable. Work is cut into fixed pieces that do not
// depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"

namespace sinter {

class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Phases run one after the other with a barrier between them (partial sums, then their
  /// combination).
  virtual int phases() const { return 1; }
  /// Independent pieces of a phase, a function of shapes alone. Any thread may run any piece; the
  /// bits of the result must not depend on which. Kernels too small to share have one piece.
  virtual int pieces(int phase) const = 0;
  /// `buffers` holds the node's inputs, then its results, then scratch, prepared and workspace
  /// (null where it needs none). Must not allocate, lock, throw or make system calls.
  virtual void run(int phase, int piece, void* const* buffers) const = 0;
  /// Of any phase.
  int most_pieces() const {
    int most = 1;
    for (int phase = 0; phase < phases(); ++phase) most = std::max(most, pieces(phase));
    return most;
  }
  /// All phases and pieces in order, on the calling thread.
  void run_all(void* const* buffers) const {
    for (int phase = 0; phase < phases(); ++phase) {
      for (int piece = 0; piece < pieces(phase); ++piece) run(phase, piece, buffers);
    }
  }
  /// Bytes of working memory shared by all pieces of one run (64-byte aligned).
  virtual int64_t scratch_bytes() const { return 0; }
  /// Bytes of working memory of each thread (64-byte aligned): what a piece leaves there is lost.
  /// Kernels of a thread share it, so that it stays in the caches of its core.
  virtual int64_t workspace_bytes() const { return 0; }
  /// May result `result` share the memory of input `input` (every element is read before it is
  /// written, by the same piece)?
  virtual bool can_alias(int result, int input) const {
    (void)result, (void)input;
    return false;
  }
  /// Bytes that hold what this kernel derives from variables (packed weights); filled by prepare(),
  /// which the executable calls before the first run and whenever a variable has changed.
  virtual int64_t prepared_bytes() const { return 0; }
  virtual void prepare(void* const* buffers, void* prepared) const {
    (void)buffers, (void)prepared;
  }
  /// One line for dumps: "matmul 6x64 tiles, 4 pieces".
  virtual std::string description() const { return ""; }
  /// What the cost model says of it on one thread, where its backend asks the model when it plans a
  /// kernel.
  virtual std::optional<double> microseconds() const { return std::nullopt; }
};

struct CompileOptions;

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// What the code and the speed of its kernels depend on beside the graph: versions, the CPU. Part
  /// of cache keys.
  virtual std::string version() const { return ""; }
  /// "" when it can run something in this process, otherwise why not: its plugin was not found.
  virtual std::string missing() const { return ""; }
  /// Are contractions of bfloat16 faster than those of float32?
  virtual bool contracts_bfloat16() const { return false; }
  /// "" when the backend can run node `node`, otherwise the reason why not ("float64 is not
  /// supported by oneDNN").
  virtual std::string why_not(const Graph& graph, int32_t node) const = 0;
  /// Kernels for `nodes` of a static, lowered graph, in that order. Inputs that no run changes
  /// (is_frozen in core/prologue.h) may be packed by prepare().
  virtual std::vector<std::unique_ptr<Kernel>> compile(const Graph& graph,
                                                       std::span<const int32_t> nodes,
                                                       const CompileOptions& options) = 0;
};

/// Made once a process, thread-safe. make_llvm_backend and make_onednn_backend live in their
/// folders.
Backend& reference_backend();
Backend& llvm_backend();
Backend& onednn_backend();

}  // namespace sinter
