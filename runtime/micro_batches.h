// A large batch as one micro-batch after the other: each goes through the whole graph on one thread
// before the next one begins, so that what one kernel leaves for the next is still in the caches,
// memory is that of one micro-batch a thread, and threads never wait for each other in between.
// Only for graphs whose rows are independent (core/independent_rows.h).
#pragma once

#include <memory>
#include <vector>

#include "runtime/executable.h"
#include "runtime/kernel.h"

namespace sinter {

/// How many rows a micro-batch of `lowered`, a graph for `rows` of them, should have, so that what
/// is alive at once takes about `bytes`: a divisor, from the sizes of values alone. `rows` where
/// all of them take no more than four times as much, where there would be too few micro-batches,
/// and where even two rows take many times as much.
int64_t rows_of_micro_batch(const Graph& lowered, int64_t rows, int64_t bytes);

/// The only kernel of a program that runs another one many times. Its buffers are the inputs, the
/// variables and the outputs, then scratch, prepared and workspace.
class MicroBatchKernel : public Kernel {
 public:
  /// `program` for `rows` rows, run `count` times; inputs and outputs of `whole`, the graph for all
  /// rows, that have rows are walked.
  MicroBatchKernel(Program program, int64_t rows, int64_t count, const Graph& whole);

  int pieces(int) const override { return static_cast<int>(count_); }
  void run(int phase, int piece, void* const* buffers) const override;
  int64_t workspace_bytes() const override { return workspace_bytes_; }
  int64_t prepared_bytes() const override { return prepared_bytes_; }
  void prepare(void* const* buffers, void* prepared) const override;
  std::string description() const override;
  std::optional<double> microseconds() const override { return microseconds_; }

  const Program& program() const { return program_; }
  int64_t rows() const { return rows_; }
  int64_t count() const { return count_; }
  /// Bytes from one micro-batch to the next, of each input and output; 0 where it has no rows.
  const std::vector<int64_t>& input_steps() const { return input_steps_; }
  const std::vector<int64_t>& output_steps() const { return output_steps_; }

 private:
  struct Memory;
  Memory memory_of(int piece, void* const* buffers) const;
  void* resolve(const BufferPlacement& b, const Memory& memory) const;
  void* const* table_of(size_t step, const Memory& memory) const;

  Program program_;
  int64_t rows_, count_;
  std::vector<int64_t> input_steps_, output_steps_;  // bytes from micro-batch to micro-batch
  size_t variables_ = 0;
  // Of the workspace: the arena, that of the kernels, and the buffers of one of them.
  int64_t kernels_workspace_ = 0, table_ = 0, workspace_bytes_ = 0;
  // Of what is prepared: results of the prologue, then what each step prepares.
  std::vector<int64_t> prepared_;
  int64_t prepared_bytes_ = 0;
  std::optional<double> microseconds_;
};

/// The kernel of a program that runs in micro-batches, otherwise null.
const MicroBatchKernel* micro_batches_of(const Program& program);

/// The program for `whole`, the graph for all rows: micro-batches of `rows` rows, each run by
/// `part`.
Program in_micro_batches(Graph whole, Program part, int64_t rows, int64_t count);

}  // namespace sinter
