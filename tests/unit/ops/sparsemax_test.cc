// sparsemax is the projection on the simplex: rows sum to one, and what is left differs from x by
// one number.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

// By sorting, as Martins and Astudillo 2016, algorithm 1. A number added to all changes nothing,
// and with the largest at 0 the digits of 1 + k z are kept.
std::vector<double> projected(std::vector<double> z) {
  const double largest = *std::ranges::max_element(z);
  for (double& v : z) v -= largest;
  std::vector<double> sorted = z;
  std::ranges::sort(sorted, std::greater<>());
  double sum = 0, tau = 0;
  for (size_t k = 0; k < sorted.size(); ++k) {
    sum += sorted[k];
    if (1 + static_cast<double>(k + 1) * sorted[k] > sum)
      tau = (sum - 1) / static_cast<double>(k + 1);
  }
  for (double& v : z) v = std::max(v - tau, 0.0);
  return z;
}

TEST(Sparsemax, IsTheProjectionOnTheSimplex) {
  for (const std::vector<double>& row : std::vector<std::vector<double>>{{0.1, 0.4, 0.2, -0.3},
                                                                         {0, 0, 0, 0},
                                                                         {5, 5, 1, 0},
                                                                         {1e30, 2, -1e30, 0},
                                                                         {0.5, -HUGE_VAL, 0.25, 0},
                                                                         {-1000, 0, 1000, 999.5},
                                                                         {0.5, 0.25, 0.25, 0.25}}) {
    Graph graph;
    const Symbol x = graph.input("x", {DType::kFloat64, {1, 4}});
    const Symbol y = sparsemax(x);
    graph.add_output("y", y.id());
    graph.add_output("dx", gradients(slice(y, 1, 0, 1), std::vector<Symbol>{x})[0].id());
    const auto found =
        evaluate_graph(graph, std::vector<Tensor>{Tensor::from<double>({1, 4}, row)});
    const std::vector<double> expected = projected(row);
    double sum = 0;
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(found[0].at(i), expected[static_cast<size_t>(i)], 1e-12);
      EXPECT_TRUE(std::isfinite(found[1].at(i)));
      sum += found[0].at(i);
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

}  // namespace
}  // namespace sinter
