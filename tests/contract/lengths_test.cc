// Lengths and unit vectors of rows of all sizes, with their derivatives to the second order: no
// square of a row under- or overflows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/graph.h"
#include "frontend/losses.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "tests/contract/run.h"

namespace sinter::contract {
namespace {

using Long = long double;
using Row = std::vector<Long>;

Long dot(const Row& a, const Row& b) {
  Long sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

struct Rows {
  Tensor values;  // [n, 3]
  int64_t count() const { return values.shape()[0]; }
  Row row(int64_t i) const {
    return {values.at(3 * i), values.at(3 * i + 1), values.at(3 * i + 2)};
  }
};

// Of every size that the dtype has, some along an axis, some of parts that are far apart.
Rows rows_of(DType dtype) {
  std::vector<double> sizes;
  if (dtype == DType::kFloat32) {
    for (int e = -149; e < 128; e += 3) sizes.push_back(std::ldexp(1.0, e));
    for (const double s : {1e-7, 9e-16, 8e-16, 1.1e15, 1.2e15, 1.7e38}) sizes.push_back(s);
  } else {
    for (int e = -1074; e < 1023; e += 11) sizes.push_back(std::ldexp(1.0, e));
  }
  std::vector<double> all;
  for (const double s : sizes) {
    for (const std::vector<double>& direction : {std::vector<double>{1, 0, 0},
                                                 {0, -1, 0},
                                                 {0.6, -0.5, 0.3},
                                                 {0.4, 0.4, 0.4},
                                                 {1, 1e-9, 0}})
      for (const double d : direction) all.push_back(s * d);
  }
  for (int i = 0; i < 3; ++i) all.push_back(0);
  return {Tensor::from<double>(Shape{static_cast<int64_t>(all.size() / 3), 3}, all).cast(dtype)};
}

// What is computed is within `relative` of the largest term of what it is to be.
class Judge {
 public:
  Judge(std::string what, DType dtype, double relative)
      : what_(std::move(what)),
        single_(dtype == DType::kFloat32),
        relative_(single_ ? relative : relative * 1e-8),
        most_(single_ ? Long{std::numeric_limits<float>::max()}
                      : Long{std::numeric_limits<double>::max()}),
        least_(single_ ? 1.2e-38L : 2.3e-308L) {}

  void expect(double got, Long want, Long largest, const Row& row) {
    const auto where = [&] {
      return fmt::format("{} of [{:.9g}, {:.9g}, {:.9g}]: {:.9g} for {:.9g}", what_,
                         static_cast<double>(row[0]), static_cast<double>(row[1]),
                         static_cast<double>(row[2]), got, static_cast<double>(want));
    };
    const Long tolerance = relative_ * largest + least_;
    EXPECT_FALSE(std::isnan(got)) << where();
    if (std::fabs(want) - tolerance > most_) {
      EXPECT_TRUE(std::isinf(got) && (got > 0) == (want > 0)) << where();
    } else if (std::fabs(want) + tolerance < most_) {
      EXPECT_LE(std::fabs(static_cast<Long>(got) - want), tolerance) << where();
      ++finite;
    }
  }
  size_t finite = 0;

 private:
  std::string what_;
  bool single_;
  Long relative_, most_, least_;
};

class Lengths : public testing::TestWithParam<DType> {};

TEST_P(Lengths, AndTheirDerivativesAreFiniteWhereMathematicsIs) {
  register_ops();
  const DType dtype = GetParam();
  const Rows rows = rows_of(dtype);
  const Row w = {0.75, -1.25, 0.5};
  Graph g("lengths");
  const Symbol x = g.input("x", rows.values.type());
  const Symbol wrt[] = {x};
  const Symbol weights = broadcast_to(
      g.constant(Tensor::from<double>(Shape{3}, {0.75, -1.25, 0.5}).cast(dtype)), x.shape());
  const Symbol length = norm(x, -1), kept = norm(x, -1, true), unit = normalize(x, -1, 0);
  const Symbol of_length = gradients(std::vector{sum(length)}, wrt)[0];
  const Symbol second = gradients(std::vector{sum(of_length * weights)}, wrt)[0];
  const Symbol of_unit = gradients(std::vector{sum(unit * weights)}, wrt)[0];
  for (const Symbol& s : {length, kept, unit, of_length, second, of_unit})
    g.add_output(fmt::format("o{}", g.outputs().size()), s.id());
  for (const std::string& backend : backend_names()) {
    for (const bool passes : {true, false}) {
      const std::vector<Tensor> d = run(g, backend, {rows.values}, passes);
      const std::string on = fmt::format(" on {}{}", backend, passes ? "" : " without passes");
      Judge of_value("norm" + on, dtype, 4e-7), of_units("normalize" + on, dtype, 4e-7);
      Judge of_first("derivative of norm" + on, dtype, 4e-7);
      Judge of_second("second derivative of norm" + on, dtype, 1e-6);
      Judge of_slope("derivative of normalize" + on, dtype, 1e-6);
      EXPECT_EQ(d[1].shape(), (Shape{rows.count(), 1}));
      for (int64_t i = 0; i < rows.count(); ++i) {
        const Row r = rows.row(i);
        const Long size = std::sqrt(dot(r, r));
        of_value.expect(d[0].at(i), size, size, r);
        of_value.expect(d[1].at(i), size, size, r);
        for (size_t k = 0; k < 3; ++k) {
          const int64_t at = 3 * i + static_cast<int64_t>(k);
          const Long u = size == 0 ? 0 : r[k] / size;
          of_first.expect(d[3].at(at), u, std::fabs(u), r);
          of_units.expect(d[2].at(at), u, std::fabs(u), r);
          // (w - u (u w)) / |x|
          const Long slope = size == 0 ? 0 : (w[k] - u * dot(r, w) / size) / size;
          const Long largest = size == 0 ? 0 : 2 / size;
          of_second.expect(d[4].at(at), slope, largest, r);
          of_slope.expect(d[5].at(at), slope, largest, r);
        }
      }
      EXPECT_GT(of_second.finite, static_cast<size_t>(rows.count()));
    }
  }
}

// x / epsilon where x is shorter than epsilon, whatever the two are.
TEST_P(Lengths, OfUnitVectorsWithAnEpsilon) {
  register_ops();
  const DType dtype = GetParam();
  const Rows rows = rows_of(dtype);
  for (const double given : {1e-7, 1e-12, 1e-30, 1e-42, 1e-70, 3.0, 1e10}) {
    const double epsilon = dtype == DType::kFloat32 ? static_cast<float>(given) : given;
    Graph g("units");
    const Symbol x = g.input("x", rows.values.type());
    g.add_output("y", normalize(x, -1, given).id());
    const Symbol wrt[] = {x};
    g.add_output("d", gradients(std::vector{sum(normalize(x, -1, given))}, wrt)[0].id());
    for (const std::string& backend : backend_names()) {
      const std::vector<Tensor> d = run(g, backend, {rows.values});
      Judge value(fmt::format("normalize, epsilon {} on {}", given, backend), dtype, 4e-7);
      Judge slope(fmt::format("its derivative, epsilon {} on {}", given, backend), dtype, 1e-6);
      for (int64_t i = 0; i < rows.count(); ++i) {
        const Row r = rows.row(i);
        const Long size = std::sqrt(dot(r, r));
        // At epsilon the two meet, and rounding decides about the derivative.
        if (std::fabs(size - epsilon) < 1e-6L * epsilon && epsilon > 0) continue;
        for (size_t k = 0; k < 3; ++k) {
          const int64_t at = 3 * i + static_cast<int64_t>(k);
          const bool near = size < epsilon;
          const Long y = near ? r[k] / epsilon : size == 0 ? 0 : r[k] / size;
          value.expect(d[0].at(at), y, std::fabs(y), r);
          const Long all = (r[0] + r[1] + r[2]) / (size == 0 ? 1 : size);
          const Long dy = near ? 1 / Long{epsilon} : size == 0 ? 0 : (1 - y * all) / size;
          slope.expect(d[1].at(at), dy, near ? dy : size == 0 ? 0 : 3 / size, r);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(DTypes, Lengths, testing::Values(DType::kFloat32, DType::kFloat64),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

TEST(LengthsOfGroups, MayBeOfAnyAxesAndEmpty) {
  register_ops();
  for (const int64_t n : {int64_t{0}, int64_t{2}}) {
    Graph g("groups");
    const Symbol x = g.input("x", {DType::kFloat32, Shape{2, n, 3}});
    const Symbol wrt[] = {x};
    const Symbol length = norm(x, {0, 1});
    g.add_output("length", length.id());
    g.add_output("all", norm(x).id());
    g.add_output("unit", normalize(x, {0, 1}).id());
    const Symbol first = gradients(std::vector{sum(length)}, wrt)[0];
    g.add_output("first", first.id());
    g.add_output("second", gradients(std::vector{sum(square(first))}, wrt)[0].id());
    for (const std::string& backend : backend_names()) {
      const std::vector<Tensor> d =
          run(g, backend, {Tensor::full(DType::kFloat32, {2, n, 3}, 1e-30)});
      for (int64_t i = 0; i < 3; ++i)
        EXPECT_NEAR(d[0].at(i) * 1e30, n == 0 ? 0 : 2, 1e-6) << backend;
      EXPECT_NEAR(d[1].at(0) * 1e30, n == 0 ? 0 : std::sqrt(12), 1e-6) << backend;
      for (int64_t i = 0; i < d[3].elements(); ++i) EXPECT_NEAR(d[3].at(i), 0.5, 1e-6) << backend;
    }
  }
}

// The similarity of rows does not depend on their lengths, from 1e-7 on.
TEST(CosineSimilarity, IsThatOfRowsOfAnyLength) {
  register_ops();
  for (const double a : {1e-6, 1e-3, 1.0, 1e18, 1e25, 1e38}) {
    for (const double b : {1e-6, 1.0, 1e20, 1e38}) {
      const Tensor t = Tensor::from<double>(Shape{1, 2}, {0.6 * a, 0.8 * a}).cast(DType::kFloat32);
      const Tensor p = Tensor::from<double>(Shape{1, 2}, {b, 0}).cast(DType::kFloat32);
      Graph g("cosine");
      const Symbol x = g.input("x", p.type());
      const Symbol wrt[] = {x};
      const Symbol loss = losses::cosine_similarity(g.input("t", t.type()), x);
      g.add_output("y", loss.id());
      g.add_output("d", gradients(std::vector{sum(loss)}, wrt)[0].id());
      for (const std::string& backend : backend_names()) {
        const std::vector<Tensor> d = run(g, backend, {p, t});
        EXPECT_NEAR(d[0].at(0), -0.6, 1e-6) << a << " " << b << " on " << backend;
        EXPECT_NEAR(d[1].at(0), 0, 1e-6 / b) << a << " " << b << " on " << backend;
        EXPECT_NEAR(d[1].at(1), -0.8 / b, 1e-6 / b) << a << " " << b << " on " << backend;
      }
    }
  }
}

}  // namespace
}  // namespace sinter::contract
