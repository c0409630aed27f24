// Which tiles a product is cut into, with lanes along its columns or along its rows.
#pragma once

#include "runtime/llvm/matmul/plan.h"

namespace sinter::codegen {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Rows of the result, and vectors of its columns.
struct Tile {
  int64_t rows = 1, vectors = 1;
};

/// Do the rows of the left side lie side by side, as in x^T.dy?
bool reads_across(const MatmulPlan& plan);
/// Are there enough rows for panels as long as the sum, or as half of the second-level cache? With
/// fewer, the next panel is not there when it is needed.
bool has_long_panels(const MatmulPlan& plan);
Tile choose_tile(const MatmulPlan& plan, int64_t vectors);
/// All columns, and as many rows as there are registers for.
Tile whole_row_tile(int64_t rows, int64_t vectors, const VectorShape& machine);
/// Cycles of a whole product of `rows` x `vectors` by depth when cut into such tiles, the start and
/// end of a tile included.
double product_cycles(int64_t rows, int64_t vectors, int64_t depth, Tile tile);
/// Tiles along the rows where that beats `columns_cycles`, the best of lanes along the columns.
/// Returns whether it does.
bool choose_narrow(MatmulPlan& plan, double columns_cycles);

}  // namespace sinter::codegen
