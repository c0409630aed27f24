// Pieces by the amount of work, along the dimensions that keep memory with the core that wrote it.
#include "runtime/llvm/matmul/pieces.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/cost_model.h"
#include "runtime/limits.h"

namespace sinter::codegen {
namespace {

// A right side that streams from memory had better do so in long runs.
constexpr int64_t kStreamPieces = 4;
// A chunk of the left side that all panels of a piece walk had better stay in a part of the
// third-level cache.
constexpr double kLeftBytes = limit(2 << 20, 64);
// Bytes of a right side, and operations, that are worth more than two pieces.
constexpr int64_t kSomeBytes = limit(1'000'000, 100), kManyBytes = limit(4'000'000, 400);
constexpr int64_t kSomeFlops = limit(2'000'000, 200), kManyFlops = limit(16'000'000, 2000);

// Which cores should share a product by columns, and not by rows? A line of memory that another
// core has read is slow to write (measured: 7 to 28 ns, one after the other, however early it is
// asked for). So activations stay with the core that has made these rows, forward and backward. But
// where a weight matrix is larger than the activations (more inputs than samples), it is the
// weights that stay: the forward product and the gradient are both shared by columns.
bool keeps_weights(const MatmulPlan& plan, MatmulPlan::Packing packing) {
  const MatmulProblem& p = plan.problem;
  if (packing == MatmulPlan::Packing::kTranspose ||
      (packing == MatmulPlan::Packing::kAhead && plan.transposes()))
    return p.columns >= p.rows;  // an input gradient; by rows each thread would transpose it all
  return plan.is_weight_gradient ? p.rows > plan.terms : plan.terms > p.rows;
}

}  // namespace

int64_t wanted_pieces(const MatmulPlan& plan) {
  const MatmulProblem& p = plan.problem;
  if (worthwhile_pieces(plan.microseconds, 2) == 1) return 1;
  if (plan.streams_rhs) return kStreamPieces;
  if (p.rows <= kFewRows) {
    const int64_t bytes = p.batch * p.columns * p.depth * dtype_size(p.dtype);
    return bytes < kSomeBytes ? 2 : bytes < kManyBytes ? 4 : 8;
  }
  const int64_t flops = p.flops() * plan.elements_a_term();
  int64_t pieces = flops < kSomeFlops ? 2 : flops < kManyFlops ? 4 : 8;
  // Pieces of at most a sixth of a millisecond, so that threads end together.
  while (pieces < 32 && flops > pieces * kManyFlops) pieces *= 2;
  return pieces;
}

bool has_one_panel_each(const MatmulPlan& plan, int64_t vectors, const Tile& tile) {
  return keeps_weights(plan, MatmulPlan::Packing::kInPlace) && plan.problem.rows > plan.terms &&
         vectors > tile.vectors && vectors <= 2 * tile.vectors;
}

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
  const bool is_packed_ahead = plan.packing == MatmulPlan::Packing::kAhead;
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
      // In tiles: packing a panel costs a little more than one (less, where pairs are packed), a
      // panel that comes packed from beyond the caches and another phase about half of one.
      const double packing = packs ? plan.pairs ? 0.7 : 1.3 : is_packed_ahead ? 0.5 : 0.0;
      double cost = (tiles + packing) * panels + (by_rows > 1 && sums_rows ? 0.5 : 0.0);
      // Rows of the left side are packed once a piece.
      if (plan.left_panels)
        cost += 0.5 * tiles;
      else if (plan.pack_lhs)
        cost += 0.2 * tiles / static_cast<double>(plan.vectors.largest());
      // Rounds of two threads. More pieces are welcome: they even out what a thread that loses its
      // core leaves undone.
      const int64_t count = by_rows * by_columns;
      cost *= static_cast<double>(count > 1 ? count / 2 : 1) *
              (1.0 - 0.013 * std::log2(static_cast<double>(count)));
      if (count == 1 && rest > 1) cost *= 2;
      const double left_bytes =
          tiles *
          static_cast<double>(plan.row_tiles.largest() * plan.chunk_terms() * dtype_size(p.dtype));
      if (left_bytes > kLeftBytes) cost *= 1 + 0.01 * std::log2(left_bytes / kLeftBytes);
      if ((plan.columns_first ? by_columns : by_rows) == 1 && rest > 1) cost *= penalty;
      if (cost <= best) {
        best = cost;
        plan.row_pieces = by_rows;
        plan.column_pieces = by_columns;
      }
    }
  }
}

}  // namespace sinter::codegen
