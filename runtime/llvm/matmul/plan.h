// How a matrix product is computed: which way the vector lanes run, tiles, panels, packing and
// pieces. Chosen from the shapes and the width of the vectors alone, never from the number of
// threads or the load of the machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/llvm/matmul/problem.h"

namespace sinter::codegen {

/// `total` units cut into `count` parts whose sizes differ by at most one, the larger ones first.
struct EvenSplit {
  int64_t total = 0, count = 1;

  static EvenSplit of_parts(int64_t total,
                            int64_t largest);  // as few parts as possible, none above `largest`
  int64_t largest() const { return count == 0 ? 0 : (total + count - 1) / count; }
  int64_t smallest() const { return count == 0 ? 0 : total / count; }
  /// How many parts have the largest size (all, when they are equal).
  int64_t large_parts() const { return largest() == smallest() ? count : total % count; }
  int64_t begin(int64_t part) const {
    return part * smallest() + std::min(part, total - count * smallest());
  }
  bool operator==(const EvenSplit&) const = default;
};

/// A kind of column panel: how many vectors wide, and how many lanes of the last vector exist.
struct PanelKind {
  int64_t first = 0, count = 0;  // panels first .. first + count - 1
  int64_t vectors = 0;
  int64_t last_lanes = 0;
};

/// A machine as far as tiles are concerned.
struct VectorShape {
  int64_t lanes = 16;
  int64_t registers = 32;
};

/// Up to this many rows a product is bound by reading the right side, not by arithmetic.
inline constexpr int64_t kFewRows = 4;

struct MatmulPlan {
  enum class Packing : uint8_t {
    kInPlace,    // vectors of the right side are loaded where they are
    kCopy,       // a panel is copied into the workspace before its use
    kTranspose,  // the same, transposed
    kAhead,      // a phase of its own copies or transposes all panels, for many rows that walk them
    kJoin,       // pairs are made in registers of two rows where they are: worth it for few rows
    kPrepared,   // all panels were packed by prepare(), since the right side is a variable that
                 // rarely changes
  };

  MatmulProblem problem;  // as the micro-kernel sees it: strides of copied operands are the copy's
  VectorShape machine;
  Packing packing = Packing::kInPlace;
  // Dims do not merge: copied into scratch first, in phase 0. The left side only where it is paired.
  bool gather_lhs = false, gather_rhs = false;
  // bfloat16: two terms side by side in 32 bits are one step, and `problem` counts such pairs.
  // Their right side is packed unless rows are few, their left side unless its pairs lie side by
  // side already.
  bool pairs = false;
  bool pack_lhs = false;  // each piece packs its rows, chunk by chunk, before it uses them
  // Packed tile by tile: the rows of a tile side by side, term after term.
  bool left_panels = false;
  bool is_weight_gradient = false;  // x^T.dy: columns of the left side are summed
  int64_t terms = 0;  // of the sum; an odd number ends in a pair with a zero on both sides
  MatmulOperand lhs_source, rhs_source;  // what is packed, as it lies in memory, element by element

  // Fewer columns than lanes: lanes run along the rows, and every tile has all columns.
  bool lanes_along_rows = false;
  EvenSplit row_tiles;     // rows of the result in tiles; in vectors when lanes run along them
  EvenSplit vectors;       // vectors of columns in panels
  EvenSplit depth_chunks;  // in units of `unroll` terms; more than one only where the depth exceeds
                           // the cache
  int64_t unroll = 2;
  int64_t sums =
      1;  // independent partial sums, for tiles too small to hide the latency of a multiply-add
  int64_t row_pieces = 1, column_pieces = 1, batch_pieces = 1;
  // Neighbouring pieces go to one thread: with columns first these are pieces of the same columns.
  bool columns_first = false;

  // While a panel is used, its tiles ask for the next one, bit by bit: this many rows of it in
  // memory a tile (0: none), each in this many steps of this many bytes.
  struct Prefetch {
    int64_t rows = 0, steps = 0, step_bytes = 0;
  } prefetch;

  // The same for what its epilogue reads as large as the result: each tile asks for its own rows.
  Prefetch operands;

  // All panels of a tile's rows, then the next rows: what the epilogue reads and writes is walked
  // as it lies in memory.
  bool rows_outer = false;

  // One tile of rows and a right side from memory: short chunks of the sum, so that the right side
  // is walked nearly as it lies there.
  bool streams_rhs = false;

  bool short_runs = false;  // sums are added up in short runs, whatever it costs (matmul/runs.h)
  int64_t left_ahead = 0;   // terms of the left side a tile asks for ahead of their use

  int64_t pieces() const { return row_pieces * column_pieces * batch_pieces; }
  std::vector<PanelKind> panel_kinds() const;
  std::vector<PanelKind> row_kinds() const;  // the same of tiles, when lanes run along the rows
  /// Lanes run along the rows, and the terms of a row lie side by side.
  bool turns_rows() const {
    return lanes_along_rows && problem.lhs.free.stride() != 1 && problem.rows > 1;
  }
  double microseconds = 0;  // on one thread, by the cost model
  int64_t panel_columns() const { return vectors.largest() * machine.lanes; }
  /// Elements of an operand in memory that are one term of `problem`.
  int64_t elements_a_term() const { return pairs ? 2 : 1; }
  /// Terms of a row of the left side packed by tiles, and space between tiles, so that they do not
  /// fall into the same sets of a cache.
  int64_t left_row_terms() const { return (chunk_terms() + 15) / 16 * 16 + 16; }
  /// Are panels that are packed on the way turned?
  bool transposes() const {
    return packing == Packing::kTranspose ||
           (packing == Packing::kAhead && rhs_source.free.stride() != 1);
  }
  /// Terms from one packed panel to the next, where all of them are.
  int64_t packed_terms() const {
    return packing == Packing::kAhead ? (problem.depth + 15) / 16 * 16 : problem.depth;
  }
  int64_t pack_pieces() const { return std::min<int64_t>(vectors.count, 16); }
  /// Do rows and terms of the left side have one stride each?
  bool walks_left_in_line() const {
    return problem.lhs.free.is_single() && problem.lhs.depth.is_single();
  }
  /// Does one stride lead from row to row of every tile? Rows may lie along several dimensions:
  /// those of windows over an image.
  bool tiles_in_line() const {
    const DimGroup& rows = problem.lhs.free;
    return rows.is_single() || (row_tiles.largest() == row_tiles.smallest() &&
                                rows.extents.back() % row_tiles.largest() == 0);
  }
  bool packs_panels() const { return packing == Packing::kCopy || packing == Packing::kTranspose; }
  /// Rows that a piece has at most.
  int64_t piece_rows() const;
  /// Terms that a chunk has at most.
  int64_t chunk_terms() const { return depth_chunks.largest() * unroll; }
};

/// Makes a plan whose chunks are known pack its left side tile by tile.
void pack_left_panels(MatmulPlan& plan);

/// What surrounds a product in its kernel.
struct MatmulContext {
  bool pack_rhs = false;    // the right side is a variable that never changes while this graph runs
  bool sums_rows = false;   // pieces of rows would need a second phase
  bool whole_rows = false;  // all columns of a row must be in one tile
  int64_t operands = 0;     // values as large as the result that the epilogue reads
  double microseconds = 0;  // of the epilogue, on one thread
  bool short_runs = false;  // see MatmulPlan
};

MatmulPlan plan_matmul(const MatmulProblem& problem, const VectorShape& machine,
                       const MatmulContext& context);

}  // namespace sinter::codegen
