#include "tests/contract/differences.h"

#include <algorithm>
#include <array>
#include <vector>

namespace sinter::contract {

namespace {
using Long = long double;
}  // namespace

Long evaluate_long(const ScalarExpr& expr, std::span<const Long> arguments) {
  std::vector<Long> v(expr.instructions.size());
  for (size_t k = 0; k < v.size(); ++k) {
    const ScalarInstruction& i = expr.instructions[k];
    const auto operand = [&](size_t n) {
      return i.operands[n] < 0 ? 0 : v[static_cast<size_t>(i.operands[n])];
    };
    const Long a = i.op == ScalarOp::kArgument ? 0 : operand(0),
               b = i.op == ScalarOp::kArgument ? 0 : operand(1);
    const bool none = std::isnan(a) || std::isnan(b);
    switch (i.op) {
      case ScalarOp::kArgument: v[k] = arguments[static_cast<size_t>(i.operands[0])]; break;
      case ScalarOp::kConstant: v[k] = i.constant.as_double(); break;
      case ScalarOp::kAdd: v[k] = a + b; break;
      case ScalarOp::kSub: v[k] = a - b; break;
      case ScalarOp::kMul: v[k] = a * b; break;
      case ScalarOp::kDiv: v[k] = a / b; break;
      case ScalarOp::kMax: v[k] = none ? a + b : std::max(a, b); break;
      case ScalarOp::kMin: v[k] = none ? a + b : std::min(a, b); break;
      case ScalarOp::kPow: v[k] = std::pow(a, b); break;
      case ScalarOp::kNeg: v[k] = -a; break;
      case ScalarOp::kAbs: v[k] = std::fabs(a); break;
      case ScalarOp::kSign: v[k] = none ? a : static_cast<Long>((a > 0) - (a < 0)); break;
      case ScalarOp::kFloor: v[k] = std::floor(a); break;
      case ScalarOp::kCeil: v[k] = std::ceil(a); break;
      case ScalarOp::kRound: v[k] = std::nearbyint(a); break;
      case ScalarOp::kSqrt: v[k] = std::sqrt(a); break;
      case ScalarOp::kExp: v[k] = std::exp(a); break;
      case ScalarOp::kExpm1: v[k] = std::expm1(a); break;
      case ScalarOp::kLog: v[k] = std::log(a); break;
      case ScalarOp::kLog1p: v[k] = std::log1p(a); break;
      case ScalarOp::kTanh: v[k] = std::tanh(a); break;
      case ScalarOp::kErf: v[k] = std::erf(a); break;
      case ScalarOp::kLogistic:
        v[k] = a < 0 ? std::exp(a) / (1 + std::exp(a)) : 1 / (1 + std::exp(-a));
        break;
      case ScalarOp::kSoftplus:
        v[k] = std::log1p(std::exp(-std::fabs(a))) + (a > 0 || none ? a : 0);
        break;
      case ScalarOp::kSin: v[k] = std::sin(a); break;
      case ScalarOp::kCos: v[k] = std::cos(a); break;
      case ScalarOp::kLess: v[k] = a < b; break;
      case ScalarOp::kLessEqual: v[k] = a <= b; break;
      case ScalarOp::kEqual: v[k] = a == b; break;
      case ScalarOp::kAnd: v[k] = a != 0 && b != 0; break;
      case ScalarOp::kOr: v[k] = a != 0 || b != 0; break;
      case ScalarOp::kNot: v[k] = a == 0; break;
      case ScalarOp::kSelect: v[k] = a != 0 ? b : operand(2); break;
      case ScalarOp::kCast: v[k] = a; break;
    }
  }
  return v[static_cast<size_t>(expr.results[0])];
}

// Central differences of fourth order for steps from a sixteenth of 1, or of the operand, down;
// what agrees best between a step and its half is taken. One-sided differences must agree. Steps
// that grow with the operand would smooth over what a local function does. An error must be small
// beside f / x, not only beside 1.
Estimates differences(const std::function<Long(Long)>& f, Long x, bool is_local) {
  Estimates best;
  std::vector<Long> steps;
  for (int k : {4, 8, 12, 16}) {
    if (std::fabs(x) < 0x1p40L) steps.push_back(std::ldexp(1.0L, -k));
    if (x != 0 && (!is_local || std::fabs(x) < 1)) steps.push_back(std::ldexp(std::fabs(x), -k));
  }
  const Long f0 = f(x);
  for (Long step : steps) {
    std::array<Estimate, 2> d1, d2;
    bool bends = false, bends_twice = false;
    Long noise = 0, size = 0;
    for (size_t half = 0; half < 2; ++half) {
      const Long right = x + (half == 0 ? step : step / 2), h = right - x;  // exact
      if (h == 0) break;
      const Long p1 = f(x + h), p2 = f(x + 2 * h), p3 = f(x + 3 * h), m1 = f(x - h),
                 m2 = f(x - 2 * h), m3 = f(x - 3 * h);
      d1[half].value = (8 * (p1 - m1) - (p2 - m2)) / (12 * h);
      d2[half].value = (16 * (p1 + m1) - (p2 + m2) - 30 * f0) / (12 * h * h);
      size = std::max({std::fabs(f0), std::fabs(p2), std::fabs(m2)});
      noise = std::ldexp(size, -60) / h;
      const Long ahead = (-3 * f0 + 4 * p1 - p2) / (2 * h),
                 behind = (3 * f0 - 4 * m1 + m2) / (2 * h);
      bends = bends || !(std::fabs(ahead - behind) <=
                         0.05L * std::max(std::fabs(ahead), std::fabs(behind)) + 64 * noise);
      const Long ahead2 = (2 * f0 - 5 * p1 + 4 * p2 - p3) / (h * h),
                 behind2 = (2 * f0 - 5 * m1 + 4 * m2 - m3) / (h * h);
      bends_twice = bends_twice ||
                    !(std::fabs(ahead2 - behind2) <=
                      0.1L * std::max(std::fabs(ahead2), std::fabs(behind2)) + 256 * noise / h);
      d1[half].error = noise;
      d2[half].error = noise / h;
    }
    const auto take = [&](Estimate& into, const std::array<Estimate, 2>& d, bool kink, Long scale) {
      const Long error = std::fabs(d[1].value - d[0].value) + 4 * d[1].error;
      const Long allowed = 1e-7L * std::fabs(d[1].value) + 1e-10L * std::min(1.0L, scale);
      if (!kink && error <= allowed && error < into.error) into = {d[1].value, error};
    };
    const Long width = std::max(1.0L, std::fabs(x));
    take(best.first, d1, bends, size / width);
    take(best.second, d2, bends || bends_twice, size / (width * width));
  }
  return best;
}

}  // namespace sinter::contract
