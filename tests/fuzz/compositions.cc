// Ops together, as users and layers write them.
#include <algorithm>
#include <limits>
#include <numeric>

#include "tests/fuzz/maker.h"

namespace sinter::fuzz {
namespace {

using Ints = std::vector<int64_t>;

// A value and one of its axes that has at least `least` elements.
struct Along {
  Symbol x;
  int axis;
  int64_t size;
};

Along along(Maker& m, int64_t least, bool floating) {
  const Symbol x = m.of_rank({}, 1, floating);
  const auto axis = static_cast<int>(m.random.below(x.rank()));
  const int64_t size = x.shape()[axis];
  if (m.extent(size) < least) throw DoesNotFit();
  return {x, axis, size};
}

Symbol normalized(Maker& m) {
  const Symbol x = m.of_rank({}, 2, true);
  const Ints axes = m.random_axes(x.rank());
  const Symbol spread = variance(x, axes, true) + m.random.pick({1e-3, 0.1});
  return (x - mean(x, axes, true)) / sqrt(spread);
}

Symbol log_sum_exp(Maker& m) {
  const Symbol x = m.of_rank({}, 1, true);
  const Ints axes = m.random_axes(x.rank());
  const Symbol largest = reduce_max(x, axes, true);
  return log(sum(exp(x - largest), axes, true)) + largest;
}

// By a product with a triangle of ones.
Symbol cumulative_sum(Maker& m) {
  const Along a = along(m, 1, true);
  if (a.size == kBatch || a.size > 20) throw DoesNotFit();
  Ints perm(static_cast<size_t>(a.x.rank()));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  std::swap(perm[static_cast<size_t>(a.axis)], perm.back());
  const Shape square{a.size, a.size};
  const DType dtype = arithmetic_dtype(a.x.dtype());
  const Symbol triangle =
      cast(greater_equal(iota(m.graph, square, 1), iota(m.graph, square, 0)), dtype);
  return dense(cast(transpose(a.x, perm), dtype), triangle);
}

Symbol made(Maker& m) {
  Random& random = m.random;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (random.below(12)) {
    case 0: {
      const Along a = along(m, 1, true);
      return sparsemax(a.x, a.axis);
    }
    case 1: {
      const Along a = along(m, 1, true);
      return glu(a.x, a.axis);
    }
    case 2: {
      const DType of = random.pick({DType::kInt32, DType::kInt64, DType::kUint8});
      return one_hot(cast(m.any(), of), random.pick({1, 2, 3, 5, 17}),
                     m.sizes.floats_only ? DType::kFloat32 : kAllDTypes[random.below(std::size(kAllDTypes))]);
    }
    case 3:
      return clip(m.sizes.floats_only ? m.any_float() : m.any(),
                  random.pick({-1e30, -3e9, -1.0, 0.0, -kInfinity}),
                  random.pick({1e30, 3e9, 1.0, 0.5, 2.0, kInfinity}));
    case 4: {
      const Along a = along(m, 1, true);
      return softmax(a.x, a.axis);
    }
    case 5: return normalized(m);
    case 6: return log_sum_exp(m);
    case 7:
      return power(m.sizes.floats_only ? m.any_float() : m.any(),
                   random.pick<Number>({2, 3, 0, 1, 5, 0.5, 2.0, -1.0, 0.3}));
    case 8: {  // differences
      const Along a = along(m, 2, true);
      if (a.size == kBatch) throw DoesNotFit();
      return slice(a.x, a.axis, 1, a.size) - slice(a.x, a.axis, 0, a.size - 1);
    }
    case 9: {
      const Along a = along(m, 1, m.sizes.floats_only);
      if (a.size == kBatch) throw DoesNotFit();
      return gather(a.x, argmax(a.x, a.axis), a.axis);
    }
    case 10: {
      const Symbol x = m.of_rank({}, 1, m.sizes.floats_only);
      return prod(x, m.random_axes(x.rank()), random.chance(0.5));
    }
    default: return cumulative_sum(m);
  }
}

}  // namespace

Symbol Maker::composition() {
  const Symbol y = made(*this);
  if (!fits(y.shape()) || y.rank() > max_rank) throw DoesNotFit();
  return y;
}

}  // namespace sinter::fuzz
