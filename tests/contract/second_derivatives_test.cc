// Second derivatives of what works on rows, in float32 against float64, at rows whose elements are
// of very different sizes: a first derivative that divides a result by its own operand, or takes
// it from one, cancels when it is differentiated again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "core/graph.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "tests/contract/run.h"

namespace sinter::contract {
namespace {

constexpr int64_t kRows = 6, kColumns = 5;

struct Function {
  std::string name;
  std::function<Symbol(Symbol x, Symbol y)> of;
  // Bound of the error, of the largest second derivative of the row or of 1 if that is larger:
  // probabilities are differences from 1, and so are their derivatives.
  double bound = 1e-5;
  bool of_one = false;
};
void PrintTo(const Function& f, std::ostream* out) { *out << f.name; }

Symbol vector_of(Symbol x, double value) {
  return broadcast_to(scalar_like(x, value), Shape{kColumns});
}

std::vector<Function> functions() {
  return {
      {"prod", [](Symbol x, Symbol) { return prod(x, {-1}); }},
      {"prod of columns", [](Symbol x, Symbol) { return sqrt(abs(prod(x, {0}))); }},
      {"norm", [](Symbol x, Symbol) { return norm(x, {-1}); }},
      {"normalize", [](Symbol x, Symbol y) { return normalize(x, {-1}) * y; }},
      {"variance", [](Symbol x, Symbol y) { return variance(x * y, {-1}); }},
      {"share", [](Symbol x, Symbol y) { return x / sum(x, {-1}, true) * y; }},
      {"quotient", [](Symbol x, Symbol y) { return y / x; }},
      {"log of mean", [](Symbol x, Symbol) { return log(mean(x, {-1})); }},
      {"root of mean square", [](Symbol x, Symbol) { return sqrt(mean(square(x), {-1})); }},
      {"power", [](Symbol x, Symbol y) { return power(x, y); }},
      {"batch_norm",
       [](Symbol x, Symbol y) {
         return batch_norm_training(x, vector_of(x, 1), vector_of(x, 0), 1e-3, -1).y * y;
       },
       5e-3},
      {"softmax far apart", [](Symbol x, Symbol y) { return softmax(x) * y; }, 1e-6, true},
      {"log_softmax far apart", [](Symbol x, Symbol y) { return log_softmax(x) * y; }, 1e-6, true},
      {"log of sum of exponentials",
       [](Symbol x, Symbol) { return log(sum(exp(minimum(x, 80.0)), {-1})); }, 1e-6, true}};
}

class SecondDerivatives : public testing::TestWithParam<Function> {};

TEST_P(SecondDerivatives, KeepTheirDigits) {
  register_ops();
  const Function& f = GetParam();
  const auto derivative = [&](DType dtype) {
    Graph g("second");
    const ValueType type{dtype, Shape{kRows, kColumns}};
    const Symbol x = g.input("x", type), y = g.input("y", type);
    const Symbol wrt[] = {x};
    const Symbol first = gradients(std::vector{sum(f.of(x, y))}, wrt)[0];
    g.add_output("second", gradients(std::vector{sum(first * (1.5 + cos(y)))}, wrt)[0].id());
    return g;
  };
  const Graph single = derivative(DType::kFloat32), exact = derivative(DType::kFloat64);
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 40; ++trial) {
    Tensor x(DType::kFloat32, {kRows, kColumns}), y(DType::kFloat32, {kRows, kColumns});
    const double size = 4 * uniform(random);
    for (int64_t i = 0; i < x.elements(); ++i) {
      // Rows of one size and of many.
      const double exponent = trial % 2 == 0 ? size : 4 * uniform(random);
      x.set(i, (1.1 + uniform(random)) * std::pow(10, exponent));
      y.set(i, uniform(random));
    }
    const Tensor want =
        run(exact, "reference", {x.cast(DType::kFloat64), y.cast(DType::kFloat64)})[0];
    for (const std::string& backend : backend_names()) {
      const Tensor found = run(single, backend, {x, y})[0];
      for (int64_t row = 0; row < kRows; ++row) {
        double largest = f.of_one ? 1 : 0;
        for (int64_t i = row * kColumns; i < (row + 1) * kColumns; ++i)
          largest = std::max(largest, std::fabs(want.at(i)));
        for (int64_t i = row * kColumns; i < (row + 1) * kColumns; ++i)
          EXPECT_NEAR(found.at(i), want.at(i), f.bound * largest + 1e-30)
              << backend << ", trial " << trial << ", row " << row << ", x " << x.at(i);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, SecondDerivatives, testing::ValuesIn(functions()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace sinter::contract
