// Chooses how the right side is read, how sums are cut, and what is asked for ahead; tiles and
// pieces in files of their own.
#include "runtime/llvm/matmul/plan.h"

#include <algorithm>

#include "runtime/limits.h"
#include "runtime/llvm/costs.h"
#include "runtime/llvm/matmul/pair_plan.h"
#include "runtime/llvm/matmul/pieces.h"

namespace sinter::codegen {
namespace {

// From this depth on, sums are made in chunks. With many rows a panel of a chunk takes half of the
// second-level cache, past which rows of the left side stream: the fewer chunks, the less often
// sums go to memory and back. With few rows the next panel has to be there early.
constexpr int64_t kDeep = limit(1024, 8);
constexpr int64_t kDepthChunk = limit(512, 4), kLongChunk = limit(2048, 8);
constexpr int64_t kShortChunk = limit(128, 4);
// Several pieces of rows would each pack the panels of a right side that, at this size, comes from
// beyond the caches. For less it is not worth that one core reads what the other has packed.
constexpr int64_t kPackAheadBytes = limit(16 << 20, 64);
// Terms of the left side so far apart are each on a page of their own, and all of them fall into
// few sets of every cache: rows of a piece are packed tile by tile where that many terms and rows
// are used often enough.
constexpr int64_t kPackLeftBytes = limit(8192, 16), kPackLeftDepth = limit(2048, 8),
                  kPackLeftRows = limit(256, 8);
// Terms of the left side on pages of their own are asked for ahead.
constexpr int64_t kPageBytes = limit(4096, 16);
constexpr int64_t kLeftAheadRows = limit(64, 2);
// A right side of this size is not in the second-level cache when its panels are needed.
constexpr int64_t kFarBytes = limit(1 << 20, 64);
// From this many columns on, rows of the right side lie so far apart that copying a panel pays.
constexpr int64_t kCopyColumns = limit(1024, 8);
// Fewer rows do not repay a copy of the panel, or asking for the next one.
constexpr int64_t kCopyRows = limit(16, 2);
constexpr int64_t kPrefetchRows = limit(8, 2);
// With rows that fit one tile each element of the right side is used once: it had better be walked
// nearly as it lies in memory, this many of its rows at a time, which are as many streams as the
// hardware follows.
constexpr int64_t kStreamTerms = limit(16, 4);
// An update of weights by so few samples is bound by memory: two rows at a time.
constexpr int64_t kShallow = limit(8, 2);

// A panel in memory is a grid: a row a term, or a row a column where it is to be transposed. Each
// tile asks for its share, spread over the steps of its loop.
MatmulPlan::Prefetch choose_prefetch(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  const int64_t size = dtype_size(plan.rhs_source.dtype), elements = plan.elements_a_term();
  const bool is_far =
      p.columns >= kCopyColumns || p.columns * p.depth * elements * size >= kFarBytes;
  if (plan.rows_outer || p.rows < kPrefetchRows || !is_far) return {};
  const bool packed =
      plan.packing == MatmulPlan::Packing::kPrepared || plan.packing == MatmulPlan::Packing::kAhead;
  const int64_t terms = plan.chunk_terms() * (packed ? 1 : elements);
  const int64_t columns = plan.panel_columns();
  const bool transposes = plan.packing == MatmulPlan::Packing::kTranspose;
  const int64_t tiles = plan.row_tiles.count / plan.row_pieces;
  MatmulPlan::Prefetch prefetch;
  prefetch.rows = ceil_div(transposes ? columns : terms, tiles);
  prefetch.steps = plan.depth_chunks.largest() / prefetch.rows;
  if (prefetch.steps == 0) return {};
  const int64_t bytes = (transposes ? terms : columns) * (packed ? dtype_size(p.dtype) : size);
  prefetch.step_bytes = ceil_div(ceil_div(bytes, prefetch.steps), plan.unroll) * plan.unroll;
  return prefetch;
}

// The operands of an epilogue that are together no longer in the second-level cache when it comes
// to them: an optimizer's state.
MatmulPlan::Prefetch choose_operand_prefetch(const MatmulPlan& plan, int64_t operands) {
  const MatmulProblem& p = plan.problem;
  const int64_t size = dtype_size(p.dtype), rows = plan.row_tiles.largest();
  if (operands * p.batch * p.rows * p.columns * size < kFarBytes / 2) return {};
  MatmulPlan::Prefetch prefetch;
  prefetch.steps = p.depth / plan.unroll / rows;
  if (prefetch.steps == 0) return {};
  prefetch.rows = rows;
  prefetch.step_bytes =
      ceil_div(ceil_div(plan.panel_columns() * size, prefetch.steps), plan.unroll) * plan.unroll;
  return prefetch;
}

// Vectors of the right side are loaded with one stride from term to term: where a group of dims does
// not merge, it is copied into the usual order first. Elements of the left side are loaded one by
// one, wherever they lie.
void gather_if_scattered(MatmulOperand& operand, bool& gather, int64_t columns, int64_t depth) {
  const bool unit =
      (operand.free.stride() == 1 || columns == 1) || (operand.depth.stride() == 1 || depth == 1);
  gather = !operand.free.is_single() || !operand.depth.is_single() || !unit;
  if (!gather) return;
  const int64_t batch = operand.batch.size();
  operand = {{}, {}, {}, operand.dtype};
  operand.batch.append(batch, columns * depth);
  operand.free.append(columns, 1);
  operand.depth.append(depth, columns);
}

MatmulPlan::Packing choose_packing(const MatmulProblem& p, bool pack_rhs) {
  if (pack_rhs) return MatmulPlan::Packing::kPrepared;
  if (p.rhs.free.stride() != 1 && p.columns != 1) return MatmulPlan::Packing::kTranspose;
  return p.columns >= kCopyColumns && p.rows >= kCopyRows ? MatmulPlan::Packing::kCopy
                                                          : MatmulPlan::Packing::kInPlace;
}

// Is the right side read once, by one tile of rows, and so large that it comes from memory?
bool streams_rhs(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  return !plan.pairs && plan.packing == MatmulPlan::Packing::kInPlace && p.rows > 1 &&
         plan.row_tiles.count == 1 && p.columns >= kCopyColumns && p.depth >= 4 * kStreamTerms &&
         p.columns * p.depth * dtype_size(p.dtype) >= 2 * kFarBytes;
}

// How a sum is made: independent partial sums, terms a step of its loop, chunks.
void choose_depth(MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  // A multiply-add takes four cycles, six of pairs, and one may start each cycle.
  const int64_t busy = plan.pairs ? 8 : 6;
  while (plan.sums < 4 && plan.row_tiles.largest() * plan.vectors.largest() * plan.sums < busy &&
         p.depth >= 16 * plan.sums) {
    plan.sums *= 2;
  }
  plan.unroll = std::max<int64_t>(2, plan.sums);
  const int64_t steps = ceil_div(p.depth, plan.unroll);
  plan.depth_chunks = {steps, 1};
  if (plan.streams_rhs)
    plan.depth_chunks = EvenSplit::of_parts(steps, kStreamTerms / plan.unroll);
  else if (p.depth >= kDeep && p.rows > kFewRows)
    plan.depth_chunks = EvenSplit::of_parts(steps, (plan.short_runs         ? kShortChunk
                                                    : has_long_panels(plan) ? kLongChunk
                                                                            : kDepthChunk) /
                                                       plan.unroll);
}

bool has_far_left_side(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  return reads_across(plan) && plan.walks_left_in_line() && p.batch == 1 &&
         p.depth >= kPackLeftDepth &&
         p.rows >= kPackLeftRows && p.lhs.depth.stride() * dtype_size(p.dtype) >= kPackLeftBytes;
}

bool packs_ahead(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  return !plan.pairs && p.batch == 1 && plan.row_pieces > 1 && plan.packs_panels() &&
         p.columns * p.depth * dtype_size(p.dtype) >= kPackAheadBytes;
}

// Is the optimizer's state so large that it comes from beyond the second-level caches, and the
// right side so small that it stays there while rows of the state go by?
bool walks_rows(const MatmulPlan& plan, int64_t operands) {
  const MatmulProblem& p = plan.problem;
  const int64_t size = dtype_size(p.dtype);
  const bool may =
      plan.packing == MatmulPlan::Packing::kInPlace || plan.packing == MatmulPlan::Packing::kCopy;
  return may && !plan.pairs && p.batch == 1 && p.depth < kDeep &&
         p.depth * p.columns * size <= kFarBytes / 4 &&
         operands * p.rows * p.columns * size >= 2 * kFarBytes;
}

}  // namespace

MatmulPlan plan_matmul(const MatmulProblem& problem, const VectorShape& machine,
                       const MatmulContext& context) {
  const bool pack_rhs = context.pack_rhs;
  MatmulPlan plan;
  plan.problem = problem;
  plan.short_runs = context.short_runs;
  plan.machine = machine;
  plan.terms = problem.depth;
  MatmulProblem& p = plan.problem;
  if (p.lhs.dtype != p.dtype) {
    make_pairs(plan, pack_rhs);
  } else {
    // prepare() reads its operand in any order.
    if (!pack_rhs) gather_if_scattered(p.rhs, plan.gather_rhs, p.columns, p.depth);
    plan.rhs_source = p.rhs;
    plan.packing = choose_packing(p, pack_rhs);
  }
  const bool transposed = !pack_rhs && problem.rhs.free.stride() != 1 && p.columns > 1;
  plan.microseconds = context.microseconds + product_microseconds(kCosts, {p.batch, p.rows, p.depth,
                                                                           p.columns, transposed});

  plan.is_weight_gradient = p.lhs.free.stride() == 1 && p.lhs.depth.stride() != 1;

  const int64_t vectors = ceil_div(p.columns, machine.lanes);
  Tile tile = choose_tile(plan, vectors);
  if (context.whole_rows && tile.vectors < vectors) tile = whole_row_tile(p.rows, vectors, machine);
  if (has_one_panel_each(plan, vectors, tile))
    tile = choose_tile(plan, std::max<int64_t>(1, tile.vectors / 2));
  if (choose_narrow(plan, product_cycles(p.rows, vectors, p.depth, tile))) {
    if (!plan.pairs) plan.packing = MatmulPlan::Packing::kInPlace;
    choose_pieces(plan, context.sums_rows);
    place_pairs(plan);
    return plan;
  }
  if (walks_rows(plan, context.operands)) {
    plan.rows_outer = true;
    plan.packing = MatmulPlan::Packing::kInPlace;
    if (p.depth <= kShallow && machine.registers >= 32) tile = {2, 8};
  }
  plan.row_tiles = EvenSplit::of_parts(p.rows, tile.rows);
  plan.vectors = EvenSplit::of_parts(vectors, tile.vectors);
  plan.streams_rhs = streams_rhs(plan);
  // With few rows pieces must share the columns, and evenly.
  const int64_t wanted = wanted_pieces(plan);
  const int64_t even = ceil_div(plan.vectors.count, wanted) * wanted;
  if (p.rows <= kFewRows && even <= vectors && !context.whole_rows) plan.vectors.count = even;
  choose_depth(plan);
  if (has_far_left_side(plan)) pack_left_panels(plan);
  choose_pieces(plan, context.sums_rows);
  if (packs_ahead(plan)) {
    plan.packing = MatmulPlan::Packing::kAhead;
    choose_pieces(plan, context.sums_rows);
  }
  place_pairs(plan);
  plan.prefetch = choose_prefetch(plan);
  plan.operands = choose_operand_prefetch(plan, context.operands);
  const int64_t apart = p.lhs.depth.stride() * dtype_size(p.dtype);
  if (plan.walks_left_in_line() && apart >= kPageBytes && p.depth >= kDeep / 2 && p.rows >= kLeftAheadRows && !plan.pack_lhs)
    plan.left_ahead = 40;
  return plan;
}

}  // namespace sinter::codegen
