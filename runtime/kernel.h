// A kernel: one node of a lowered graph made runnable. Work is cut into fixed pieces that do not
// depend on the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

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

}  // namespace sinter
