// Scalar expressions: tracing, folding, text, derivatives.
#include "core/scalar_expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"

namespace sinter {
namespace {

double value_of(const ScalarExpr& e, std::vector<double> arguments) {
  std::vector<ScalarValue> in, scratch(e.instructions.size());
  for (double a : arguments) in.push_back({a, static_cast<int64_t>(a)});
  evaluate(e, in, scratch);
  const ScalarValue v = scratch[static_cast<size_t>(e.results[0])];
  return is_floating(e.result_dtype(0)) ? v.f : static_cast<double>(v.i);
}

ScalarExpr unary(Scalar (*f)(Scalar), DType dtype = DType::kFloat64) {
  ScalarBuilder b({dtype});
  const Scalar r[] = {f(b.argument(0))};
  return b.finish(r);
}

TEST(ScalarExpr, EqualInstructionsAreMadeOnce) {
  const ScalarExpr e = unary([](Scalar x) { return exp(x) * exp(x) + exp(x); });
  EXPECT_EQ(e.instructions.size(), 4u);
  EXPECT_EQ(e.to_string(), "(float64) -> t0 = exp(a0); add(mul(t0, t0), t0)");
}

TEST(ScalarExpr, ExactIdentitiesOnly) {
  EXPECT_EQ(unary([](Scalar x) { return 1.0 * x / 1.0 - 0.0; }).to_string(), "(float64) -> a0");
  EXPECT_EQ(unary([](Scalar x) { return x + 0.0; }).to_string(),
            "(float64) -> add(a0, 0:float64)");  // -0 + 0 is 0
  EXPECT_EQ(unary([](Scalar x) { return x * 0.0; }).to_string(),
            "(float64) -> mul(a0, 0:float64)");  // NaN * 0 is NaN
}

TEST(ScalarExpr, LogicWithAConstantIsDecided) {
  ScalarBuilder b({DType::kBool});
  const Scalar x = b.argument(0), yes = b.constant(DType::kBool, 1),
               no = b.constant(DType::kBool, 0);
  EXPECT_EQ(logical_and(x, yes).id(), x.id());
  EXPECT_EQ(logical_and(no, x).id(), no.id());
  EXPECT_EQ(logical_or(yes, x).id(), yes.id());
  EXPECT_EQ(logical_or(x, no).id(), x.id());
}

// Logistic and softplus are finite on the way to every derivative, where 1 / (1 + e^-x) is not.
TEST(ScalarExpr, DerivativesOfLogisticAreFiniteFarOut) {
  for (Scalar (*f)(Scalar) :
       {static_cast<Scalar (*)(Scalar)>(logistic), static_cast<Scalar (*)(Scalar)>(softplus)}) {
    ScalarExpr e = unary(f, DType::kFloat32);
    const int wrt[] = {0};
    for (int order = 1; order <= 4; ++order) {
      e = scalar_vjp(e, wrt);
      for (double x : {-3e38, -1000.0, -89.0, -1.0, 0.0, 30.0, 3e38}) {
        std::vector<double> arguments(e.arguments.size(), 1);
        arguments[0] = x;
        EXPECT_TRUE(std::isfinite(value_of(e, arguments))) << e.to_string() << " at " << x;
      }
    }
  }
}

TEST(ScalarExpr, MaxAndMinPropagateNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ScalarBuilder b({DType::kFloat32, DType::kFloat32});
  const Scalar r[] = {max(b.argument(0), b.argument(1))};
  const ScalarExpr e = b.finish(r);
  EXPECT_TRUE(std::isnan(value_of(e, {nan, 1})));
  EXPECT_TRUE(std::isnan(value_of(e, {1, nan})));
  EXPECT_EQ(value_of(e, {1, 2}), 2);
}

TEST(ScalarExpr, TextRoundTrip) {
  for (const char* text :
       {"(float32, bool) -> select(a1, a0, 0.1:float32)",
        "(float64) -> t0 = tanh(a0); mul(t0, t0), neg(t0)",
        "(int32) -> cast<float32>(add(a0, -3:int32))", "(float32) -> max(a0, -inf:float32)"}) {
    EXPECT_EQ(ScalarExpr::parse(text).to_string(), text);
  }
  for (const char* text : {"", "(float32) -> ", "(float32) -> a1", "(float32) -> add(a0)",
                           "(float32) -> add(a0, 1:int32)", "(float32) -> exp(a0) x",
                           "(bool) -> exp(a0)", "(float32) -> t1", "(float32) -> 5"}) {
    EXPECT_THROW(ScalarExpr::parse(text), ParseError) << text;
  }
}

TEST(ScalarExpr, DerivativeOfEveryFloatingOpMatchesDifferences) {
  Scalar (*const functions[])(Scalar) = {
      [](Scalar x) { return exp(x); },       [](Scalar x) { return expm1(x); },
      [](Scalar x) { return log(x); },       [](Scalar x) { return log1p(x); },
      [](Scalar x) { return tanh(x); },      [](Scalar x) { return erf(x); },
      [](Scalar x) { return sin(x); },       [](Scalar x) { return cos(x); },
      [](Scalar x) { return sqrt(x); },      [](Scalar x) { return pow(x, 2.5); },
      [](Scalar x) { return pow(2.0, x); },  [](Scalar x) { return x / (1.0 + x); },
      [](Scalar x) { return max(x, 0.5); },  [](Scalar x) { return min(x, 0.5); },
      [](Scalar x) { return abs(x - 1.0); }, [](Scalar x) { return select(x > 0.9, x * x, -x); }};
  for (auto f : functions) {
    const ScalarExpr e = unary(f);
    const int wrt[] = {0};
    const ScalarExpr d = scalar_vjp(e, wrt);
    for (double x : {0.3, 0.7, 1.3, 2.2}) {
      const double h = 1e-6;
      EXPECT_NEAR(value_of(d, {x, 1.0}), (value_of(e, {x + h}) - value_of(e, {x - h})) / (2 * h),
                  1e-7)
          << e.to_string();
    }
  }
}

TEST(ScalarExpr, CastsSaturateAndFloatsRoundOnce) {
  ScalarBuilder b({DType::kFloat32});
  const Scalar r[] = {cast(b.argument(0), DType::kUint8)};
  const ScalarExpr e = b.finish(r);
  EXPECT_EQ(value_of(e, {300}), 255);
  EXPECT_EQ(value_of(e, {-1}), 0);
  EXPECT_EQ(value_of(e, {std::nan("")}), 0);
  const ScalarExpr third = unary([](Scalar x) { return x / 3.0; }, DType::kFloat32);
  EXPECT_EQ(value_of(third, {1}), static_cast<double>(1.0f / 3.0f));
}

TEST(ScalarExpr, WhatAnInstructionDoesNotTakeIsAbsent) {
  const ScalarExpr legal =
      ScalarExpr::parse("(float32, float32) -> add(neg(a0), mul(a1, 2:float32))");
  ASSERT_EQ(scalar_expr_fault(legal), "");
  for (size_t k = 0; k < legal.instructions.size(); ++k) {
    const ScalarInstruction& i = legal.instructions[k];
    const int taken = i.op == ScalarOp::kArgument ? 1 : scalar_op_arity(i.op);
    for (size_t n = 0; n < 3; ++n) {
      for (int32_t operand : {-2, 0, 1, 1000, INT32_MAX, INT32_MIN}) {
        if (static_cast<int>(n) < taken && operand >= 0 && operand <= 1) continue;
        ScalarExpr changed = legal;
        changed.instructions[k].operands[n] = operand;
        EXPECT_NE(scalar_expr_fault(changed), "") << k << " " << n << " " << operand;
      }
    }
    if (i.op == ScalarOp::kConstant) continue;
    ScalarExpr changed = legal;
    changed.instructions[k].constant = 1;
    EXPECT_NE(scalar_expr_fault(changed), "") << k;
  }
}

TEST(ScalarExpr, ADeepExpressionPrintsParsesAndCompares) {
  ScalarBuilder builder({DType::kFloat32});
  Scalar x = builder.argument(0);
  for (int i = 0; i < 50000; ++i) x = i % 2 == 0 ? sin(x) : x + builder.argument(0);
  const ScalarExpr deep = builder.finish({&x, 1});
  const ScalarExpr again = ScalarExpr::parse(deep.to_string());
  EXPECT_TRUE(again == deep);
  ScalarExpr other = deep;
  for (ScalarInstruction& i : other.instructions) {
    if (i.op == ScalarOp::kSin) {
      i.op = ScalarOp::kCos;
      break;
    }
  }
  EXPECT_FALSE(other == deep);
}

}  // namespace
}  // namespace sinter
