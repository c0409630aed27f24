// Losses of infinite logits and scores are their limits, on every backend: certain answers cost
// nothing, wrong ones an infinity. Where there is no limit (two classes that are both certain) they
// are NaN, as on TensorFlow.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
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

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Values = std::vector<double>;
using Function = std::function<Symbol(Symbol t, Symbol x)>;

bool is(double got, double want) {
  return std::isnan(want) ? std::isnan(got) : got == want || std::fabs(got - want) <= 2e-6;
}

// Rows of labels and logits, the value of each and its derivatives by the logits, where asked.
struct Row {
  Values labels, logits;
  double value;
  Values slope = {};
};

void expect_limits(const std::string& name, const Function& f, const std::vector<Row>& rows) {
  register_ops();
  const auto count = static_cast<int64_t>(rows.size());
  const auto width = static_cast<int64_t>(rows[0].logits.size());
  const auto label_width = static_cast<int64_t>(rows[0].labels.size());
  Values labels, logits;
  for (const Row& r : rows) {
    labels.insert(labels.end(), r.labels.begin(), r.labels.end());
    logits.insert(logits.end(), r.logits.begin(), r.logits.end());
  }
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    Graph g("limits");
    const Symbol t = g.input("t", {dtype, Shape{count, label_width}});
    const Symbol x = g.input("x", {dtype, Shape{count, width}});
    const Symbol wrt[] = {x};
    const Symbol y = f(t, x);
    g.add_output("y", y.id());
    g.add_output("d", gradients(std::vector{y}, wrt)[0].id());
    const std::vector<Tensor> in = {Tensor::from<double>(t.shape(), labels).cast(dtype),
                                    Tensor::from<double>(x.shape(), logits).cast(dtype)};
    for (const std::string& backend : backend_names()) {
      for (const bool passes : {true, false}) {
        const std::vector<Tensor> out = run(g, backend, in, passes);
        for (int64_t i = 0; i < count; ++i) {
          const Row& r = rows[static_cast<size_t>(i)];
          const std::string where =
              fmt::format("{}, row {}, {} on {}{}", name, i, dtype_name(dtype), backend,
                          passes ? "" : " without passes");
          EXPECT_TRUE(is(out[0].at(i), r.value)) << where << ": " << out[0].at(i);
          for (size_t k = 0; k < r.slope.size(); ++k) {
            const double d = out[1].at(i * width + static_cast<int64_t>(k));
            EXPECT_TRUE(is(d, r.slope[k])) << where << ": derivative " << k << " is " << d;
          }
        }
      }
    }
  }
}

TEST(InfiniteLogits, OfBinaryLosses) {
  const std::vector<Row> rows = {{{1}, {kInfinity}, 0, {0}},
                                 {{0}, {-kInfinity}, 0, {0}},
                                 {{0}, {kInfinity}, kInfinity, {1}},
                                 {{1}, {-kInfinity}, kInfinity, {-1}},
                                 {{0.5}, {kInfinity}, kInfinity, {}},
                                 {{0.5}, {-kInfinity}, kInfinity, {}},
                                 {{1}, {kNan}, kNan, {kNan}},
                                 {{0}, {kNan}, kNan, {kNan}},
                                 {{1}, {3e38}, 0, {0}},
                                 {{1}, {0}, std::log(2.0), {-0.5}}};
  expect_limits(
      "binary_crossentropy",
      [](Symbol t, Symbol x) { return losses::binary_crossentropy(t, x, true); }, rows);
  expect_limits(
      "sigmoid_cross_entropy",
      [](Symbol t, Symbol x) { return squeeze(sigmoid_cross_entropy(t, x), -1); }, rows);
  expect_limits(
      "of a sigmoid",
      [](Symbol t, Symbol x) { return losses::binary_crossentropy(t, sigmoid(x), false); },
      {{{1}, {kInfinity}, 0, {0}}, {{0}, {-kInfinity}, 0, {0}}});
  std::vector<Row> focal;
  for (const Row& r : rows) {
    if (r.labels[0] != 0.5 && r.logits[0] != 0)
      focal.push_back({r.labels, r.logits, r.value, r.value == 0 ? Values{0} : Values{}});
  }
  for (const double gamma : {0.5, 2.0})
    expect_limits(
        "binary_focal_crossentropy",
        [&](Symbol t, Symbol x) {
          return losses::binary_focal_crossentropy(t, x, false, 0.25, gamma, true);
        },
        focal);
}

// Classes: one that is certain, several (no limit), ones that are impossible, all impossible.
std::vector<Row> class_rows() {
  return {{{1, 0, 0}, {kInfinity, 1, 2}, 0, {0, 0, 0}},
          {{0, 1, 0}, {kInfinity, 1, 2}, kInfinity, {1, -1, 0}},
          {{1, 0, 0}, {kInfinity, -kInfinity, 3e38}, 0, {0, 0, 0}},
          {{1, 0, 0}, {0, -kInfinity, 0}, std::log(2.0), {-0.5, 0, 0.5}},
          {{0, 1, 0}, {0, -kInfinity, 0}, kInfinity, {0.5, -1, 0.5}},
          {{1, 0, 0}, {kInfinity, kInfinity, 0}, kNan, {}},
          {{0, 0, 1}, {-kInfinity, -kInfinity, -kInfinity}, kNan, {}},
          {{1, 0, 0}, {kNan, 0, kInfinity}, kNan, {}}};
}

TEST(InfiniteLogits, OfClasses) {
  expect_limits(
      "categorical_crossentropy",
      [](Symbol t, Symbol x) { return losses::categorical_crossentropy(t, x, true); },
      class_rows());
  std::vector<Row> sparse = class_rows();
  for (Row& r : sparse) r.labels = {r.labels[1] + 2 * r.labels[2]};
  expect_limits(
      "sparse_categorical_crossentropy",
      [](Symbol t, Symbol x) { return losses::sparse_categorical_crossentropy(t, x, true); },
      sparse);
  std::vector<Row> focal = class_rows();
  for (Row& r : focal) r.slope = r.value == 0 ? Values{0, 0, 0} : Values{};
  for (const double gamma : {0.5, 1.0, 2.0}) {
    focal[3].value = 0.25 * std::pow(0.5, gamma) * std::log(2.0);
    expect_limits(
        "categorical_focal_crossentropy",
        [&](Symbol t, Symbol x) {
          return losses::categorical_focal_crossentropy(t, x, 0.25, gamma, true);
        },
        focal);
  }
}

TEST(InfiniteLogits, OfSoftmax) {
  const Function softmax_at = [](Symbol, Symbol x) { return slice(softmax(x), 1, 0, 1); };
  const Function log_softmax_at = [](Symbol, Symbol x) { return slice(log_softmax(x), 1, 0, 1); };
  expect_limits("softmax", softmax_at,
                {{{0}, {kInfinity, 1}, 1, {0, 0}},
                 {{0}, {1, kInfinity}, 0, {0, 0}},
                 {{0}, {-kInfinity, 1}, 0, {0, 0}},
                 {{0}, {1, -kInfinity}, 1, {0, 0}},
                 {{0}, {kInfinity, kInfinity}, kNan, {}},
                 {{0}, {-kInfinity, -kInfinity}, kNan, {}},
                 {{0}, {0, kNan}, kNan, {kNan, kNan}}});
  expect_limits("log_softmax", log_softmax_at,
                {{{0}, {kInfinity, 1}, 0, {0, 0}},
                 {{0}, {1, kInfinity}, -kInfinity, {1, -1}},
                 {{0}, {-kInfinity, 1}, -kInfinity, {1, -1}},
                 {{0}, {1, -kInfinity}, 0, {0, 0}},
                 {{0}, {kInfinity, kInfinity}, kNan, {}},
                 {{0}, {0, kNan}, kNan, {}}});
  // Of one class the share is 1, whatever its logit.
  for (const double logit : {kInfinity, -kInfinity, 3e38, 0.0}) {
    expect_limits("softmax of one class", softmax_at, {{{0}, {logit}, 1, {0}}});
    expect_limits("log_softmax of one class", log_softmax_at, {{{0}, {logit}, 0, {0}}});
  }
}

TEST(InfiniteLogits, OfScores) {
  expect_limits(
      "hinge", [](Symbol t, Symbol x) { return losses::hinge(t, x); },
      {{{1}, {kInfinity}, 0, {0}}, {{-1}, {kInfinity}, kInfinity, {1}}, {{1}, {kNan}, kNan, {}}});
  expect_limits("squared_hinge", [](Symbol t, Symbol x) { return losses::squared_hinge(t, x); },
                {{{1}, {kInfinity}, 0, {0}}, {{-1}, {kInfinity}, kInfinity, {}}});
  expect_limits("categorical_hinge",
                [](Symbol t, Symbol x) { return losses::categorical_hinge(t, x); },
                {{{1, 0, 0}, {kInfinity, 1, 2}, 0, {0, 0, 0}},
                 {{0, 1, 0}, {kInfinity, 1, 2}, kInfinity, {1, -1, 0}},
                 {{0, 1, 0}, {-kInfinity, 1, 2}, 2, {0, -1, 1}},
                 {{0, 1, 0}, {0, -kInfinity, 2}, kInfinity, {0, -1, 1}},
                 {{0, 1, 0}, {kInfinity, kInfinity, 2}, kNan, {}}});
  expect_limits("log_cosh", [](Symbol t, Symbol x) { return losses::log_cosh(t, x); },
                {{{0}, {kInfinity}, kInfinity, {1}}, {{0}, {-kInfinity}, kInfinity, {-1}}});
}

}  // namespace
}  // namespace sinter::contract
