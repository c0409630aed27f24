// Tiles by a small cost model of a register-blocked loop: one multiply-add and one load a cycle.
#include "runtime/llvm/matmul/tiling.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "runtime/limits.h"
namespace sinter::codegen {
namespace {

// From this depth on the start and end of a tile are nothing beside its sum.
constexpr int64_t kLongSum = limit(1024, 8);
constexpr int64_t kVeryLongSum = limit(2048, 16);
constexpr int64_t kSomeRows = limit(64, 2), kManyRows = limit(256, 6),
                  kManyRowsTransposed = limit(128, 4);

// What it costs that each row of a tile has an address of its own.
constexpr double kRowsApart = 1.02;

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

// Of rows along several dimensions, those of the last one: one stride leads through a tile where its
// rows divide them evenly.
std::optional<int64_t> rows_in_line(const DimGroup& rows) {
  if (rows.is_single()) return std::nullopt;
  return rows.extents.back();
}

// Cycles of one step of the sum: multiply-adds against loads, one of each a cycle.
double step_cycles(int64_t rows, int64_t vectors) {
  return static_cast<double>(std::max(rows * vectors, rows + vectors));
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

bool reads_across(const MatmulPlan& plan) { return !plan.pairs && plan.is_weight_gradient; }

bool has_long_panels(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  return p.rows >= (plan.transposes() ? kManyRowsTransposed : kManyRows) ||
         (p.rows >= kSomeRows && p.depth < kVeryLongSum);
}

Tile choose_tile(const MatmulPlan& plan, int64_t vectors) {
  const int64_t rows = plan.problem.rows, depth = plan.problem.depth;
  const VectorShape& machine = plan.machine;
  // Measured. Eight rows that lie side by side are half a line: a tile touches one a term. A short
  // panel that is packed on the way had better be wide: few rows of it are then walked.
  if (depth >= kLongSum && rows >= kSomeRows && vectors >= 16 && machine.registers >= 32) {
    if (!has_long_panels(plan) && plan.packing != MatmulPlan::Packing::kPrepared) return {4, 6};
    return reads_across(plan) ? Tile{8, 3} : Tile{6, 4};
  }
  const int64_t widest = rows == 1 ? machine.registers / 2 : 6;
  const std::optional<int64_t> in_line = rows_in_line(plan.problem.lhs.free);
  Tile best;
  double best_cycles = std::numeric_limits<double>::infinity();
  for (int64_t r = std::min<int64_t>(rows, 8); r >= 1; --r) {
    for (int64_t v = 1; v <= std::min(vectors, widest); ++v) {
      // Accumulators, the vectors of one step, and one splat.
      if (r * v + v + 1 > machine.registers - 1 && !(r == 1 && v == 1)) continue;
      double cycles = product_cycles(rows, vectors, depth, {r, v});
      if (in_line && *in_line % r != 0) cycles *= kRowsApart;
      if (cycles < best_cycles) {
        best_cycles = cycles;
        best = {r, v};
      }
    }
  }
  return best;
}

Tile whole_row_tile(int64_t rows, int64_t vectors, const VectorShape& machine) {
  const int64_t most = (machine.registers - 2 - vectors) / vectors;
  return {std::clamp<int64_t>(most, 1, std::min<int64_t>(rows, 8)), vectors};
}

bool choose_narrow(MatmulPlan& plan, double columns_cycles) {
  const MatmulProblem& p = plan.problem;
  const bool fits = p.columns < plan.machine.lanes && p.depth > 0 && plan.walks_left_in_line() &&
                    p.rhs.free.is_single() && p.rhs.depth.is_single();
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

}  // namespace sinter::codegen
