// Numbers that are drawn for each image.
#include "frontend/layers/random_factor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/ops.h"

namespace sinter {

Range range_of(const RealNumbers& factor) {
  const double a = factor.list().empty() ? 0 : factor.list().front();
  if (factor.is_one()) return {-std::abs(a), std::abs(a)};
  const double b = factor.list().empty() ? 0 : factor.list().back();
  return {std::min(a, b), std::max(a, b)};
}

std::string factor_mistake(const char* key, const RealNumbers& factor, double low, double high) {
  const bool fits =
      std::ranges::all_of(factor.list(), [&](double f) { return f >= low && f <= high; });
  if (fits && (factor.is_one() || factor.list().size() == 2)) return "";
  return fmt::format("{} must be one number or two in [{}, {}], found {}", key, low, high,
                     fmt::join(factor.list(), ", "));
}

std::string first_mistake(std::initializer_list<std::string> mistakes) {
  for (const std::string& mistake : mistakes) {
    if (!mistake.empty()) return mistake;
  }
  return "";
}

Symbol per_image(Symbol x, Symbol state, int64_t stream, const Range& range) {
  const Symbol u = random_uniform(state, {x.shape()[0], 1, 1, 1}, stream, x.dtype());
  return u * (range.high - range.low) + range.low;
}

}  // namespace sinter
