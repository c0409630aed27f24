// Fits the pieces of erf: interpolation at Chebyshev's points, which is close to the best
// polynomial.
#include "runtime/llvm/emit/math_pieces.h"

#include <cmath>
#include <numbers>

namespace sinter::codegen {
namespace {

// The coefficients of the polynomial of degree N - 1 through f at the N Chebyshev points of
// [-radius, radius], by Newton's divided differences.
template <size_t N>
std::array<double, N> interpolate(double radius, const auto& f) {
  std::array<double, N> at{}, difference{}, result{};
  for (size_t i = 0; i < N; ++i) {
    at[i] = radius * std::cos((2 * static_cast<double>(i) + 1) * std::numbers::pi / (2 * N));
    difference[i] = f(at[i]);
  }
  for (size_t order = 1; order < N; ++order) {
    for (size_t i = N - 1; i >= order; --i)
      difference[i] = (difference[i] - difference[i - 1]) / (at[i] - at[i - order]);
  }
  // Horner's scheme over (t - at[i]).
  for (size_t i = N; i-- > 0;) {
    for (size_t k = N - 1; k > 0; --k) result[k] = result[k - 1] - at[i] * result[k];
    result[0] = difference[i] - at[i] * result[0];
  }
  return result;
}

}  // namespace

ErfPieces fit_erf() {
  constexpr double kStep = kErfEnd / (kErfPieces - 1);
  ErfPieces pieces{};
  // erf(t) / t is even, so of its polynomial only even terms remain.
  const auto slope = interpolate<kErfTerms - 1>(
      kStep / 2, [](double t) { return t == 0 ? 2 * std::numbers::inv_sqrtpi : std::erf(t) / t; });
  for (size_t term = 0; term < slope.size(); term += 2) pieces[0][term + 1] = slope[term];
  for (size_t p = 1; p < kErfPieces - 1; ++p) {
    const double center = kStep * static_cast<double>(p);
    pieces[p] = interpolate<kErfTerms>(kStep / 2, [&](double t) { return std::erf(center + t); });
  }
  // Up to the last center alone; there erf is 1 to the last bit, and never more.
  pieces[kErfPieces - 1] =
      interpolate<kErfTerms>(kStep / 2, [](double t) { return std::erf(kErfEnd + t); });
  pieces[kErfPieces - 1][0] = 1;
  return pieces;
}

}  // namespace sinter::codegen
