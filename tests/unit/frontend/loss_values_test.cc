// Losses far out and near 0, against long double, and their derivatives to second order.
#include <gtest/gtest.h>
#include <sinter/sinter.h>

#include <cmath>
#include <limits>

#include "ops/gradients.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// log(cosh(x)), its derivative and the second one.
std::vector<Tensor> log_cosh_of(const std::vector<double>& x) {
  Graph g("log_cosh");
  const auto n = static_cast<int64_t>(x.size());
  const Symbol p = g.input("p", {DType::kFloat32, Shape{n, 1}});
  const Symbol y = losses::log_cosh(0.0 * stop_gradient(zeros_like(p)), p);
  const Symbol first = gradients(sum(y), std::vector<Symbol>{p})[0];
  const Symbol second = gradients(sum(first), std::vector<Symbol>{p})[0];
  g.add_output("y", y.id());
  g.add_output("first", first.id());
  g.add_output("second", second.id());
  const std::vector<Tensor> inputs = {Tensor::from<double>(Shape{n, 1}, x).cast(DType::kFloat32)};
  return evaluate_graph(g, inputs);
}

TEST(LossValues, LogCoshIsFiniteWhereverItsOperandIs) {
  const std::vector<double> x = {0,    -0.0,  1e-30, 1e-6, -1e-3, 0.1,    -0.7,      3,
                                 -20., 100.0, -1e4,  1e20, -2e38, 3.4e38, kInfinity, -kInfinity};
  const std::vector<Tensor> got = log_cosh_of(x);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const long double a = std::fabs(static_cast<long double>(static_cast<float>(x[i])));
    const long double e = std::exp(-2 * a), want = a + std::log1p(std::expm1(-2 * a) / 2);
    const double tolerance = 1e-7 * static_cast<double>(a);
    if (std::isinf(x[i]))
      EXPECT_EQ(got[0].at(at), kInfinity);
    else
      EXPECT_NEAR(got[0].at(at), static_cast<double>(want), tolerance) << x[i];
    EXPECT_NEAR(got[1].at(at), std::tanh(x[i]), 2e-7) << x[i];
    EXPECT_NEAR(got[2].at(at), static_cast<double>(4 * e / ((1 + e) * (1 + e))), 5e-7) << x[i];
  }
  EXPECT_TRUE(std::isnan(log_cosh_of({std::nan("")})[0].at(0)));
}

}  // namespace
}  // namespace sinter
