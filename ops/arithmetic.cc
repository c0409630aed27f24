// Arithmetic and elementary functions, one scalar body each. Derivatives in terms of the result
// stand where they save work.
#include <fmt/format.h>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {

using ops::apply;

Symbol add(Operand a, Operand b) { return apply("add", {a, b}); }
Symbol subtract(Operand a, Operand b) { return apply("subtract", {a, b}); }
Symbol multiply(Operand a, Operand b) { return apply("multiply", {a, b}); }
Symbol maximum(Operand a, Operand b) { return apply("maximum", {a, b}); }
Symbol minimum(Operand a, Operand b) { return apply("minimum", {a, b}); }

namespace {
Symbol quotient(const char* op, Operand a, Operand b) {
  const Operand operands[] = {a, b};
  return ops::apply_as(op, ops::floating_dtype(ops::promote(operands)), operands);
}
}  // namespace

Symbol divide(Operand a, Operand b) { return quotient("divide", a, b); }
Symbol divide_no_nan(Operand a, Operand b) { return quotient("divide_no_nan", a, b); }

Symbol power(Operand a, Operand b) {
  const Operand operands[] = {a, b};
  DType dtype = ops::promote(operands);
  if (dtype == DType::kBool) dtype = DType::kInt32;
  if (!is_floating(dtype) && b.is_number() && b.number().as_integer() < 0) {
    throw ShapeError(fmt::format(
        "power: integers to the power of {} are no integers; cast them to a floating dtype first",
        b.number().to_string()));
  }
  return ops::apply_as("power", dtype, operands);
}

namespace {
// Functions of bool, which has no arithmetic, take its numbers 0 and 1.
Symbol number_of(Symbol x) { return x.dtype() == DType::kBool ? cast(x, DType::kInt32) : x; }
Symbol function(const char* name, Symbol x) { return apply(name, {ops::floating(x)}); }
}  // namespace

Symbol negative(OpInput x) { return apply("negative", {x}); }
Symbol abs(OpInput x) { return apply("abs", {x}); }
Symbol sign(OpInput x) { return apply("sign", {x}); }
Symbol floor(OpInput x) { return apply("floor", {x}); }
Symbol ceil(OpInput x) { return apply("ceil", {x}); }
Symbol round(OpInput x) { return apply("round", {x}); }
Symbol square(OpInput x) { return apply("square", {number_of(x)}); }
Symbol sqrt(OpInput x) { return function("sqrt", x); }
Symbol rsqrt(OpInput x) { return function("rsqrt", x); }
Symbol reciprocal(OpInput x) { return function("reciprocal", x); }
Symbol exp(OpInput x) { return function("exp", x); }
Symbol expm1(OpInput x) { return function("expm1", x); }
Symbol log(OpInput x) { return function("log", x); }
Symbol log1p(OpInput x) { return function("log1p", x); }
Symbol sin(OpInput x) { return function("sin", x); }
Symbol cos(OpInput x) { return function("cos", x); }
Symbol erf(OpInput x) { return function("erf", x); }

Symbol clip(OpInput x, Number low, Number high) {
  const Operand operands[] = {x, low, high};
  const DType dtype = ops::promote(operands);
  low = ops::lower_bound("clip", dtype, low);
  high = ops::upper_bound("clip", dtype, high);
  // The attributes are floating: bounds that no double holds stand beside x instead.
  const auto is_double = [](Number n) {
    return n.is_floating() || element_of(DType::kInt64, n.as_double()) == n;
  };
  if (!is_double(low) || !is_double(high)) return maximum(minimum(x, high), low);
  return ops::apply_as("clip", dtype, std::span(operands).first(1),
                       {{"low", low.as_double()}, {"high", high.as_double()}});
}

namespace ops {

void register_arithmetic(Registry& r) {
  const auto unary = [&](const char* name, Scalar (*f)(Scalar),
                         ScalarDerivative derivative = nullptr) {
    define_elementwise(
        r, name, 1, [f](Arguments a, const Attributes&) { return f(a[0]); }, {},
        std::move(derivative));
  };
  define_binary(
      r, "add", [](Scalar a, Scalar b) { return a + b; }, Operands::kCommutative);
  define_binary(r, "subtract", [](Scalar a, Scalar b) { return a - b; });
  define_binary(
      r, "multiply", [](Scalar a, Scalar b) { return a * b; }, Operands::kCommutative);
  define_binary(r, "divide", [](Scalar a, Scalar b) { return a / b; });
  // What divides is never 0, so that derivatives are none of 0 / 0.
  define_binary(r, "divide_no_nan", [](Scalar a, Scalar b) {
    const Scalar none = equal(b, 0.0);
    return select(none, 0.0, a / select(none, 1.0, b));
  });
  // Of 0 and -0 the order decides.
  define_binary(r, "maximum", [](Scalar a, Scalar b) { return max(a, b); });
  define_binary(r, "minimum", [](Scalar a, Scalar b) { return min(a, b); });
  define_binary(r, "power", [](Scalar a, Scalar b) { return pow(a, b); });
  unary("negative", [](Scalar a) { return -a; });
  unary("abs", [](Scalar a) { return abs(a); });
  unary("sign", [](Scalar a) { return sign(a); });
  unary("floor", [](Scalar a) { return floor(a); });
  unary("ceil", [](Scalar a) { return ceil(a); });
  unary("round", [](Scalar a) { return round(a); });
  unary("square", [](Scalar a) { return a * a; });
  unary("log", [](Scalar a) { return log(a); });
  unary("log1p", [](Scalar a) { return log1p(a); });
  unary("sin", [](Scalar a) { return sin(a); });
  unary("cos", [](Scalar a) { return cos(a); });
  unary("erf", [](Scalar a) { return erf(a); });
  unary(
      "sqrt", [](Scalar a) { return sqrt(a); },
      [](Arguments, Scalar y, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{dy / (2.0 * y)};
      });
  unary(
      "exp", [](Scalar a) { return exp(a); },
      [](Arguments, Scalar y, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{dy * y};
      });
  unary(
      "expm1", [](Scalar a) { return expm1(a); },
      [](Arguments a, Scalar, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{dy * exp(a[0])};
      });
  // d(1/x) = -y^2, d(x^-1/2) = -y^3 / 2, halved before it may overflow
  unary(
      "reciprocal", [](Scalar a) { return 1.0 / a; },
      [](Arguments, Scalar y, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{-(dy * y * y)};
      });
  unary(
      "rsqrt", [](Scalar a) { return 1.0 / sqrt(a); },
      [](Arguments, Scalar y, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{dy * (-0.5 * y) * (y * y)};
      });
  define_elementwise(
      r, "clip", 1,
      [](Arguments a, const Attributes& at) {
        return max(min(a[0], upper_bound("clip", a[0].dtype(), at.get_float("high"))),
                   lower_bound("clip", a[0].dtype(), at.get_float("low")));
      },
      {{"low", AttributeType::kFloat}, {"high", AttributeType::kFloat}},
      // As TensorFlow: the gradient passes where low <= x <= high, and where x is NaN.
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        const Scalar outside = logical_or(a[0]<at.get_float("low"), a[0]> at.get_float("high"));
        return std::vector<Scalar>{select(outside, 0.0, dy)};
      });
}

}  // namespace ops
}  // namespace sinter
