#include "tests/contract/elementwise_bounds.h"

#include <map>

namespace sinter::contract {
namespace {

// What is promised of an op that is not below.
constexpr Bounds kUsual = {{{4e-7, kTiny}, {1e-6, kTiny}, {2e-6, kTiny}}};
// 1 - x loses what is small beside 1: 6e-8 of s (1 - s), 1 - tanh^2 and 1 + erf where they are
// taken from the rounded s, tanh or erf, and multiples of it further on. Elsewhere it is the roots
// of a derivative, near which its terms cancel. exp(-x^2) has x^2 times the rounding of x^2.
constexpr double kUnit = 1.2e-7;
const std::map<std::string, Bounds> kBounds = {
    // The rounding of b - 1 times log(a).
    {"power", {{{4e-7, kTiny}, {1e-5, kTiny}, {1e-5, kTiny}}}},
    {"erf", {{{4e-7, kTiny}, {1e-5, kTiny}, {2e-5, kTiny}}}},
    {"sigmoid", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, kUnit}}}},
    {"tanh", {{{4e-7, kTiny}, {1e-6, 4 * kUnit}, {2e-6, 8 * kUnit}}}},
    // x - tanh(x) from 0.25 on, below which it is a series.
    {"tanh_shrink", {{{4e-7, kUnit / 2}, {1e-6, kTiny}, {2e-6, 2 * kTiny}}}},
    {"sigmoid_cross_entropy", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, 2 * kTiny}}}},
    {"swish", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, 2 * kUnit}}}},
    {"swish{beta=1.7}", {{{1e-5, kTiny}, {1e-6, kUnit}, {2e-6, 4 * kUnit}}}},
    {"mish", {{{1e-6, kTiny}, {1e-6, kUnit}, {2e-6, 4 * kUnit}}}},
    {"gelu", {{{4e-7, 8 * kUnit}, {1e-6, 16 * kUnit}, {2e-6, 16 * kUnit}}}},
    {"gelu{approximate=true}", {{{4e-7, 8 * kUnit}, {1e-6, 4 * kUnit}, {2e-6, 16 * kUnit}}}},
};

}  // namespace

Bounds bounds_of(const std::string& name, const std::string& backend) {
  const auto found = kBounds.find(name);
  Bounds bounds = found == kBounds.end() ? kUsual : found->second;
  // oneDNN takes the sigmoid for 0 where it is subnormal: x times that is lost.
  if (backend == "onednn" && name.starts_with("swish")) bounds[0].absolute = 2e-36;
  return bounds;
}

}  // namespace sinter::contract
