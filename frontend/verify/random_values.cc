#include "frontend/verify/random_values.h"

#include <cmath>
#include <limits>

namespace sinter::verification {

uint64_t Random::bits() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Tensor random_tensor(Random& random, const ValueType& type, int style) {
  Tensor t(type.dtype, type.shape);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr float kLargest = std::numeric_limits<float>::max();
  const auto real = [&]() -> double {
    switch (style) {
      case 0: return random.uniform(-1.5, 1.5);
      case 1: return static_cast<double>(random.below(7) - 3);  // many ties
      case 2: return random.uniform(0.1, 1.2);
      case 3: return static_cast<double>(random.below(33) - 16) / 8;
      case 4: return random.uniform(-30, 30);
      default:
        if (!random.chance(0.25)) return random.uniform(-2, 2);
        return random.pick({0.0, -0.0, 1.0, -1.0, kInfinity, -kInfinity, std::nan(""), 1e-40,
                            -1e-38, 1e30, static_cast<double>(kLargest), -88.0, 89.0, 1e-7, 1e4,
                            -104.0, 16777217.0, 0.5, 2.5});
    }
  };
  const auto integer = [&]() -> int64_t {
    if (style < 4) return random.below(8) - 2;
    if (style == 4) return random.below(100000) - 50000;
    return random.pick<int64_t>({0, 1, -1, 127, 128, 255, 256, 46341, 50000, -2147483648ll,
                                 2147483647ll, 4294967296ll, std::numeric_limits<int64_t>::min(),
                                 std::numeric_limits<int64_t>::max(), 9007199254740993ll});
  };
  dispatch_dtype(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (T& v : t.data<T>()) {
      if constexpr (std::is_same_v<T, bool>)
        v = random.chance(0.5);
      else if constexpr (is_floating_type<T>)
        v = static_cast<T>(static_cast<float>(real()));
      else
        v = static_cast<T>(integer());
    }
  });
  return t;
}

}  // namespace sinter::verification
