// Derivatives of prod to the third order at factors of all sizes: nothing cancels in them, so they
// keep their relative error however much the factors differ.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter::contract {
namespace {

using Row = std::vector<double>;
using Orders = std::array<Row, 3>;

constexpr double kInf = std::numeric_limits<double>::infinity();

// f1 = gradient of prod, f2 that of the sum of f1, f3 that of the sum of f2, `axes` of x reduced.
std::vector<Tensor> derivatives(const std::string& backend, const Tensor& x, const Axes& axes,
                                const ValueType& type) {
  register_ops();
  Graph g("product");
  const Symbol in = g.input("x", type);
  const Symbol wrt[] = {in};
  Symbol y = prod(in, axes);
  for (int order = 1; order <= 3; ++order) {
    y = gradients(std::vector{sum(y)}, wrt)[0];
    g.add_output(fmt::format("f{}", order), y.id());
  }
  CompileOptions options;
  options.backend = backend;
  options.pipeline = "training";
  options.batch = x.shape()[0];
  return compile(g, options)->run({x});
}

std::vector<Tensor> derivatives(const std::string& backend, const Tensor& x, const Axes& axes) {
  return derivatives(backend, x, axes, x.type());
}

// The elementary symmetric polynomial of degree k of the factors but one is the sum over all ways
// to choose k of them: f1, f2 and f3 are that of n - 1, n - 2 (once) and n - 3 (in both orders) of
// the others.
Orders exact(const Row& x) {
  Orders result;
  const size_t n = x.size();
  for (size_t left_out = 0; left_out < n; ++left_out) {
    // Sums of products of all but 0, 1 and 2 of the others so far.
    std::array<long double, 3> all_but = {1, 0, 0};
    for (size_t i = 0; i < n; ++i) {
      if (i == left_out) continue;
      all_but = {all_but[0] * x[i], all_but[1] * x[i] + all_but[0], all_but[2] * x[i] + all_but[1]};
    }
    result[0].push_back(static_cast<double>(all_but[0]));
    result[1].push_back(static_cast<double>(all_but[1]));
    result[2].push_back(static_cast<double>(2 * all_but[2]));
  }
  return result;
}

// Within float32 or float64 a value, or infinite.
void expect_near(double found, double want, DType dtype, const std::string& what) {
  const bool is_double = dtype == DType::kFloat64;
  const double most = is_double ? 1.7e308 : 3.4e38, least = is_double ? 1e-300 : 1e-37;
  if (std::fabs(want) > most) {
    EXPECT_EQ(found, std::copysign(kInf, want)) << what;
  } else {
    EXPECT_NEAR(found, want, std::fabs(want) * (is_double ? 1e-14 : 1e-5) + least) << what;
  }
}

TEST(ProductsOfAllSizes, HaveDerivativesWithAllDigits) {
  std::vector<Row> rows = {{3e4, 7e3, 1.3e-4},
                           {1e4, 1e4, 1e-4},
                           {1e25, 1e25, 1e-25},
                           {1e-15, 2e-13, 3e-14},
                           {5},
                           {2, 3},
                           {1e15, 0, 1e15, 1e-30},
                           {0, 0, 7, 1e-20}};
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  // Around blocks of 8, and blocks of blocks.
  for (const int n : {2, 3, 5, 7, 8, 9, 16, 17, 31, 33, 63, 64, 65, 100, 257, 300}) {
    for (int repeat = 0; repeat < 3; ++repeat) {
      // Of both signs of exponents, which add up to no more than float32 has.
      Row exponents, row;
      double up = 0, down = 0;
      for (int i = 0; i < n; ++i) exponents.push_back(uniform(random));
      for (const double e : exponents) (e > 0 ? up : down) += e;
      const double scale = std::min(12.0, 15 / std::max({up, -down, 1e-3}));
      for (const double e : exponents) row.push_back(static_cast<float>(std::pow(10, e * scale)));
      rows.push_back(row);
    }
  }
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    for (const Row& given : rows) {
      const auto n = static_cast<int64_t>(given.size());
      const Tensor x = Tensor::from<double>(Shape{1, n}, given).cast(dtype);
      Row row;
      for (int64_t i = 0; i < n; ++i) row.push_back(x.at(i));
      const Orders want = exact(row);
      for (const std::string& backend : backend_names()) {
        const std::vector<Tensor> found = derivatives(backend, x, {1});
        for (size_t order = 0; order < 3; ++order) {
          for (int64_t i = 0; i < n; ++i)
            expect_near(found[order].at(i), want[order][static_cast<size_t>(i)], dtype,
                        fmt::format("derivative {} by factor {} of {} of {} on {}", order + 1, i, n,
                                    dtype_name(dtype), backend));
        }
      }
    }
  }
}

// Wherever the factors lie: axes of a tensor in any order, side by side or not, all of them.
TEST(ProductsOfAllSizes, OfAnyAxes) {
  const Shape shape{2, 3, 2, 5};
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-2, 2);
  Row values;
  for (int64_t i = 0; i < 60; ++i) values.push_back(std::pow(10, exponent(random)));
  const Tensor x = Tensor::from<double>(shape, values);
  for (const Axes& axes : std::vector<Axes>{{0},
                                            {1},
                                            {2},
                                            {3},
                                            {0, 1},
                                            {1, 2},
                                            {2, 3},
                                            {0, 2},
                                            {3, 0},
                                            {-1, 1},
                                            {0, 1, 3},
                                            {0, 1, 2, 3}}) {
    std::array<bool, 4> reduced = {};
    for (const int64_t axis : axes.list()) reduced[static_cast<size_t>((axis + 4) % 4)] = true;
    // The group of each element: where it lies in the axes that stay.
    std::map<int64_t, std::vector<int64_t>> groups;
    for (int64_t i = 0; i < 60; ++i) {
      int64_t rest = i, group = 0;
      for (int axis = 3; axis >= 0; --axis) {
        const int64_t index = rest % shape[axis];
        rest /= shape[axis];
        if (!reduced[static_cast<size_t>(axis)]) group = group * 5 + index;
      }
      groups[group].push_back(i);
    }
    for (const std::string& backend : backend_names()) {
      const std::vector<Tensor> found = derivatives(backend, x, axes);
      for (const auto& [key, members] : groups) {
        Row row;
        for (const int64_t i : members) row.push_back(values[static_cast<size_t>(i)]);
        const Orders want = exact(row);
        for (size_t order = 0; order < 3; ++order) {
          for (size_t k = 0; k < members.size(); ++k)
            EXPECT_NEAR(found[order].at(members[k]), want[order][k], 1e-13 * want[order][k])
                << backend;
        }
      }
    }
  }
}

// Over the batch, whose length no graph knows, as far as a division in float64 has them.
TEST(ProductsOfAllSizes, OverTheBatch) {
  // The third derivative loses the square of what the second does: not of factors 1e8 apart.
  struct Column {
    Row factors;
    size_t orders;
  };
  const std::vector<Column> columns = {
      {{3e4, 7e3, 1.3e-4}, 2}, {{1e4, 1e4, 1e-4}, 2}, {{1e-15, 2e-13, 3e-14}, 3},
      {{0, 2, 1e4}, 3},        {{0, 0, 3}, 3},        {{1, 2, 3}, 3}};
  Row values;
  for (size_t i = 0; i < 3; ++i) {
    for (const Column& column : columns) values.push_back(column.factors[i]);
  }
  const auto count = static_cast<int64_t>(columns.size());
  const Tensor x = Tensor::from<double>(Shape{3, count}, values).cast(DType::kFloat32);
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> found =
        derivatives(backend, x, {0}, {DType::kFloat32, Shape{kBatch, count}});
    for (int64_t column = 0; column < count; ++column) {
      const Orders want = exact({x.at(column), x.at(count + column), x.at(2 * count + column)});
      for (size_t order = 0; order < columns[static_cast<size_t>(column)].orders; ++order) {
        for (int64_t i = 0; i < 3; ++i)
          expect_near(found[order].at(i * count + column), want[order][static_cast<size_t>(i)],
                      DType::kFloat32, fmt::format("{} {} on {}", order + 1, column, backend));
      }
    }
  }
}

// What is infinite or NaN spoils the derivatives by all others, not that by itself.
TEST(ProductsOfAllSizes, BesideInfinitiesAndNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::pair<Row, Row>> cases = {
      {{kInf, 2, 3}, {6, kInf, kInf}}, {{-kInf, 2, 3}, {6, -kInf, -kInf}},
      {{kInf, 0, 3}, {0, kInf, nan}},  {{nan, 2, 3}, {6, nan, nan}},
      {{nan, 0, 3}, {0, nan, nan}},    {{0, 0, kInf}, {nan, nan, 0}}};
  for (const auto& [row, want] : cases) {
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      const Tensor x = Tensor::from<double>(Shape{1, 3}, row).cast(dtype);
      for (const std::string& backend : backend_names()) {
        const Tensor found = derivatives(backend, x, {1})[0];
        for (int64_t i = 0; i < 3; ++i) {
          const double expected = want[static_cast<size_t>(i)];
          if (std::isnan(expected))
            EXPECT_TRUE(std::isnan(found.at(i))) << backend << " " << i;
          else
            EXPECT_EQ(found.at(i), expected) << backend << " " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sinter::contract
