// Arithmetic and elementary functions, one scalar body each. Derivatives in terms of the result
// stand where they save work.
#include "ops/define.h"

namespace sinter {

using ops::apply;

Symbol add(Operand a, Operand b) { return apply("add", {a, b}); }
Symbol subtract(Operand a, Operand b) { return apply("subtract", {a, b}); }
Symbol multiply(Operand a, Operand b) { return apply("multiply", {a, b}); }
Symbol maximum(Operand a, Operand b) { return apply("maximum", {a, b}); }
Symbol minimum(Operand a, Operand b) { return apply("minimum", {a, b}); }

namespace {
// True division and functions of integers are computed in float32, as in Keras.
Symbol floating(Symbol x) { return is_floating(x.dtype()) ? x : cast(x, DType::kFloat32); }
Operand floating(Operand x) { return x.is_number() ? x : Operand(floating(x.symbol())); }
}  // namespace

Symbol divide(Operand a, Operand b) { return apply("divide", {floating(a), floating(b)}); }
Symbol power(Operand a, Operand b) { return apply("power", {floating(a), floating(b)}); }
Symbol negative(Symbol x) { return apply("negative", {x}); }
Symbol abs(Symbol x) { return apply("abs", {x}); }
Symbol sign(Symbol x) { return apply("sign", {x}); }
Symbol floor(Symbol x) { return apply("floor", {x}); }
Symbol ceil(Symbol x) { return apply("ceil", {x}); }
Symbol round(Symbol x) { return apply("round", {x}); }
Symbol square(Symbol x) { return apply("square", {x}); }
Symbol sqrt(Symbol x) { return apply("sqrt", {floating(x)}); }
Symbol rsqrt(Symbol x) { return apply("rsqrt", {floating(x)}); }
Symbol reciprocal(Symbol x) { return apply("reciprocal", {floating(x)}); }
Symbol exp(Symbol x) { return apply("exp", {floating(x)}); }
Symbol expm1(Symbol x) { return apply("expm1", {floating(x)}); }
Symbol log(Symbol x) { return apply("log", {floating(x)}); }
Symbol log1p(Symbol x) { return apply("log1p", {floating(x)}); }
Symbol sin(Symbol x) { return apply("sin", {floating(x)}); }
Symbol cos(Symbol x) { return apply("cos", {floating(x)}); }
Symbol erf(Symbol x) { return apply("erf", {floating(x)}); }
Symbol clip(Symbol x, double low, double high) {
  return apply("clip", {x}, {{"low", low}, {"high", high}});
}

namespace ops {

void register_arithmetic(Registry& r) {
  const auto unary = [&](const char* name, Scalar (*f)(Scalar),
                         ScalarDerivative derivative = nullptr) {
    define_elementwise(
        r, name, 1, [f](Arguments a, const Attributes&) { return f(a[0]); }, {},
        std::move(derivative));
  };
  const auto binary = [&](const char* name, Scalar (*f)(Scalar, Scalar)) {
    define_elementwise(r, name, 2, [f](Arguments a, const Attributes&) { return f(a[0], a[1]); });
  };
  binary("add", [](Scalar a, Scalar b) { return a + b; });
  binary("subtract", [](Scalar a, Scalar b) { return a - b; });
  binary("multiply", [](Scalar a, Scalar b) { return a * b; });
  binary("divide", [](Scalar a, Scalar b) { return a / b; });
  binary("maximum", [](Scalar a, Scalar b) { return max(a, b); });
  binary("minimum", [](Scalar a, Scalar b) { return min(a, b); });
  binary("power", [](Scalar a, Scalar b) { return pow(a, b); });
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
      [](Arguments, Scalar y, Scalar dy, const Attributes&) {
        return std::vector<Scalar>{dy * (y + 1.0)};
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
        return max(min(a[0], at.get_float("high")), at.get_float("low"));
      },
      {{"low", AttributeType::kFloat}, {"high", AttributeType::kFloat}},
      // As TensorFlow: the gradient passes where low <= x <= high.
      [](Arguments a, Scalar, Scalar dy, const Attributes& at) {
        const Scalar inside =
            logical_and(a[0] >= at.get_float("low"), a[0] <= at.get_float("high"));
        return std::vector<Scalar>{select(inside, dy, 0.0)};
      });
}

}  // namespace ops
}  // namespace sinter
