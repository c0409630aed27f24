// sparsemax (Martins, Astudillo 2016): the projection on the simplex.
#include <fmt/format.h>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {
namespace {

// The support S = {j: 1 + |{i: z_i >= z_j}| z_j > sum of those z_i} by comparing all pairs.
Symbol support_by_pairs(Symbol z, int at) {
  const Symbol mine = expand_dims(z, at + 1), others = expand_dims(z, at);
  const Symbol above = greater_equal(others, mine);
  const Symbol count = sum(cast(above, z.dtype()), at + 1);
  const Symbol total = sum(select(above, others, 0.0), at + 1);
  return greater(1.0 + count * z, total);
}

// (sum over the support of z - 1) / |support|. Selected, not multiplied: -inf is a number like
// others.
Symbol threshold_of(Symbol z, Symbol support, int at) {
  return (sum(select(support, z, 0.0), at, true) - 1.0) / sum(cast(support, z.dtype()), at, true);
}

// The same support as what is above tau, where sum(max(z - tau, 0)) = 1. The largest z is 0, so tau
// is in [-1, 0): it is searched for among 16 numbers at once, down to the last digit. What then is
// wrong about the support is that close to tau, which a step of Newton mends.
Symbol support_by_search(Symbol z, int at) {
  constexpr int64_t kParts = 16;
  const int steps = z.dtype() == DType::kFloat64 ? 14 : 7;
  std::vector<int64_t> dims(static_cast<size_t>(z.rank() - at), 1);
  dims[0] = kParts;
  const Symbol parts = iota(z.graph(), Shape(dims), 0, z.dtype());
  Symbol low = reduce_max(z, at, true) - 1.0;
  double width = 1;
  for (int step = 0; step < steps; ++step) {
    width /= kParts;
    const Symbol tau = expand_dims(low + parts * width, at + 1);
    const Symbol excess = sum(maximum(expand_dims(z, at) - tau, 0.0), at + 1);
    const Symbol below = sum(cast(greater_equal(excess, 1.0), z.dtype()), at, true);
    low = low + (below - 1.0) * width;
  }
  return greater(z, threshold_of(z, greater(z, low), at));
}

}  // namespace

// max(z - tau, 0); the derivative holds the support fixed.
Symbol sparsemax(OpInput x, int axis) {
  // Comparing all pairs costs n an element and is one pass; the search costs 16 for each digit.
  constexpr int64_t kFewPairs = 32;
  register_ops();
  x = ops::floating(x);
  const int at = ops::checked_axis("sparsemax", x, axis);
  const int64_t n = x.shape()[at];
  if (n < 1) {
    throw ShapeError(fmt::format("{}sparsemax needs a known dimension at axis {} of {}",
                                 ops::where(x.graph()), axis, x.type().to_string()));
  }
  // Shifted by the largest, so that sums keep their digits.
  const Symbol z = x - stop_gradient(reduce_max(x, at, true));
  const Symbol fixed = stop_gradient(z);
  const Symbol support =
      n <= kFewPairs ? support_by_pairs(fixed, at) : support_by_search(fixed, at);
  return maximum(z - threshold_of(z, support, at), 0.0);
}

}  // namespace sinter
