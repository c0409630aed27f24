// What kernels cost, from constants that were measured: how `auto` chooses without trying, and
// which kernels are worth a second thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/graph.h"

namespace sinter {

/// Kinds of nodes that cost so much a unit of work.
enum class CostFamily : uint8_t {
  kProduct,            // a unit is a product and a sum
  kTransposedProduct,  // the right side is read along its rows (dy.W^T)
  kRowProduct,         // one row: a unit is a byte of the right side
  kTransposedRowProduct,
  kRowReduction,  // along the last dimension: a unit is an element
  kTranspose,     // a unit is an element
};

struct Cost {
  CostFamily family;
  double microseconds;  // however little there is to do
  double nanoseconds;   // a unit, while all fits in the L2 cache
  double far;           // a unit otherwise
};
/// What the kernels of one backend cost. It stands in the folder of the backend.
using Costs = std::span<const Cost>;

/// Microseconds of a node of float32 on one thread, where `costs` has its family: products, row
/// reductions, transposes. Nothing for others.
std::optional<double> estimate_microseconds(Costs costs, const Graph& graph, int32_t node);

struct ProductSize {
  int64_t batch = 1, rows = 1, depth = 1, columns = 1;
  bool transposed = false;  // is the right side read along its rows (dy.W^T)?
};
/// Microseconds of a matrix product of float32 on one thread; of bfloat16 for half the depth, since
/// pairs of its terms cost what one of float32 does. The costs of products must be there.
double product_microseconds(Costs costs, const ProductSize& size);
/// The sizes of a `contract` whose depth is one dimension, or of a `dense`.
std::optional<ProductSize> product_size(const Graph& graph, int32_t node);

/// Does a `reduce` take the last dimension alone?
bool reduces_rows(const Graph& graph, const Node& node);
/// Bytes of the operands and results of a node that are all float32, otherwise nothing.
std::optional<double> float32_bytes(const Graph& graph, int32_t node);

/// Microseconds on one thread of loops that move `bytes` and do `arithmetic` (in additions, as
/// scalar_op_cost counts) in all.
double loop_microseconds(double bytes, double arithmetic);
/// The same of `bytes` read and written by a transpose.
double transpose_microseconds(double bytes);

/// Into how many pieces work of so many microseconds (on one thread) should be cut, `most` at most:
/// each piece is long enough for another thread to take it. 1 while there is an UncutKernels.
int worthwhile_pieces(double microseconds, int64_t most);
/// While one lives, kernels that its thread plans run on one thread each, as those of a micro-batch
/// do.
class UncutKernels {
 public:
  UncutKernels() { ++depth(); }
  ~UncutKernels() { --depth(); }
  UncutKernels(const UncutKernels&) = delete;
  UncutKernels& operator=(const UncutKernels&) = delete;
  static bool is_active() { return depth() > 0; }

 private:
  static int& depth();
};
/// Why a kernel of so many pieces runs on one thread or on all, with the figures: for dumps.
std::string explain_threads(std::optional<double> microseconds, int pieces);

}  // namespace sinter
