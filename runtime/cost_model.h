// What kernels cost, from constants that were measured: how `auto` chooses without trying, and
// which kernels are worth a second thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/graph.h"

namespace sinter {

/// Microseconds of a node on one thread. Nothing for nodes that only one backend has a kernel for,
/// so that there is nothing to choose.
std::optional<double> estimate_microseconds(std::string_view backend, const Graph& graph,
                                            int32_t node);

struct ProductSize {
  int64_t batch = 1, rows = 1, depth = 1, columns = 1;
  bool transposed = false;  // is the right side read along its rows (dy.W^T)?
};
/// Microseconds of a matrix product of float32 on one thread, by llvm or onednn; of bfloat16 (llvm)
/// for half the depth, since pairs of its terms cost what one of float32 does.
double product_microseconds(std::string_view backend, const ProductSize& size);

/// Microseconds on one thread of loops that move `bytes` and do `arithmetic` (in additions, as
/// scalar_op_cost counts) in all.
double loop_microseconds(double bytes, double arithmetic);
/// The same of `bytes` read and written by a transpose.
double transpose_microseconds(double bytes);

/// Into how many pieces work of so many microseconds (on one thread) should be cut, `most` at most:
/// each piece is long enough for another thread to take it.
int worthwhile_pieces(double microseconds, int64_t most);
/// Why a kernel of so many pieces runs on one thread or on all, with the figures: for dumps.
std::string explain_threads(std::optional<double> microseconds, int pieces);

}  // namespace sinter
