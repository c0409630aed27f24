// sparsemax is the projection on the simplex: rows sum to one, and what is left differs from x by
// one number.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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

// Of long axes, which are searched and not compared pair by pair.
TEST(Sparsemax, OfLongAxes) {
  constexpr int64_t kLength = 10000;
  const auto at = [](int64_t i) { return static_cast<double>((i * 7919) % kLength) / kLength; };
  const std::vector<std::pair<const char*, std::function<double(int64_t)>>> rows = {
      {"many in the support", [&](int64_t i) { return 0.5 + 1e-4 * at(i); }},
      {"few", [&](int64_t i) { return 100 * at(i); }},
      {"one", [&](int64_t i) { return i == 77 ? 3 : at(i); }},
      {"all equal", [](int64_t) { return -4; }},
      {"of all sizes", [&](int64_t i) { return -std::pow(10, 12 * at(i) - 6); }},
      {"-inf", [&](int64_t i) { return i % 3 == 0 ? -HUGE_VAL : at(i); }},
      {"the edge of the support", [](int64_t i) { return i == 5 ? 1 : 0; }},
      {"a geometric row", [](int64_t i) { return -std::pow(0.5, static_cast<double>(i % 60)); }}};
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const auto count = static_cast<int64_t>(rows.size());
    Tensor x(dtype, {count, kLength});
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t i = 0; i < kLength; ++i)
        x.set(r * kLength + i, rows[static_cast<size_t>(r)].second(i));
    }
    Graph graph;
    const Symbol in = graph.input("x", x.type());
    const Symbol y = sparsemax(in);
    graph.add_output("y", y.id());
    graph.add_output("dx", gradients(sum(y * y), std::vector<Symbol>{in})[0].id());
    const auto found = evaluate_graph(graph, std::vector<Tensor>{x});
    const double error = dtype == DType::kFloat64 ? 1e-12 : 2e-6;
    for (int64_t r = 0; r < count; ++r) {
      std::vector<double> row;
      for (int64_t i = 0; i < kLength; ++i) row.push_back(x.at(r * kLength + i));
      const std::vector<double> want = projected(row);
      // dy/dx dy, with dy = 2 y: what all of the support have in common is taken off.
      double sum = 0, squares = 0, support = 0;
      for (const double v : want) support += v > 0;
      for (const double v : want) squares += v / support;
      double worst = 0, worst_gradient = 0, edge = 0;
      for (int64_t i = 0; i < kLength; ++i) {
        const double v = want[static_cast<size_t>(i)], y_found = found[0].at(r * kLength + i);
        sum += y_found;
        worst = std::max(worst, std::abs(y_found - v));
        // Which side of the edge an element is on that is as near to it as a rounding nobody says.
        edge = v > 0 ? 2 * (v - squares) : 0;
        if (v > error || (v == 0 && y_found == 0 && squares > error))
          worst_gradient = std::max(worst_gradient, std::abs(found[1].at(r * kLength + i) - edge));
      }
      const std::string what =
          std::string(rows[static_cast<size_t>(r)].first) + " of " + std::string(dtype_name(dtype));
      EXPECT_LE(worst, error) << what;
      EXPECT_NEAR(sum, 1, dtype == DType::kFloat64 ? 1e-11 : 2e-4) << what;
      EXPECT_LE(worst_gradient, 10 * error) << what;
    }
  }
}

// Around the length from which axes are searched, along any axis.
TEST(Sparsemax, IsOneFunctionOfAllLengths) {
  for (const int64_t n : {1, 2, 31, 32, 33, 34, 100}) {
    Tensor x(DType::kFloat64, {n, 3});
    for (int64_t i = 0; i < 3 * n; ++i) x.set(i, std::sin(static_cast<double>(i * i)));
    Graph graph;
    graph.add_output("y", sparsemax(graph.input("x", x.type()), 0).id());
    const Tensor y = evaluate_graph(graph, std::vector<Tensor>{x})[0];
    for (int64_t column = 0; column < 3; ++column) {
      std::vector<double> z;
      for (int64_t i = 0; i < n; ++i) z.push_back(x.at(i * 3 + column));
      const std::vector<double> want = projected(z);
      for (int64_t i = 0; i < n; ++i)
        EXPECT_NEAR(y.at(i * 3 + column), want[static_cast<size_t>(i)], 1e-13) << n;
    }
  }
}

TEST(Sparsemax, KeepsNaN) {
  Tensor x = Tensor::full(DType::kFloat32, {2, 200}, 0.5);
  x.set(7, std::nan(""));
  Graph graph;
  graph.add_output("y", sparsemax(graph.input("x", x.type())).id());
  const Tensor y = evaluate_graph(graph, std::vector<Tensor>{x})[0];
  for (int64_t i = 0; i < 200; ++i) {
    EXPECT_TRUE(std::isnan(y.at(i)));
    EXPECT_NEAR(y.at(200 + i), 0.005, 1e-8);
  }
}

}  // namespace
}  // namespace sinter
