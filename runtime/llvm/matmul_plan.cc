// Chooses tiles by a small cost model of a register-blocked loop, and pieces by the amount of work.
#include "runtime/llvm/matmul_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/cost_model.h"
#include "runtime/llvm/matmul_pair_plan.h"

namespace sinter::codegen {
namespace {

// From this depth on, sums are made in chunks: a chunk of the left side, a panel of the right side
// and the panel after it then share the second-level cache.
constexpr int64_t kDeep = 1024;
constexpr int64_t kDepthChunk = 512;
// From this depth on, rows of the left side lie so far apart that eight of them, and the panel,
// compete for the same sets of the first-level cache.
constexpr int64_t kVeryDeep = 2048;
// Terms of the left side on pages of their own are asked for ahead.
constexpr int64_t kPageBytes = 4096;
constexpr int64_t kLeftAheadRows = 64;
// A right side of this size is not in the second-level cache when its panels are needed.
constexpr int64_t kFarBytes = 1 << 20;
// From this many columns on, rows of the right side lie so far apart that copying a panel pays.
constexpr int64_t kCopyColumns = 1024;
// Fewer rows do not repay a copy of the panel, or asking for the next one.
constexpr int64_t kCopyRows = 16;
constexpr int64_t kPrefetchRows = 8;
// With rows that fit one tile each element of the right side is used once: it had better be walked
// nearly as it lies in memory, this many of its rows at a time, which are as many streams as the
// hardware follows, in pieces whose runs are long.
constexpr int64_t kStreamRows = 8, kStreamTerms = 16, kStreamPieces = 4;
// An update of weights by so few samples is bound by memory: two rows at a time.
constexpr int64_t kShallow = 8;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The kinds of parts of `vectors`, which cover `elements` elements.
std::vector<PanelKind> panel_kinds_of(const EvenSplit& vectors, int64_t elements, int64_t lanes) {
  const int64_t lanes_left = elements % lanes == 0 ? lanes : elements % lanes;
  std::vector<PanelKind> kinds;
  for (int64_t i = 0; i < vectors.count; ++i) {
    const int64_t width = vectors.begin(i + 1) - vectors.begin(i);
    const int64_t last = i + 1 == vectors.count ? lanes_left : lanes;
    if (!kinds.empty() && kinds.back().vectors == width && kinds.back().last_lanes == last)
      ++kinds.back().count;
    else
      kinds.push_back({i, 1, width, last});
  }
  return kinds;
}

struct Tile {
  int64_t rows = 1, vectors = 1;
};

// Cycles of one step of the sum: multiply-adds against loads, one of each a cycle.
double step_cycles(int64_t rows, int64_t vectors) {
  return static_cast<double>(std::max(rows * vectors, rows + vectors));
}

// Cycles of a whole product of `rows` x `vectors` by depth when cut into such tiles, the start and
// end of a tile included.
double product_cycles(int64_t rows, int64_t vectors, int64_t depth, Tile tile) {
  const EvenSplit row_split = EvenSplit::of_parts(rows, tile.rows);
  const EvenSplit vector_split = EvenSplit::of_parts(vectors, tile.vectors);
  double cycles = 0;
  for (const bool large_rows : {true, false}) {
    for (const bool large_vectors : {true, false}) {
      const int64_t r = large_rows ? row_split.largest() : row_split.smallest();
      const int64_t v = large_vectors ? vector_split.largest() : vector_split.smallest();
      const int64_t row_count =
          large_rows ? row_split.large_parts() : row_split.count - row_split.large_parts();
      const int64_t vector_count = large_vectors ? vector_split.large_parts()
                                                 : vector_split.count - vector_split.large_parts();
      const double tile_cycles =
          static_cast<double>(depth) * step_cycles(r, v) + 30.0 + 2.0 * static_cast<double>(r * v);
      cycles += tile_cycles * static_cast<double>(row_count * vector_count);
    }
  }
  // Each further kind of tile is code to compile.
  const bool two_rows = row_split.largest() != row_split.smallest();
  const bool two_vectors = vector_split.largest() != vector_split.smallest();
  return cycles * (1.0 + 0.004 * ((two_rows ? 2 : 1) * (two_vectors ? 2 : 1) - 1));
}

Tile choose_tile(int64_t rows, int64_t vectors, int64_t depth, bool pack_rhs,
                 const VectorShape& machine) {
  // Measured: a panel that is packed on the way had better be wide, as few rows of it are then
  // walked; one that was packed ahead need not be.
  if (depth >= kVeryDeep && rows >= kCopyRows && vectors >= 16 && machine.registers >= 32)
    return pack_rhs ? Tile{6, 4} : Tile{4, 6};
  const int64_t widest = rows == 1 ? machine.registers / 2 : 6;
  Tile best;
  double best_cycles = std::numeric_limits<double>::infinity();
  for (int64_t r = std::min<int64_t>(rows, 8); r >= 1; --r) {
    for (int64_t v = 1; v <= std::min(vectors, widest); ++v) {
      // Accumulators, the vectors of one step, and one splat.
      if (r * v + v + 1 > machine.registers - 1 && !(r == 1 && v == 1)) continue;
      const double cycles = product_cycles(rows, vectors, depth, {r, v});
      if (cycles < best_cycles) {
        best_cycles = cycles;
        best = {r, v};
      }
    }
  }
  return best;
}

// All columns, and as many rows as there are registers for.
Tile whole_row_tile(int64_t rows, int64_t vectors, const VectorShape& machine) {
  const int64_t most = (machine.registers - 2 - vectors) / vectors;
  return {std::clamp<int64_t>(most, 1, std::min<int64_t>(rows, 8)), vectors};
}

// Cycles of one tile whose lanes run along `vectors` vectors of rows. A step takes at least the
// cycles of a multiply-add (four, or six of pairs), as the next one needs its sums; where rows are
// turned, its loads and shuffles take about as long and one cycle more is seen. The end turns the
// tile back.
double narrow_tile_cycles(const MatmulPlan& plan, int64_t vectors, bool turned) {
  const MatmulProblem& p = plan.problem;
  const auto step = static_cast<double>(std::max(p.columns * vectors, vectors + p.columns / 2));
  const double latency = plan.pairs ? 6.0 : 4.0;
  return static_cast<double>(p.depth) * (std::max(step, latency) + (turned ? 1.0 : 0.0)) + 30.0 +
         static_cast<double>(vectors * plan.machine.lanes) * 6.0;
}

// Tiles along the rows where that beats `columns_cycles`, the best of lanes along the columns.
bool choose_narrow(MatmulPlan& plan, double columns_cycles) {
  const MatmulProblem& p = plan.problem;
  const bool fits = p.columns < plan.machine.lanes && p.depth > 0 && p.rhs.free.is_single() &&
                    p.rhs.depth.is_single();
  const bool turned = p.lhs.free.stride() != 1 && p.rows > 1;
  if (!fits || (turned && p.lhs.depth.stride() != 1 && p.depth > 1)) return false;
  const int64_t block = 16 / dtype_size(p.dtype);
  const int64_t vectors = ceil_div(p.rows, plan.machine.lanes);
  // Turning a second vector would leave too few registers: its shuffles then delay the sums.
  const int64_t widest = turned ? 1 : 6;
  double best = columns_cycles;
  for (int64_t v = 1; v <= std::min(vectors, widest); ++v) {
    if (p.columns * v + v * (turned ? block : 1) + 1 > plan.machine.registers - 1) break;
    const EvenSplit tiles = EvenSplit::of_parts(vectors, v);
    double cycles = 0;
    for (const PanelKind& kind : panel_kinds_of(tiles, p.rows, plan.machine.lanes))
      cycles += static_cast<double>(kind.count) * narrow_tile_cycles(plan, kind.vectors, turned);
    if (cycles >= best) continue;
    best = cycles;
    plan.lanes_along_rows = true;
    plan.row_tiles = tiles;
    plan.unroll = turned ? block : 2;
  }
  if (plan.lanes_along_rows) {
    plan.vectors = {1, 1};
    plan.depth_chunks = {ceil_div(p.depth, plan.unroll), 1};
  }
  return plan.lanes_along_rows;
}

// Is the right side read once, by one tile of rows, and so large that it comes from memory?
bool streams_rhs(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  return !plan.pairs && plan.packing == MatmulPlan::Packing::kInPlace && p.rows > 1 && p.rows <= kStreamRows &&
         p.columns >= kCopyColumns && p.depth >= 4 * kStreamTerms &&
         p.columns * p.depth * dtype_size(p.dtype) >= 2 * kFarBytes;
}

// The work that is worth another piece: bytes of the right side when these are the bound,
// operations otherwise.
int64_t wanted_pieces(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  if (worthwhile_pieces(plan.microseconds, 2) == 1) return 1;
  if (streams_rhs(plan)) return kStreamPieces;
  if (p.rows <= kFewRows) {
    const int64_t bytes = p.batch * p.columns * p.depth * dtype_size(p.dtype);
    return bytes < 1'000'000 ? 2 : bytes < 4'000'000 ? 4 : 8;
  }
  const int64_t flops = p.flops() * plan.elements_a_term();
  int64_t pieces = flops < 2'000'000 ? 2 : flops < 16'000'000 ? 4 : 8;
  // Pieces of at most a sixth of a millisecond, so that threads end together.
  while (pieces < 32 && flops > pieces * 16'000'000) pieces *= 2;
  return pieces;
}

// Which cores should share a product by columns, and not by rows? A line of memory that another
// core has read is slow to write (measured: 7 to 28 ns, one after the other, however early it is
// asked for). So activations stay with the core that has made these rows, forward and backward. But
// where a weight matrix is larger than the activations (more inputs than samples), it is the
// weights that stay: the forward product and the gradient are both shared by columns.
bool keeps_weights(const MatmulPlan& plan, MatmulPlan::Packing packing) {
  const MatmulProblem& p = plan.problem;
  if (packing == MatmulPlan::Packing::kTranspose) return p.columns > p.rows;  // an input gradient
  const bool is_weight_gradient = p.lhs.free.stride() == 1 && p.lhs.depth.stride() != 1;
  return is_weight_gradient ? p.rows > plan.terms : plan.terms > p.rows;
}

// Two threads that share a weight gradient by columns write runs of lines, side by side in each
// row. After three lines the hardware reads on, into those of the other thread, which are then slow
// to write: a thread that has a single panel makes two narrower ones of it.
bool has_one_panel_each(const MatmulPlan& plan, int64_t vectors, const Tile& tile) {
  return keeps_weights(plan, MatmulPlan::Packing::kInPlace) && plan.problem.rows > plan.terms &&
         vectors > tile.vectors && vectors <= 2 * tile.vectors;
}

// Pieces as powers of two over batch, rows and columns, so that two threads, and then more, have as
// little to do as can be.
void choose_pieces(MatmulPlan& plan, bool sums_rows) {
  const MatmulProblem& p = plan.problem;
  const int64_t wanted = wanted_pieces(plan);
  while (plan.batch_pieces < wanted && p.batch % (plan.batch_pieces * 2) == 0)
    plan.batch_pieces *= 2;
  const int64_t rest = wanted / plan.batch_pieces;
  if (plan.rows_outer) {
    plan.row_pieces = std::min(rest, plan.row_tiles.count);
    return;
  }
  const bool packs = plan.packs_panels();
  plan.columns_first = keeps_weights(plan, plan.packing);
  // What the wrong split costs, as a share of the work: lines of the result for each term of their
  // sums, or lines of the weights for each row that is multiplied with them.
  const bool by_weights = plan.columns_first && plan.terms > p.rows;
  const double penalty =
      1 + 27.0 / static_cast<double>(std::max<int64_t>(1, by_weights ? p.rows : p.depth));
  double best = std::numeric_limits<double>::infinity();
  for (int64_t by_rows = 1; by_rows <= rest; by_rows *= 2) {
    for (int64_t by_columns = 1; by_rows * by_columns <= rest; by_columns *= 2) {
      if (by_rows > plan.row_tiles.count || by_columns > plan.vectors.count) continue;
      const auto tiles = static_cast<double>(ceil_div(plan.row_tiles.count, by_rows));
      const auto panels = static_cast<double>(ceil_div(plan.vectors.count, by_columns));
      // In tiles: packing a panel costs a little more than one (less, where pairs are packed),
      // another phase about half of one.
      double cost = (tiles + (packs ? plan.pairs ? 0.7 : 1.3 : 0.0)) * panels +
                    (by_rows > 1 && sums_rows ? 0.5 : 0.0);
      // Rows of the left side are packed once a piece.
      if (plan.pack_lhs) cost += 0.2 * tiles / static_cast<double>(plan.vectors.largest());
      // Rounds of two threads. More pieces are welcome: they even out what a thread that loses its
      // core leaves undone.
      const int64_t count = by_rows * by_columns;
      cost *= static_cast<double>(count > 1 ? count / 2 : 1) *
              (1.0 - 0.013 * std::log2(static_cast<double>(count)));
      if (count == 1 && rest > 1) cost *= 2;
      if ((plan.columns_first ? by_columns : by_rows) == 1 && rest > 1) cost *= penalty;
      if (cost <= best) {
        best = cost;
        plan.row_pieces = by_rows;
        plan.column_pieces = by_columns;
      }
    }
  }
}

// A panel in memory is a grid: a row a term, or a row a column where it is to be transposed. Each
// tile asks for its share, spread over the steps of its loop.
MatmulPlan::Prefetch choose_prefetch(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  const int64_t size = dtype_size(plan.rhs_source.dtype), elements = plan.elements_a_term();
  const bool is_far = p.columns >= kCopyColumns ||
                      p.columns * p.depth * elements * size >= kFarBytes;
  if (plan.rows_outer || p.rows < kPrefetchRows || !is_far) return {};
  const bool packed = plan.packing == MatmulPlan::Packing::kPrepared;
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

// A group of dims that do not merge cannot be walked with one stride: the operand is copied into
// the usual order first.
void gather_if_scattered(MatmulOperand& operand, bool& gather, bool needs_unit_stride,
                         int64_t free_size, int64_t depth, bool depth_last) {
  const bool unit =
      (operand.free.stride() == 1 || free_size == 1) || (operand.depth.stride() == 1 || depth == 1);
  gather = !operand.free.is_single() || !operand.depth.is_single() || (needs_unit_stride && !unit);
  if (!gather) return;
  const int64_t batch = operand.batch.size();
  operand = {{}, {}, {}, operand.dtype};
  operand.batch.append(batch, free_size * depth);
  operand.free.append(free_size, depth_last ? depth : 1);
  operand.depth.append(depth, depth_last ? 1 : free_size);
}

MatmulPlan::Packing choose_packing(const MatmulProblem& p, bool pack_rhs) {
  if (pack_rhs) return MatmulPlan::Packing::kPrepared;
  if (p.rhs.free.stride() != 1 && p.columns != 1) return MatmulPlan::Packing::kTranspose;
  return p.columns >= kCopyColumns && p.rows >= kCopyRows ? MatmulPlan::Packing::kCopy
                                                          : MatmulPlan::Packing::kInPlace;
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
  if (streams_rhs(plan))
    plan.depth_chunks = EvenSplit::of_parts(steps, kStreamTerms / plan.unroll);
  else if (p.depth >= kDeep && p.rows > kFewRows)
    plan.depth_chunks = EvenSplit::of_parts(steps, kDepthChunk / plan.unroll);
}

// Is the optimizer's state so large that it comes from beyond the second-level caches, and the right
// side so small that it stays there while rows of the state go by?
bool walks_rows(const MatmulPlan& plan, int64_t operands) {
  const MatmulProblem& p = plan.problem;
  const int64_t size = dtype_size(p.dtype);
  const bool may = plan.packing == MatmulPlan::Packing::kInPlace ||
                   plan.packing == MatmulPlan::Packing::kCopy;
  return may && !plan.pairs && p.batch == 1 && p.depth < kDeep && p.depth * p.columns * size <= kFarBytes / 4 &&
         operands * p.rows * p.columns * size >= 2 * kFarBytes;
}

}  // namespace

EvenSplit EvenSplit::of_parts(int64_t total, int64_t largest) {
  return {total, std::max<int64_t>(ceil_div(total, largest), total > 0 ? 1 : 0)};
}

std::vector<PanelKind> MatmulPlan::panel_kinds() const {
  return panel_kinds_of(vectors, problem.columns, machine.lanes);
}

int64_t MatmulPlan::piece_rows() const {
  const int64_t tiles = ceil_div(row_tiles.count, row_pieces);
  return tiles * row_tiles.largest() * (lanes_along_rows ? machine.lanes : 1);
}

std::vector<PanelKind> MatmulPlan::row_kinds() const {
  return panel_kinds_of(row_tiles, problem.rows, machine.lanes);
}

MatmulPlan plan_matmul(const MatmulProblem& problem, const VectorShape& machine,
                       const MatmulContext& context) {
  const bool pack_rhs = context.pack_rhs;
  MatmulPlan plan;
  plan.problem = problem;
  plan.machine = machine;
  plan.terms = problem.depth;
  MatmulProblem& p = plan.problem;
  if (p.lhs.dtype != p.dtype) {
    make_pairs(plan, pack_rhs);
  } else {
    gather_if_scattered(p.lhs, plan.gather_lhs, false, p.rows, p.depth, true);
    // prepare() reads its operand in any order.
    if (!pack_rhs) gather_if_scattered(p.rhs, plan.gather_rhs, true, p.columns, p.depth, false);
    plan.rhs_source = p.rhs;
    plan.packing = choose_packing(p, pack_rhs);
  }
  const bool transposed = !pack_rhs && problem.rhs.free.stride() != 1 && p.columns > 1;
  plan.microseconds =
      context.microseconds +
      product_microseconds("llvm", {p.batch, p.rows, p.depth, p.columns, transposed});

  const int64_t vectors = ceil_div(p.columns, machine.lanes);
  Tile tile = choose_tile(p.rows, vectors, p.depth, pack_rhs, machine);
  if (context.whole_rows && tile.vectors < vectors)
    tile = whole_row_tile(p.rows, vectors, machine);
  if (has_one_panel_each(plan, vectors, tile))
    tile = choose_tile(p.rows, std::max<int64_t>(1, tile.vectors / 2), p.depth, pack_rhs, machine);
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
  // With few rows pieces must share the columns, and evenly.
  const int64_t wanted = wanted_pieces(plan);
  if (p.rows <= kFewRows && vectors >= wanted && !context.whole_rows)
    plan.vectors.count = ceil_div(plan.vectors.count, wanted) * wanted;
  choose_depth(plan);
  choose_pieces(plan, context.sums_rows);
  place_pairs(plan);
  plan.prefetch = choose_prefetch(plan);
  plan.operands = choose_operand_prefetch(plan, context.operands);
  const int64_t apart = p.lhs.depth.stride() * dtype_size(p.dtype);
  if (apart >= kPageBytes && p.depth >= kDeep / 2 && p.rows >= kLeftAheadRows && !plan.pack_lhs)
    plan.left_ahead = 40;
  return plan;
}

}  // namespace sinter::codegen
