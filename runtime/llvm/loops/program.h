// Loop programs: the printable form between a graph node and machine code. A kernel is a list of
// phases, a phase a list of loop nests, a nest an iteration space with a short SSA body.
//
// The last dimension of a nest (its columns) runs along vector lanes; the others (its rows) are
// plain loops. A value is computed once a piece (uniform), once a row, or at every element. A
// reduction over columns gives a row value, so a nest passes over its columns once more for each
// reduction that others wait for: softmax takes three passes (largest, sum, result) over each row.
// Reductions over rows accumulate in memory; where pieces cut a reduced dimension each piece has
// its own partial result, and a later phase combines them in a fixed order.
//
// Long floating sums are added in runs, the sums of runs in runs again: their error grows with the
// logarithm of their length. The runs depend on shapes alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/reduce.h"
#include "core/scalar_expr.h"
#include "runtime/limits.h"

namespace sinter::codegen {

/// A typed view of one of the buffers of Kernel::run.
struct LoopBuffer {
  DType dtype = DType::kFloat32;
  int argument = 0;
  int64_t byte_offset = 0;  // into scratch memory
  bool operator==(const LoopBuffer&) const = default;
};

/// Most terms that are added one after the other.
constexpr int64_t kRunTerms = limit<int64_t>(64, 4);

/// Neighbours along a reduced dimension that share a place: index / length * stride.
struct Run {
  size_t dim = 0;
  int64_t length = 1, stride = 0;
  bool operator==(const Run&) const = default;
};

/// Element `offset + sum index[d] * strides[d] + piece * piece_stride` of a buffer, and for
/// accumulations the place of a run.
struct Access {
  int buffer = -1;
  int64_t offset = 0;
  std::vector<int64_t> strides;  // one a dimension of the nest
  int64_t piece_stride = 0;
  std::vector<Run> runs = {};
  bool operator==(const Access&) const = default;
};

/// The stride of a reduction along a row dimension that it has nothing to do with: its result is
/// made for each index there, too. No access has it.
constexpr int64_t kWalked = int64_t{1} << 40;

/// What combining with leaves a value as it is.
Number reduce_identity(ReduceKind kind, DType dtype);
/// The scalar op that combines two values.
ScalarOp reduce_scalar_op(ReduceKind kind);

enum class LoopOpKind : uint8_t {
  kLoad,    // access
  kLoadAt,  // access + clamp(operand, 0, limit - 1) * scale
  kScalar,  // scalar op or constant
  kIndex,   // the index along dimension `dim`
  kRandom,  // Philox word of element `access` (its buffer is the state), in stream `limit`: of
            // `scale` bits, 32 or 16
  kReduce,  // over the columns of a row; `access` has the strides of the result (0 where reduced,
            // or kWalked) and no buffer
  kArgReduce,     // the first column of the largest (smallest) element of a row; `access` as for
                  // kReduce
  kStore,         // access <- operand
  kAccumulate,    // access <- access combined with operand; a row dimension of stride 0 is reduced
  kAccumulateAt,  // adds the second operand at access + clamp(first operand, 0, limit - 1) * scale
};

enum class Level : uint8_t { kUniform, kRow, kElement };

struct LoopOp {
  LoopOpKind kind = LoopOpKind::kScalar;
  DType dtype = DType::kFloat32;  // of the result, or of what is stored
  ScalarOp scalar = ScalarOp::kConstant;
  Number constant;
  std::vector<int> operands;  // earlier ops
  Access access;
  ReduceKind reduce = ReduceKind::kSum;
  int dim = 0;
  int64_t limit = 0, scale = 0;
  bool in_runs = false;  // kAccumulate: a sum that may be long
  bool stream = false;   // kStore: past the caches, where the result meets a cache line evenly
  // Derived by LoopNest::finish.
  Level level = Level::kUniform;
  int pass = 0;  // the pass over the columns in which the value is first known
};

/// Pieces cut a dimension that is turned at multiples of this.
constexpr int64_t kTurnTile = 16;

struct LoopNest {
  std::vector<int64_t> dims;  // at least one
  int split = -1;             // the dimension that pieces share; -1: piece 0 runs the whole nest
  bool scalar = false;        // one lane: elements in order (scattered additions)
  // A copy that changes which dimension is adjacent in memory: squares of this dimension and the
  // columns are turned in registers. -1: no such copy. Derived by finish().
  int turn = -1;
  std::vector<LoopOp> ops;

  int columns() const { return static_cast<int>(dims.size()) - 1; }
  int add(LoopOp op) {
    ops.push_back(std::move(op));
    return static_cast<int>(ops.size()) - 1;
  }
  int load(DType dtype, Access access);
  int number(DType dtype, Number value);
  int apply(ScalarOp op, DType dtype, std::vector<int> operands);
  void store(int value, Access access);
  /// Removes dimensions of size 1 and merges neighbours that every access walks as one; computes
  /// levels and passes.
  void finish();
  int passes() const;
  /// Does the nest do nothing but add rows up, each column for itself, and do totals stay in
  /// registers meanwhile?
  bool accumulates_in_registers() const;
  /// Rows along `dim` that pieces may not part.
  int64_t run_along(int dim) const;
  bool is_turned(int dim) const { return turn >= 0 && (dim == turn || dim == columns()); }
  std::string to_string(int pieces) const;

 private:
  void collapse();
  void find_levels();
  void find_turn();
};

struct LoopPhase {
  int pieces = 1;
  std::vector<LoopNest> nests;
};

struct LoopProgram {
  std::vector<LoopBuffer> buffers;
  std::vector<LoopPhase> phases;
  int64_t scratch_bytes = 0;

  int add_buffer(LoopBuffer buffer);
  /// A buffer of `elements` in scratch memory, which is argument `argument`.
  int add_scratch(DType dtype, int64_t elements, int argument);
  /// Neighbouring phases of one piece each need no barrier between them.
  void merge_phases();
  std::string to_string() const;
  /// The line of to_string(), from 1, where a nest of the program begins; its ops follow, one each.
  int line_of(const LoopNest& nest) const;
};

/// Columns a piece takes when columns are shared: a multiple of 64, so that vectors and random
/// blocks start aligned.
int64_t columns_per_piece(int64_t columns, int pieces);

}  // namespace sinter::codegen
