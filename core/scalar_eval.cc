// Evaluation of scalar expressions: the definition of what every scalar op means, at the precision
// of each instruction.
#include <cmath>

#include "core/convert.h"
#include "core/error.h"
#include "core/scalar_expr.h"

namespace sinter {
namespace {

template <typename T>
T nan_max(T a, T b) {
  return std::isnan(a) || std::isnan(b) ? a + b : (a < b ? b : a);
}
template <typename T>
T nan_min(T a, T b) {
  return std::isnan(a) || std::isnan(b) ? a + b : (b < a ? b : a);
}
template <typename T>
T sign_of(T a) {
  return std::isnan(a) ? a : static_cast<T>((a > 0) - (a < 0));
}

// e^x is taken where it does not overflow.
template <typename T>
T logistic_of(T a) {
  if (a < 0) return std::exp(a) / (1 + std::exp(a));
  return 1 / (1 + std::exp(-a));
}
template <typename T>
T softplus_of(T a) {
  return nan_max(a, T(0)) + std::log1p(std::exp(-std::fabs(a)));
}

template <typename T>
T float_op(ScalarOp op, T a, T b) {
  switch (op) {
    case ScalarOp::kAdd: return a + b;
    case ScalarOp::kSub: return a - b;
    case ScalarOp::kMul: return a * b;
    case ScalarOp::kDiv: return a / b;
    case ScalarOp::kMax: return nan_max(a, b);
    case ScalarOp::kMin: return nan_min(a, b);
    case ScalarOp::kPow: return std::pow(a, b);
    case ScalarOp::kNeg: return -a;
    case ScalarOp::kAbs: return std::fabs(a);
    case ScalarOp::kSign: return sign_of(a);
    case ScalarOp::kFloor: return std::floor(a);
    case ScalarOp::kCeil: return std::ceil(a);
    case ScalarOp::kRound: return std::nearbyint(a);
    case ScalarOp::kSqrt: return std::sqrt(a);
    case ScalarOp::kExp: return std::exp(a);
    case ScalarOp::kExpm1: return std::expm1(a);
    case ScalarOp::kLog: return std::log(a);
    case ScalarOp::kLog1p: return std::log1p(a);
    case ScalarOp::kTanh: return std::tanh(a);
    case ScalarOp::kErf: return std::erf(a);
    case ScalarOp::kLogistic: return logistic_of(a);
    case ScalarOp::kSoftplus: return softplus_of(a);
    case ScalarOp::kSin: return std::sin(a);
    case ScalarOp::kCos: return std::cos(a);
    default: raise_internal("a floating scalar op", std::string(scalar_op_name(op)));
  }
}

int64_t wrap(DType dtype, int64_t value) {
  switch (dtype) {
    case DType::kInt32: return static_cast<int32_t>(value);
    case DType::kInt8: return static_cast<int8_t>(value);
    case DType::kUint8: return static_cast<uint8_t>(value);
    case DType::kBool: return value != 0;
    default: return value;
  }
}

// To the nearest of `dtype`, by way of float32 for those that are for storage.
double to_floating(DType dtype, float value) {
  return dispatch_dtype(dtype, [&](auto zero) {
    return static_cast<double>(convert_element<decltype(zero)>(value));
  });
}

// 1 / a^n truncates to 0 unless a is 1 or -1; 1 / 0 is 0, as in division.
int64_t int_pow(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : (a == -1 ? (b % 2 == 0 ? 1 : -1) : 0);
  uint64_t result = 1, power = static_cast<uint64_t>(a);
  for (; b != 0; b >>= 1, power *= power) {
    if ((b & 1) != 0) result *= power;
  }
  return static_cast<int64_t>(result);
}

// Integers wrap around; division truncates toward zero and by zero gives zero, so that no input can
// trap.
int64_t int_op(ScalarOp op, int64_t a, int64_t b) {
  const auto u = [](int64_t v) { return static_cast<uint64_t>(v); };
  switch (op) {
    case ScalarOp::kAdd: return static_cast<int64_t>(u(a) + u(b));
    case ScalarOp::kSub: return static_cast<int64_t>(u(a) - u(b));
    case ScalarOp::kMul: return static_cast<int64_t>(u(a) * u(b));
    case ScalarOp::kDiv: return b == 0 ? 0 : (b == -1 ? static_cast<int64_t>(-u(a)) : a / b);
    case ScalarOp::kPow: return int_pow(a, b);
    case ScalarOp::kMax: return a < b ? b : a;
    case ScalarOp::kMin: return b < a ? b : a;
    case ScalarOp::kNeg: return static_cast<int64_t>(-u(a));
    case ScalarOp::kAbs: return a < 0 ? static_cast<int64_t>(-u(a)) : a;
    case ScalarOp::kSign: return (a > 0) - (a < 0);
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound: return a;
    case ScalarOp::kAnd: return a & b;
    case ScalarOp::kOr: return a | b;
    case ScalarOp::kNot: return a == 0;
    default: raise_internal("an integer scalar op", std::string(scalar_op_name(op)));
  }
}

int64_t to_integer(DType dtype, double value) {
  return dispatch_dtype(dtype, [&](auto zero) {
    return static_cast<int64_t>(convert_element<decltype(zero)>(value));
  });
}

}  // namespace

ScalarValue evaluate_instruction(const ScalarInstruction& i, DType operand, ScalarValue a,
                                 ScalarValue b, ScalarValue c) {
  const bool from_float = is_floating(operand);
  switch (i.op) {
    case ScalarOp::kLess: return {0, from_float ? a.f < b.f : a.i < b.i};
    case ScalarOp::kLessEqual: return {0, from_float ? a.f <= b.f : a.i <= b.i};
    case ScalarOp::kEqual: return {0, from_float ? a.f == b.f : a.i == b.i};
    case ScalarOp::kSelect: return a.i != 0 ? b : c;
    case ScalarOp::kCast:
      if (is_floating(i.dtype)) {
        const double value = from_float ? a.f : static_cast<double>(a.i);
        if (i.dtype == DType::kFloat64) return {value, 0};
        const float single = from_float ? static_cast<float>(value) : static_cast<float>(a.i);
        return {to_floating(i.dtype, single), 0};
      }
      return {0, from_float ? to_integer(i.dtype, a.f) : wrap(i.dtype, a.i)};
    default: break;
  }
  if (i.dtype == DType::kFloat64) return {float_op<double>(i.op, a.f, b.f), 0};
  if (i.dtype == DType::kFloat32) {
    return {float_op<float>(i.op, static_cast<float>(a.f), static_cast<float>(b.f)), 0};
  }
  return {0, wrap(i.dtype, int_op(i.op, a.i, b.i))};
}

void evaluate(const ScalarExpr& expr, std::span<const ScalarValue> arguments,
              std::span<ScalarValue> scratch) {
  for (size_t k = 0; k < expr.instructions.size(); ++k) {
    const ScalarInstruction& i = expr.instructions[k];
    if (i.op == ScalarOp::kArgument) {
      scratch[k] = arguments[static_cast<size_t>(i.operands[0])];
    } else if (i.op == ScalarOp::kConstant) {
      scratch[k] = scalar_value(i.constant);
    } else {
      const auto operand = [&](size_t n) {
        return i.operands[n] < 0 ? ScalarValue{} : scratch[static_cast<size_t>(i.operands[n])];
      };
      const size_t typed = i.op == ScalarOp::kSelect ? 1 : 0;
      scratch[k] =
          evaluate_instruction(i, expr.instructions[static_cast<size_t>(i.operands[typed])].dtype,
                               operand(0), operand(1), operand(2));
    }
  }
}

}  // namespace sinter
