// The generated exp, log, tanh, ... against libm in double: dense sweeps over bit patterns, and
// every special value.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/graph.h"
#include "core/text.h"
#include "ops/ops.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"

namespace sinter {
namespace {

struct Function {
  const char* name;
  double (*reference)(double);
  double single_ulp, double_ulp;  // what is promised
};

double softplus_of(double x) {
  return std::isnan(x) ? x : std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x)));
}

const Function kFunctions[] = {
    {"exp", std::exp, 1.5, 1.5},       {"expm1", std::expm1, 1.5, 2}, {"log", std::log, 1, 1.5},
    {"log1p", std::log1p, 2, 2.5},     {"tanh", std::tanh, 2.5, 4.5}, {"erf", std::erf, 2.5, 1},
    {"sin", std::sin, 1, 1},           {"cos", std::cos, 1, 1},       {"sqrt", std::sqrt, 1, 0.5},
    {"softplus", softplus_of, 3, 3.5},
};

template <typename T>
std::vector<T> evaluate_with(const std::string& name, const std::vector<T>& x) {
  register_ops();
  Graph g;
  const auto count = static_cast<int64_t>(x.size());
  const std::string type(dtype_name(dtype_of<T>));
  const Symbol input = g.input("x", {dtype_of<T>, Shape{count}});
  g.add_output("y", g.add1("map", {input},
                           {{"body", std::make_shared<const ScalarExpr>(ScalarExpr::parse(
                                         fmt::format("({}) -> {}(a0)", type, name)))}})
                        .id());
  const Tensor y = testing_support::run_kernels(g, {Tensor::from<T>(Shape{count}, x)}, 1)[0];
  return {y.data<T>().begin(), y.data<T>().end()};
}

// The distance of `got` from the exact value in units of the last place of T there.
template <typename T>
double ulps(T got, double exact) {
  if (std::isnan(exact)) return std::isnan(got) ? 0 : 1e30;
  const T rounded = static_cast<T>(exact);
  if (std::isinf(rounded) || std::isinf(got))
    return got == rounded ||
                   (std::isinf(got) &&
                    std::fabs(exact) > 0.99999 * static_cast<double>(std::numeric_limits<T>::max()))
               ? 0
               : 1e30;
  int exponent = 0;
  std::frexp(exact, &exponent);
  const double unit = std::ldexp(
      1.0, std::max(exponent - std::numeric_limits<T>::digits,
                    std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits));
  return std::fabs(static_cast<double>(got) - exact) / unit;
}

class Math : public testing::TestWithParam<Function> {};

// Every 1021st float of all 2^32 (every exponent, both signs, denormals, NaN), or all of them where
// SINTER_ALL_FLOATS is set, which takes minutes a function.
TEST_P(Math, SingleWithinItsBound) {
  const uint64_t step = std::getenv("SINTER_ALL_FLOATS") == nullptr ? 1021 : 1;
  double worst = 0;
  float where = 0;
  std::vector<float> x;
  const auto sweep = [&] {
    const std::vector<float> y = evaluate_with(GetParam().name, x);
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = ulps(y[i], GetParam().reference(static_cast<double>(x[i])));
      if (error > worst) worst = error, where = x[i];
    }
    x.clear();
  };
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += step) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    if (x.size() == size_t{1} << 24) sweep();
  }
  // And the range where the functions bend, densely.
  for (int i = -400000; i <= 400000; ++i) x.push_back(static_cast<float>(i) * 2.6e-5f);
  sweep();
  RecordProperty("max_ulp", fmt::format("{:.3f}", worst));
  fmt::print("{} float32: {:.3f} ulp at {}\n", GetParam().name, worst, where);
  EXPECT_LE(worst, GetParam().single_ulp) << "at " << where;
}

TEST_P(Math, DoubleWithinItsBound) {
  std::vector<double> x;
  for (uint64_t k = 0; k < 400000; ++k)
    x.push_back(std::bit_cast<double>(k * 46116860184273ULL));  // both signs, all exponents
  for (int i = -400000; i <= 400000; ++i) x.push_back(i * 1.0000123e-4);
  for (int i = -100000; i <= 100000; ++i) x.push_back(i * 1.37e-5);
  const std::vector<double> y = evaluate_with(GetParam().name, x);
  double worst = 0, where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(y[i], GetParam().reference(x[i]));
    if (error > worst) worst = error, where = x[i];
  }
  fmt::print("{} float64: {:.3f} ulp at {}\n", GetParam().name, worst, where);
  EXPECT_LE(worst, GetParam().double_ulp) << "at " << where;
}

TEST_P(Math, SpecialValues) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> x = {0.0,       -0.0,         1.0,    -1.0,    infinity,
                                 -infinity, std::nan(""), 5e-324, -5e-324, 1e-40,
                                 1e300,     -1e300,       1e38,   -1e38,   -2};
  const std::vector<double> y = evaluate_with(GetParam().name, x);
  std::vector<float> single;
  for (double v : x) single.push_back(static_cast<float>(v));
  const std::vector<float> z = evaluate_with(GetParam().name, single);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = GetParam().reference(x[i]);
    EXPECT_LE(ulps(y[i], want), GetParam().double_ulp)
        << GetParam().name << " of " << x[i] << " is " << y[i];
    if (want == 0)
      EXPECT_EQ(std::signbit(y[i]), std::signbit(want)) << GetParam().name << " of " << x[i];
    const double want_single = GetParam().reference(static_cast<double>(single[i]));
    EXPECT_LE(ulps(z[i], want_single), GetParam().single_ulp)
        << GetParam().name << " of " << single[i] << " is " << z[i];
  }
}

INSTANTIATE_TEST_SUITE_P(All, Math, testing::ValuesIn(kFunctions),
                         [](const auto& info) { return std::string(info.param.name); });

// 1 / (1 + e^-x), subnormal results included: e^-x overflows before they end.
template <typename T>
void expect_logistic(const std::vector<T>& x, double bound) {
  const std::vector<T> y = evaluate_with("logistic", x);
  double worst = 0;
  T where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto exact = 1 / (1 + std::exp(-static_cast<long double>(x[i])));
    const double error = ulps(y[i], static_cast<double>(exact));
    if (error > worst) worst = error, where = x[i];
  }
  fmt::print("logistic {}: {:.3f} ulp at {}\n", dtype_name(dtype_of<T>), worst, where);
  EXPECT_LE(worst, bound) << "at " << where;
}

TEST(MathOfLogistic, SingleWithinItsBound) {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 1021)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (int i = -400000; i <= 400000; ++i) x.push_back(static_cast<float>(i) * 2.7e-4f);
  expect_logistic(x, 3.5);
}

TEST(MathOfLogistic, DoubleWithinItsBound) {
  std::vector<double> x;
  for (int i = -400000; i <= 400000; ++i) x.push_back(i * 1.9e-3);
  for (double v : {1e300, -1e300, HUGE_VAL, -HUGE_VAL, std::nan(""), 0.0, 1e-300}) x.push_back(v);
  expect_logistic(x, 3.5);
}

TEST(MathOfTwo, PowerIsThatOfLibm) {
  register_ops();
  Graph g;
  const std::vector<float> bases = {0.f,   -0.f,     1.f,       -1.f, 2.f,    -2.f,  0.5f,
                                    -0.5f, INFINITY, -INFINITY, NAN,  1e-30f, 1e30f, 3.7f};
  std::vector<float> a, b;
  for (float x : bases) {
    for (float y :
         {0.f, -0.f, 1.f, -1.f, 2.f, 3.f, -3.f, 0.5f, -0.5f, INFINITY, -INFINITY, NAN, 10.25f})
      a.push_back(x), b.push_back(y);
  }
  const auto n = static_cast<int64_t>(a.size());
  const Symbol x = g.input("x", {DType::kFloat32, Shape{n}}),
               y = g.input("y", {DType::kFloat32, Shape{n}});
  g.add_output("p", g.add1("map", {x, y},
                           {{"body", std::make_shared<const ScalarExpr>(
                                         ScalarExpr::parse("(float32, float32) -> pow(a0, a1)"))}})
                        .id());
  const Tensor p = testing_support::run_kernels(
      g, {Tensor::from<float>(Shape{n}, a), Tensor::from<float>(Shape{n}, b)}, 1)[0];
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_LE(
        ulps(p.data<float>()[i], std::pow(static_cast<double>(a[i]), static_cast<double>(b[i]))), 1)
        << a[i] << " to " << b[i];
}

}  // namespace
}  // namespace sinter
