// Scalar operations on values with error bounds. Every rounding counts four times (kSlack), so that
// rewritings which round elsewhere stay inside, and what depends on a bound is certain.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "frontend/verify/bounded.h"

namespace sinter::verification {
namespace {

constexpr double kSlack = 4;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

int largest_exponent(DType dtype) { return (1 << (record_of(dtype).exponent_bits - 1)) - 1; }

double largest(DType dtype) {
  return std::ldexp(2 - std::ldexp(1.0, 1 - record_of(dtype).digits), largest_exponent(dtype));
}

Bounded certain(double value) { return {value, 0, 0}; }
Bounded certain_integer(int64_t value) { return {0, value, 0}; }
Bounded either_bool() { return {0, 0, 1}; }

// Everything between `low` and `high`, either of which may be what is meant.
Bounded hull(double low, double high) {
  if (low == high) return certain(low);
  if (!std::isfinite(low) || !std::isfinite(high)) return unknown();
  const double middle = low / 2 + high / 2;  // rounded itself
  return {middle, 0, (high - low) / 2 * (1 + 1e-15) + 4e-16 * std::fabs(middle) + 1e-320};
}

double low_of(const Bounded& b) { return b.value - b.radius; }
double high_of(const Bounded& b) { return b.value + b.radius; }

double plain(ScalarOp op, double a, double b = 0) {
  return evaluate_instruction({op, DType::kFloat64, {0, 1, -1}, 0}, DType::kFloat64, {a, 0}, {b, 0},
                              {})
      .f;
}

// f never decreases: what it makes of both ends holds everything between.
Bounded monotone(DType dtype, ScalarOp op, const Bounded& a, double ulps) {
  const double value = plain(op, a.value);
  if (a.radius == 0 && !std::isfinite(a.value)) return certain(value);
  const double low = plain(op, low_of(a)), high = plain(op, high_of(a));
  if (std::isnan(low) && std::isnan(high)) return certain(value);  // far outside its domain
  if (std::isnan(low) || std::isnan(high)) return unknown();
  if (value == -kInfinity && a.radius == 0) return certain(value);  // log(0)
  if (ulps == 0) return hull(low, high);
  const double propagated = std::max(high - value, value - low);
  return bounded_float(dtype, value, propagated,
                       kSlack * ulps * unit_roundoff(dtype) * std::fabs(value) +
                           (value == 0 && a.radius == 0 ? 0 : smallest_normal(dtype)));
}

Bounded sum_of(DType dtype, const Bounded& a, const Bounded& b) {
  const double value = a.value + b.value;
  if (!std::isfinite(value)) return certain(value);  // an operand is infinite
  // Beside the middle of its interval a sum is rounded.
  const double propagated = a.radius + b.radius;
  const bool exact = propagated == 0 && is_exact(a.value) && is_exact(b.value) && is_exact(value);
  return bounded_float(dtype, value, propagated,
                       exact ? 0 : kSlack * unit_roundoff(dtype) * std::fabs(value));
}

Bounded product_of(DType dtype, const Bounded& a, const Bounded& b) {
  const double value = a.value * b.value;
  if (!std::isfinite(a.value) || !std::isfinite(b.value)) {
    if (a.radius > 0 && std::fabs(a.value) <= a.radius) return unknown();  // perhaps 0 * inf
    if (b.radius > 0 && std::fabs(b.value) <= b.radius) return unknown();
    return certain(value);
  }
  const double propagated =
      std::fabs(a.value) * b.radius + std::fabs(b.value) * a.radius + a.radius * b.radius;
  const bool exact = propagated == 0 &&
                     (value == 0 || (is_exact(a.value) && is_exact(b.value) && is_exact(value)));
  return bounded_float(
      dtype, value, propagated,
      exact ? 0 : kSlack * unit_roundoff(dtype) * std::fabs(value) + smallest_normal(dtype));
}

Bounded quotient_of(DType dtype, const Bounded& a, const Bounded& b) {
  const double value = a.value / b.value;
  if (b.value == 0 && b.radius == 0 && a.value == 0 && a.radius == 0) return certain(value);  // NaN
  if (std::fabs(b.value) <= b.radius) return unknown();  // the sign of a zero is not followed
  if (!std::isfinite(a.value) || !std::isfinite(b.value)) return certain(value);
  const double propagated =
      (a.radius + std::fabs(value) * b.radius) / (std::fabs(b.value) - b.radius);
  // Multiplying by 1 / b instead, which overflows for tiny b.
  if (std::fabs(b.value) - b.radius < 8 * smallest_normal(dtype)) return unknown();
  return bounded_float(dtype, value, propagated,
                       value == 0 ? 0
                                  : kSlack * 2 * unit_roundoff(dtype) * std::fabs(value) +
                                        smallest_normal(dtype) * (1 + std::fabs(a.value)));
}

Bounded extreme_of(bool largest_one, const Bounded& a, const Bounded& b) {
  const auto pick = [&](double x, double y) {
    return largest_one ? std::max(x, y) : std::min(x, y);
  };
  return hull(pick(low_of(a), low_of(b)), pick(high_of(a), high_of(b)));
}

Bounded power_of(DType dtype, const Bounded& a, const Bounded& b) {
  const double value = plain(ScalarOp::kPow, a.value, b.value);
  const bool exact_exponent = b.radius == 0;
  if (a.radius == 0 && exact_exponent && (!std::isfinite(a.value) || std::isnan(b.value)))
    return std::isinf(value) && a.value == 0 ? unknown() : certain(value);
  if (exact_exponent && b.value == 0) return certain(1);
  if (a.value == 0 && a.radius == 0 && exact_exponent && b.value > 0) return certain(0);
  if (!std::isfinite(a.value) || !std::isfinite(b.value)) return unknown();
  const bool whole = exact_exponent && b.value == std::trunc(b.value) && std::fabs(b.value) < 64;
  if (low_of(a) <= 0 && !(whole && (b.value > 0 || high_of(a) < 0))) {
    const bool surely_nan = high_of(a) < 0 && exact_exponent && b.value != std::trunc(b.value);
    return surely_nan ? certain(value) : unknown();
  }
  double low = value, high = value;
  for (const double x : {low_of(a), high_of(a)}) {
    for (const double y : {low_of(b), high_of(b)}) {
      const double corner = plain(ScalarOp::kPow, x, y);
      if (!std::isfinite(corner)) return unknown();
      low = std::min(low, corner);
      high = std::max(high, corner);
    }
  }
  if (low_of(a) <= 0 && high_of(a) >= 0) low = std::min(low, 0.0), high = std::max(high, 0.0);
  const double steep = std::fabs(b.value * std::log(std::fabs(a.value) + 1e-300));
  return bounded_float(
      dtype, value, std::max(high - value, value - low),
      kSlack * (4 + 2 * std::min(steep, 100.0)) * unit_roundoff(dtype) * std::fabs(value) +
          smallest_normal(dtype));
}

Bounded float_operation(ScalarOp op, DType dtype, const Bounded& a, const Bounded& b) {
  const bool binary = scalar_op_arity(op) == 2;
  // Whatever meets a NaN is one, but for x^0 and 1^x.
  const bool certain_nan =
      (a.radius == 0 && std::isnan(a.value)) || (binary && b.radius == 0 && std::isnan(b.value));
  if (certain_nan && op != ScalarOp::kPow) return certain(std::nan(""));
  if (is_unknown(a) || (binary && is_unknown(b))) return unknown();
  switch (op) {
    case ScalarOp::kAdd: return sum_of(dtype, a, b);
    case ScalarOp::kSub: return sum_of(dtype, a, {-b.value, 0, b.radius});
    case ScalarOp::kMul: return product_of(dtype, a, b);
    case ScalarOp::kDiv: return quotient_of(dtype, a, b);
    case ScalarOp::kMax: return extreme_of(true, a, b);
    case ScalarOp::kMin: return extreme_of(false, a, b);
    case ScalarOp::kPow: return power_of(dtype, a, b);
    case ScalarOp::kNeg: return {-a.value, 0, a.radius};
    case ScalarOp::kAbs: return {std::fabs(a.value), 0, a.radius};
    case ScalarOp::kSign:
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound: return monotone(dtype, op, a, 0);
    case ScalarOp::kSqrt: return monotone(dtype, op, a, 2);
    case ScalarOp::kExp:
    case ScalarOp::kExpm1:
    case ScalarOp::kLog:
    case ScalarOp::kLog1p:
    case ScalarOp::kTanh:
    case ScalarOp::kErf: return monotone(dtype, op, a, 5);
    case ScalarOp::kSin:
    case ScalarOp::kCos: {
      const double value = plain(op, a.value);
      if (!std::isfinite(a.value)) return certain(value);
      if (a.value == 0 && a.radius == 0) return certain(value);
      return bounded_float(dtype, value, std::min(a.radius, 2.0),
                           kSlack * 2 * unit_roundoff(dtype));
    }
    default:
      if (scalar_op_name(op) == "logistic" || scalar_op_name(op) == "softplus")
        return monotone(dtype, op, a, 5);
      throw Error(fmt::format("the error bounds of '{}' are not known", scalar_op_name(op)));
  }
}

Bounded compare(ScalarOp op, const Bounded& a, const Bounded& b) {
  if ((a.radius == 0 && std::isnan(a.value)) || (b.radius == 0 && std::isnan(b.value)))
    return certain_integer(0);
  if (is_unknown(a) || is_unknown(b)) return either_bool();
  if (op == ScalarOp::kEqual) {
    if (a.radius == 0 && b.radius == 0) return certain_integer(a.value == b.value);
    return high_of(a) < low_of(b) || high_of(b) < low_of(a) ? certain_integer(0) : either_bool();
  }
  const bool strict = op == ScalarOp::kLess;
  const auto less = [&](double x, double y) { return strict ? x < y : x <= y; };
  if (less(high_of(a), low_of(b))) return certain_integer(1);
  if (!less(low_of(a), high_of(b))) return certain_integer(0);
  return either_bool();
}

// What a conversion makes of a value, where rounding could not make it another one.
Bounded cast_to(DType to, DType from, const Bounded& a) {
  const auto convert = [&](double value, int64_t integer) {
    return evaluate_instruction({ScalarOp::kCast, to, {0, -1, -1}, 0}, from, {value, integer}, {},
                                {});
  };
  if (!is_floating(from)) {
    if (a.radius > 0) {  // a bool is 0 or 1; of integers nothing is known
      if (to == DType::kBool) return either_bool();
      if (!is_floating(to) || from != DType::kBool) return unknown();
      return {0.5, 0, 0.5};
    }
    const ScalarValue v = convert(0, a.integer);
    return {v.f, v.i, 0};
  }
  if (is_floating(to)) {
    if (is_unknown(a)) return a;
    const double low = convert(low_of(a), 0).f, high = convert(high_of(a), 0).f;
    if (std::isnan(low) || std::isnan(high)) return certain(std::nan(""));
    if (low == high && (std::isfinite(low) || a.radius == 0)) return certain(low);
    return hull(low, high);
  }
  if (is_unknown(a)) return to == DType::kBool ? either_bool() : unknown();
  const int64_t low = convert(low_of(a), 0).i, high = convert(high_of(a), 0).i;
  const bool certain_bool = a.radius == 0 || std::fabs(a.value) > a.radius;
  if (to == DType::kBool)
    return certain_bool ? certain_integer(convert(a.value, 0).i) : either_bool();
  return low == high ? certain_integer(low) : unknown();
}

Bounded logic(ScalarOp op, const Bounded& a, const Bounded& b) {
  const bool certain_a = a.radius == 0, certain_b = b.radius == 0;
  if (op == ScalarOp::kNot) return certain_a ? certain_integer(a.integer == 0) : a;
  const int64_t decides = op == ScalarOp::kAnd ? 0 : 1;
  if ((certain_a && a.integer == decides) || (certain_b && b.integer == decides))
    return certain_integer(decides);
  return certain_a && certain_b ? certain_integer(1 - decides) : either_bool();
}

Bounded choose(DType dtype, const Bounded& c, const Bounded& a, const Bounded& b) {
  if (c.radius == 0) return c.integer != 0 ? a : b;
  if (is_unknown(a) || is_unknown(b)) return unknown();
  if (!is_floating(dtype)) {
    if (a.radius == 0 && b.radius == 0 && a.integer == b.integer) return a;
    return dtype == DType::kBool ? either_bool() : unknown();
  }
  if (std::isnan(a.value) && std::isnan(b.value)) return a;
  if (std::isnan(a.value) || std::isnan(b.value)) return unknown();
  return hull(std::min(low_of(a), low_of(b)), std::max(high_of(a), high_of(b)));
}

}  // namespace

Bounded unknown() { return {0, 0, kInfinity}; }
bool is_unknown(const Bounded& b) { return b.radius == kInfinity; }

double unit_roundoff(DType dtype) { return std::ldexp(1.0, -record_of(dtype).digits); }
double smallest_normal(DType dtype) { return std::ldexp(1.0, 1 - largest_exponent(dtype)); }

bool is_exact(double value) {
  return std::fabs(value) < 0x1p15 && value * 256 == std::trunc(value * 256);
}

double sum_radius(DType dtype, int64_t terms, double magnitude, int64_t run) {
  const double depth = static_cast<double>(std::min(terms, run));
  return kSlack * unit_roundoff(dtype) * depth * magnitude;
}

Bounded bounded_float(DType dtype, double value, double propagated, double rounding) {
  // The other end of the interval is rounded too.
  const double radius = propagated * (1 + 64 * unit_roundoff(dtype)) + rounding;
  if (!(std::fabs(value) + radius < largest(dtype) / 4)) return unknown();
  return {value, 0, radius};
}

Bounded bounded_instruction(const ScalarInstruction& i, DType operand, const Bounded& a,
                            const Bounded& b, const Bounded& c) {
  switch (i.op) {
    case ScalarOp::kConstant: return {i.constant.as_double(), i.constant.as_integer(), 0};
    case ScalarOp::kLess:
    case ScalarOp::kLessEqual:
    case ScalarOp::kEqual:
      if (is_floating(operand)) return compare(i.op, a, b);
      if (a.radius > 0 || b.radius > 0) return either_bool();
      break;
    case ScalarOp::kAnd:
    case ScalarOp::kOr:
    case ScalarOp::kNot:
      if (operand == DType::kBool) return logic(i.op, a, b);
      break;
    case ScalarOp::kSelect: return choose(i.dtype, a, b, c);
    case ScalarOp::kCast: return cast_to(i.dtype, operand, a);
    default:
      if (is_floating(i.dtype)) return float_operation(i.op, i.dtype, a, b);
      break;
  }
  const bool binary = scalar_op_arity(i.op) == 2;
  if (a.radius > 0 || (binary && b.radius > 0))
    return i.dtype == DType::kBool ? either_bool() : unknown();
  return certain_integer(evaluate_instruction(i, operand, {0, a.integer}, {0, b.integer}, {}).i);
}

}  // namespace sinter::verification
