// The product of all factors but each one, of which derivatives of prod are made.
#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/define.h"

namespace sinter::ops {
namespace {

using Ints = std::vector<int64_t>;

// Factors side by side in one product; of more, blocks of as many.
constexpr int64_t kBlock = 8;

// Along the axis `at` of known length. Only products, so that derivatives of any order are sums of
// products, too, and nothing cancels in them that has one sign.
Symbol others_along(Symbol x, int at) {
  Ints dims = x.shape().dims();
  const auto a = static_cast<size_t>(at);
  const int64_t n = dims[a];
  if (n == 1) return ones_like(x);
  if (n <= kBlock) {
    // [.., i, j, ..]: for each i all factors j, 1 for its own.
    Ints pairs(dims.size() - a + 1, 1);
    pairs[0] = pairs[1] = n;
    const Symbol self = equal(iota(x.graph(), Shape(pairs), 0), iota(x.graph(), Shape(pairs), 1));
    return prod(select(self, 1.0, expand_dims(x, at)), at + 1);
  }
  // The others of its block times the other blocks. Blocks are as even as they can be.
  const int64_t blocks = (n + kBlock - 1) / kBlock, size = (n + blocks - 1) / blocks;
  Ints low(dims.size(), 0), high(dims.size(), 0);
  high[a] = blocks * size - n;
  const Symbol whole = high[a] == 0 ? x : pad(x, low, high, 1.0);
  dims[a] = blocks;
  dims.insert(dims.begin() + at + 1, size);
  const Symbol split = reshape(whole, Shape(dims));
  const Symbol result =
      others_along(split, at + 1) * expand_dims(others_along(prod(split, at + 1), at), at + 1);
  return slice(reshape(result, whole.shape()), at, 0, n);
}

// Axes one of which is the batch, whose length is not known: the product of all factors that are
// not zero, divided by the one, times the zeros among the others. One zero enters as itself, two as
// (e^2 - p) / 2, e their sum and p that of their squares, so that derivatives by them are right,
// too: to the third order of prod, where of a third zero among the others nothing is left. The
// derivative of the division cancels where factors differ much in size, so it is one in float64.
Symbol others_by_division(Symbol given, const Ints& axes) {
  const Symbol x = cast(given, DType::kFloat64);
  const auto over_axes = [&](Symbol s) { return unreduce(s, x.shape(), axes); };
  const Symbol is_zero = equal(x, 0.0), own = select(is_zero, x, 0.0);
  const Symbol count = cast(is_zero, x.dtype()), zeros = over_axes(sum(count, axes)) - count;
  const Symbol one = over_axes(sum(own, axes)) - own;
  const Symbol two = 0.5 * (square(one) - (over_axes(sum(square(own), axes)) - square(own)));
  const Symbol not_zero = select(is_zero, 1.0, x);
  const Symbol rest = over_axes(prod(not_zero, axes)) / not_zero;
  const Symbol of_zeros = select(equal(zeros, 1.0), one, select(equal(zeros, 2.0), two, 0.0));
  // Beside a zero the rest may overflow.
  constexpr double kLargest = std::numeric_limits<double>::max();
  const Symbol others = select(equal(zeros, 0.0), rest, of_zeros * clip(rest, -kLargest, kLargest));
  return cast(others, given.dtype());
}

}  // namespace

Symbol product_of_others(Symbol x, std::span<const int64_t> axes) {
  const Shape& shape = x.shape();
  const Ints reduced(axes.begin(), axes.end());
  int64_t n = 1;
  for (const int64_t axis : reduced) {
    if (shape[static_cast<int>(axis)] == kBatch) return others_by_division(x, reduced);
    n *= shape[static_cast<int>(axis)];
  }
  if (n == 0) return x;
  // Several axes become one: the last, if they do not stand side by side.
  Ints order;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (i == reduced.front() || std::ranges::find(reduced, i) == reduced.end()) order.push_back(i);
  }
  const bool adjacent = reduced.back() - reduced.front() + 1 == std::ssize(reduced);
  if (!adjacent)
    std::rotate(std::ranges::find(order, reduced.front()),
                std::ranges::find(order, reduced.front()) + 1, order.end());
  const int at = static_cast<int>(std::ranges::find(order, reduced.front()) - order.begin());
  Ints perm, dims;
  for (const int64_t i : order) {
    const bool is_reduced = i == reduced.front();
    dims.push_back(is_reduced ? n : shape[static_cast<int>(i)]);
    if (is_reduced)
      perm.insert(perm.end(), reduced.begin(), reduced.end());
    else
      perm.push_back(i);
  }
  const Symbol moved = adjacent ? x : transpose(x, perm);
  const Symbol result = reshape(others_along(reshape(moved, Shape(dims)), at), moved.shape());
  if (adjacent) return result;
  Ints back(perm.size());
  for (size_t i = 0; i < perm.size(); ++i)
    back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  return transpose(result, back);
}

}  // namespace sinter::ops
