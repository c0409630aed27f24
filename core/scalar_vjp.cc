// Derivatives of scalar expressions: the chain rule over the instructions, from the results back to
// the arguments.
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "core/error.h"
#include "core/scalar_expr.h"

namespace sinter {
namespace {

std::optional<double> constant_in(Scalar s) {
  const ScalarInstruction& i = s.builder()->instruction(s.id());
  return i.op == ScalarOp::kConstant ? std::optional(i.constant.as_double()) : std::nullopt;
}

double largest(DType dtype) {
  return dtype == DType::kFloat64 ? std::numeric_limits<double>::max()
                                  : static_cast<double>(std::numeric_limits<float>::max());
}

// `value` where it is finite, and 0 where it is infinite but `factor` is 0: of their product
// nothing is left. NaN stays.
Scalar beside(Scalar factor, Scalar value) {
  return select(logical_and(equal(factor, 0.0), abs(value) > largest(value.dtype())), 0.0, value);
}

// Exponents of a^b for which b a^(b-1) is made of two factors a^((b-1)/2), and so is what is
// derived from it: a^(b-1) alone may overflow beside a small b. Below 1 - log(largest) /
// -log(smallest), 0.14 in float32 and 0.04 in float64. At a = 0 a factor would not be smooth where
// a^(b-1) is, so the bound lies below all exponents for which that is asked.
constexpr double kHalvedBelow = 0.15;
// And those from which b^3 a^(b-3) may have digits that a^(b-3) has not.
constexpr double kHalvedAbove = 32;

// The derivative of g a^b by a, g b a^(b-1), is 0 where g b is 0, also where a^(b-1) is infinite:
// of a^n that is so for the derivatives from the (n+1)-th on. It is 0 as well where a^(b-1) is 0
// and a product of exponents infinite.
Scalar power_by_base(Scalar g, Scalar a, Scalar b) {
  if (const std::optional<double> c = constant_in(b)) {
    if (*c == 0) return 0.0;
    if (*c == 1) return g;
    if (*c == 2) return g * (2.0 * a);
    if (*c > -1 && *c < kHalvedBelow) {
      const Scalar half = pow(a, 0.5 * (*c - 1));
      return g * *c * half * half;
    }
    return g * (*c * pow(a, *c - 1));
  }
  const Scalar halved =
      logical_and(logical_and(a > 0.0, logical_or(b<kHalvedBelow, b> kHalvedAbove)),
                  logical_not(equal(b, 0.0)));
  const Scalar less = b - 1.0, power = pow(a, select(halved, 0.5 * less, less));
  const Scalar factor = g * b, p = beside(factor, power);
  return beside(power, factor) * p * select(halved, p, 1.0);
}

// The derivative of g y, y = a^b, by b, g y log(a), is 0 where a or g is 0. With b^n in g, g y may
// overflow where b log(a) is no larger than log(y); with 1 / a^n, g log(a) may.
Scalar power_by_exponent(Scalar g, Scalar y, Scalar a) {
  const Scalar zero = equal(a, 0.0);
  const Scalar logarithm = log(select(zero, 1.0, a)), power = select(zero, 0.0, beside(g, y));
  const Scalar factor = beside(y, g), size = abs(factor * logarithm);
  const Scalar far = logical_or(size > largest(g.dtype()), size < 1e-30);
  return factor * select(far, power, logarithm) * select(far, logarithm, power);
}

// e^(-a^2) with a bounded where it has died out in double: of products with powers of a, which
// derivatives are, nothing is left beyond.
Scalar gaussian(Scalar a) {
  constexpr double kDiedOut = 40;
  const Scalar below = select(a > kDiedOut, kDiedOut, a);
  const Scalar z = select(below < -kDiedOut, -kDiedOut, below);
  return exp(-(z * z));
}

// Differences of rounded numbers that cancel far out (1 - y^2 of tanh, y (1 - y) of logistic) are
// not taken: the ops of those names have derivatives of their own, from y alone.
//
// Cotangents of the operands of y = op(a, b, c), given the cotangent g of y. nullopt: no derivative
// (zero).
std::array<std::optional<Scalar>, 3> operand_cotangents(ScalarOp op, Scalar y, Scalar g, Scalar a,
                                                        Scalar b, Scalar c) {
  (void)c;
  switch (op) {
    case ScalarOp::kAdd: return {g, g};
    case ScalarOp::kSub: return {g, -g};
    case ScalarOp::kMul: return {g * b, g * a};
    // 1 / b may overflow, but not beside a quotient that is 0.
    case ScalarOp::kDiv: return {g / b, -(beside(y, g) * y) / b};
    case ScalarOp::kMax: return {select(b <= a, g, 0.0), select(b <= a, 0.0, g)};
    case ScalarOp::kMin: return {select(a <= b, g, 0.0), select(a <= b, 0.0, g)};
    case ScalarOp::kPow: return {power_by_base(g, a, b), power_by_exponent(g, y, a)};
    case ScalarOp::kNeg: return {-g};
    case ScalarOp::kAbs: return {g * sign(a)};
    case ScalarOp::kSqrt: return {g / (2.0 * y)};
    case ScalarOp::kExp: return {g * y};
    case ScalarOp::kExpm1: return {g * exp(a)};
    case ScalarOp::kLog: return {g / a};
    case ScalarOp::kLog1p: return {g / (1.0 + a)};
    case ScalarOp::kTanh: return {g * (4.0 * logistic(2.0 * a) * logistic(-2.0 * a))};
    case ScalarOp::kErf: return {g * (2.0 * std::numbers::inv_sqrtpi) * gaussian(a)};
    case ScalarOp::kLogistic: return {g * (y * logistic(-a))};
    case ScalarOp::kSoftplus: return {g * logistic(a)};
    case ScalarOp::kSin: return {g * cos(a)};
    case ScalarOp::kCos: return {-(g * sin(a))};
    case ScalarOp::kSelect: return {std::nullopt, select(a, g, 0.0), select(a, 0.0, g)};
    case ScalarOp::kCast:
      return {is_floating(a.dtype()) ? std::optional(cast(g, arithmetic_dtype(a.dtype())))
                                     : std::nullopt};
    default: return {};
  }
}

}  // namespace

ScalarExpr scalar_vjp(const ScalarExpr& expr, std::span<const int> wrt) {
  std::vector<DType> arguments = expr.arguments;
  for (size_t r = 0; r < expr.results.size(); ++r) {
    if (is_floating(expr.result_dtype(r))) arguments.push_back(expr.result_dtype(r));
  }
  ScalarBuilder builder(arguments);
  // Forward values. The original instructions are emitted one by one so that each has an id.
  std::vector<Scalar> values;
  for (const ScalarInstruction& i : expr.instructions) {
    if (i.op == ScalarOp::kArgument) {
      values.push_back(builder.argument(i.operands[0]));
    } else if (i.op == ScalarOp::kConstant) {
      values.push_back(builder.constant(i.dtype, i.constant));
    } else if (i.op == ScalarOp::kCast) {
      values.push_back(builder.cast(values[static_cast<size_t>(i.operands[0])], i.dtype));
    } else {
      std::vector<Scalar> operands;
      for (int k = 0; k < scalar_op_arity(i.op); ++k)
        operands.push_back(values[static_cast<size_t>(i.operands[static_cast<size_t>(k)])]);
      values.push_back(builder.emit(i.op, operands));
    }
  }
  // Cotangents of bfloat16 are kept in float32, and rounded once at the end.
  std::vector<std::optional<Scalar>> cotangents(expr.instructions.size());
  const auto accumulate = [&](size_t id, Scalar g) {
    cotangents[id] = cotangents[id] ? *cotangents[id] + g : g;
  };
  int next = static_cast<int>(expr.arguments.size());
  for (size_t r = 0; r < expr.results.size(); ++r) {
    if (!is_floating(expr.result_dtype(r))) continue;
    const Scalar g = builder.argument(next++);
    accumulate(static_cast<size_t>(expr.results[r]), cast(g, arithmetic_dtype(g.dtype())));
  }
  std::vector<std::optional<Scalar>> argument_cotangents(expr.arguments.size());
  for (size_t k = expr.instructions.size(); k-- > 0;) {
    const ScalarInstruction& i = expr.instructions[k];
    if (!cotangents[k]) continue;
    if (i.op == ScalarOp::kArgument) {
      auto& total = argument_cotangents[static_cast<size_t>(i.operands[0])];
      total = total ? *total + *cotangents[k] : *cotangents[k];
      continue;
    }
    if (i.op == ScalarOp::kConstant) continue;
    const auto value = [&](size_t n) {
      return i.operands[n] < 0 ? values[k] : values[static_cast<size_t>(i.operands[n])];
    };
    const auto parts =
        operand_cotangents(i.op, values[k], *cotangents[k], value(0), value(1), value(2));
    for (size_t n = 0; n < 3; ++n) {
      if (!parts[n] || i.operands[n] < 0) continue;
      const size_t operand = static_cast<size_t>(i.operands[n]);
      const Scalar part = parts[n]->is_number()
                              ? builder.constant(arithmetic_dtype(expr.instructions[operand].dtype),
                                                 parts[n]->constant())
                              : *parts[n];
      accumulate(operand, part);
    }
  }
  std::vector<Scalar> results;
  for (int index : wrt) {
    const auto& g = argument_cotangents[static_cast<size_t>(index)];
    const DType dtype = expr.arguments[static_cast<size_t>(index)];
    results.push_back(g ? cast(*g, dtype) : builder.constant(dtype, 0));
  }
  return builder.finish(results);
}

}  // namespace sinter
