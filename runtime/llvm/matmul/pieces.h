// How a product is shared between threads.
#pragma once

#include "runtime/llvm/matmul/tiling.h"

namespace sinter::codegen {

/// Pieces that the work is worth: by bytes of the right side when these are the bound, by
/// operations otherwise.
int64_t wanted_pieces(const MatmulPlan& plan);

/// Two threads that share a weight gradient by columns write runs of lines, side by side in each
/// row. After three lines the hardware reads on, into those of the other thread, which are then
/// slow to write: a thread that has a single panel makes two narrower ones of it.
bool has_one_panel_each(const MatmulPlan& plan, int64_t vectors, const Tile& tile);

/// Pieces as powers of two over batch, rows and columns, so that two threads, and then more, have
/// as little to do as can be. `sums_rows`: pieces of rows need a second phase.
void choose_pieces(MatmulPlan& plan, bool sums_rows);

}  // namespace sinter::codegen
