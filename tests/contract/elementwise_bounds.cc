#include "tests/contract/elementwise_bounds.h"

#include <map>

namespace sinter::contract {
namespace {

// What is promised of an op that is not below.
constexpr Bounds kUsual = {{{4e-7, kTiny}, {1e-6, kTiny}, {2e-6, kTiny}}};
// 1 + x and 1 - x lose what is small beside 1: 6e-8 of expm1 + 1, s (1 - s), 1 - tanh^2, 1 + erf,
// and multiples of it further on. exp(-x^2) has x^2 times the rounding of x^2.
constexpr double kUnit = 1.2e-7;
const std::map<std::string, Bounds> kBounds = {
    // The rounding of b - 1 times log(a).
    {"power", {{{4e-7, kTiny}, {1e-5, kTiny}, {1e-5, kTiny}}}},
    {"erf", {{{4e-7, kTiny}, {1e-5, kTiny}, {2e-5, kTiny}}}},
    {"expm1", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, kUnit}}}},
    {"elu", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, kUnit}}}},
    {"elu{alpha=0.5}", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, kUnit}}}},
    {"selu", {{{4e-7, kTiny}, {1e-6, 2 * kUnit}, {2e-6, 2 * kUnit}}}},
    {"sigmoid", {{{4e-7, kTiny}, {1e-6, kUnit}, {2e-6, kUnit}}}},
    {"tanh", {{{4e-7, kTiny}, {1e-6, 4 * kUnit}, {2e-6, 8 * kUnit}}}},
    // x - tanh(x) from 0.25 on, below which it is a series; 2 t (1 - t^2).
    {"tanh_shrink", {{{4e-7, kUnit / 2}, {1e-6, kTiny}, {2e-6, 8 * kUnit}}}},
    {"softplus", {{{4e-7, kTiny}, {1e-6, kTiny}, {2e-6, kUnit}}}},
    {"log_sigmoid", {{{4e-7, kTiny}, {1e-6, kTiny}, {2e-6, kUnit}}}},
    {"sigmoid_cross_entropy", {{{4e-7, 1e-6}, {1e-6, kUnit}, {2e-6, kUnit}}}},
    // Where the sigmoid is taken for 0, x times the smallest normal number is lost.
    {"swish", {{{4e-7, 2e-36}, {1e-6, 2 * kUnit}, {2e-6, 16 * kUnit}}}},
    {"swish{beta=1.7}", {{{1e-5, 2e-36}, {1e-6, 2 * kUnit}, {2e-6, 16 * kUnit}}}},
    {"mish", {{{1e-6, 2e-36}, {1e-6, 4 * kUnit}, {2e-6, 32 * kUnit}}}},
    {"gelu", {{{4e-7, 8 * kUnit}, {1e-6, 16 * kUnit}, {2e-6, 16 * kUnit}}}},
    {"gelu{approximate=true}", {{{4e-7, 8 * kUnit}, {1e-6, 16 * kUnit}, {2e-6, 128 * kUnit}}}},
};

}  // namespace

const Bounds& bounds_of(const std::string& name) {
  const auto found = kBounds.find(name);
  return found == kBounds.end() ? kUsual : found->second;
}

}  // namespace sinter::contract
