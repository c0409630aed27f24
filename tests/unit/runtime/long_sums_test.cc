// The error of a sum does not grow with its length: long sums are added in runs, on every backend
// and in every kernel that adds. Their bits depend on shapes, not on threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

// 0.1 is rounded the same way by every addition, so that errors add up.
Tensor tenths(const Graph& graph) {
  return Tensor::full(DType::kFloat32, graph.type({graph.inputs()[0], 0}).shape, 0.1);
}

std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs,
                        const std::string& backend, int threads) {
  set_threads(threads);
  CompileOptions options;
  options.backend = backend;
  options.pipeline = "training";
  return compile(graph, options)->run(inputs);
}

// `of_onednn` where auto may give a node to oneDNN, too.
void expect_exact(const Graph& graph, double terms, double tolerance = 1.3e-6,
                  std::optional<double> of_onednn = {}) {
  const std::vector<Tensor> inputs = {tenths(graph)};
  const double want = terms * static_cast<double>(0.1f);
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> got = run(graph, inputs, backend, 1);
    const bool sinters = backend == "llvm" || backend == "reference";
    const double within = sinters ? tolerance : of_onednn.value_or(tolerance);
    for (const Tensor& t : got) {
      for (int64_t i = 0; i < t.elements(); ++i)
        ASSERT_NEAR(t.at(i) / want, 1, within) << backend << "\n" << to_text(graph);
    }
    if (backend == "reference") continue;
    for (const int threads : {2, 3}) {
      const std::vector<Tensor> other = run(graph, inputs, backend, threads);
      for (size_t k = 0; k < got.size(); ++k)
        EXPECT_TRUE(other[k].identical(got[k])) << backend << "\n" << to_text(graph);
    }
  }
  set_threads(1);
}

TEST(LongSums, MeanOfTenMillionRows) {
  register_ops();
  for (const Shape& shape : {Shape{10'000'000}, Shape{10'000'000, 1}}) {
    Graph g("g");
    g.add_output("mean", mean(g.input("x", {DType::kFloat32, shape}), {0}).id());
    expect_exact(g, 1, 1e-6);
  }
}

TEST(LongSums, OfRowsColumnsAndEverything) {
  register_ops();
  const struct {
    Shape shape;
    std::vector<int64_t> axes;
  } cases[] = {
      {{257, 3}, {0}},          {{100'000, 1}, {0}},        {{300'000, 4}, {0}},
      {{70'001, 10}, {0}},      {{33'000, 16}, {0}},        {{9'000, 100}, {0}},
      {{4'097, 300}, {0}},      {{3, 300'001}, {1}},        {{300'001, 3}, {0, 1}},
      {{7, 1000, 50}, {1}},     {{700, 9, 50}, {0, 2}},     {{65, 5, 700, 3}, {0, 2}},
      {{2, 5, 900, 3}, {0, 2}}, {{300, 2, 300, 7}, {0, 2}},
  };
  for (const auto& c : cases) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, c.shape});
    const Symbol s = sum(x, c.axes);
    g.add_output("sum", s.id());
    expect_exact(g, static_cast<double>(c.shape.elements()) /
                        static_cast<double>(std::max<int64_t>(1, s.shape().elements())));
  }
}

// Lengths about which kernels change how they add: rows and columns, plain and in a softmax, whose
// shares of equal numbers are 1 / n.
TEST(LongSums, OfEveryLength) {
  register_ops();
  for (const int64_t n : {100, 128, 129, 256, 500, 1000, 1024, 2048, 2049, 8192}) {
    for (const int64_t others : {1, 3, 16, 100}) {
      for (const bool rows : {false, true}) {
        const Shape shape = rows ? Shape{others, n} : Shape{n, others};
        const int axis = rows ? 1 : 0;
        Graph g("g");
        const Symbol x = g.input("x", {DType::kFloat32, shape});
        g.add_output("sum", (sum(x, {axis}) / static_cast<double>(n)).id());
        g.add_output("mean", (mean(x, {axis}, true) + 0.0 * x).id());
        g.add_output("all", mean(x).id());
        const double share = static_cast<double>(n) * static_cast<double>(0.1f);
        g.add_output("softmax", (softmax(x, axis) * share).id());
        expect_exact(g, 1);
      }
    }
  }
}

// Beside other work, in one kernel.
TEST(LongSums, InFusedRegions) {
  register_ops();
  for (const Shape& shape : {Shape{60'000, 10}, Shape{5'000, 130}, Shape{20'000, 40}}) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, shape});
    const Symbol column = mean(x, {0}, true);
    g.add_output("mean", column.id());
    g.add_output("again", (mean(x, {0}) + 0.0 * mean(square(x - column), {0})).id());
    g.add_output("rows", mean(x + 0.0 * column, {1}).id());
    g.add_output("all", mean(x * (1.0 + 0.0 * column)).id());
    expect_exact(g, 1);
  }
}

// In the kernel of a product that makes what is summed: few columns and many, light work and heavy.
TEST(LongSums, BehindProducts) {
  register_ops();
  for (const int64_t columns : {1, 3, 10, 16, 40}) {
    for (const bool heavy : {false, true}) {
      Graph g("g");
      const int64_t rows = columns > 16 ? 40'000 : 150'000;
      const Symbol x = g.input("x", {DType::kFloat32, {rows, 1}});
      const Symbol ones = full_like(constant(g, Tensor(DType::kFloat32, {1, columns})), 1);
      Symbol z = matmul(x, ones);
      if (heavy) z = z + 0.0 * tanh(exp(z));
      g.add_output("columns", (sum(z, {0}) / static_cast<double>(rows)).id());
      if (columns <= 16) g.add_output("all", (sum(z) / static_cast<double>(rows * columns)).id());
      expect_exact(g, 1);
    }
  }
}

// Products sum over their depth: weight gradients x^T.dy over the rows of a batch, and rows of x
// times columns of w; narrow, wide, of one row and of many, from memory and from caches. At most
// 2048 terms are added one after the other where rows are many, 512 elsewhere.
TEST(LongSums, InProducts) {
  register_ops();
  const struct {
    int64_t depth, rows, columns;
  } cases[] = {{1'000'000, 1, 1}, {300'000, 1, 10}, {300'000, 3, 10}, {100'000, 8, 10},
               {100'000, 40, 3},  {100'000, 1, 40}, {100'000, 4, 40}, {100'000, 8, 40},
               {20'000, 70, 20},  {20'000, 300, 1}, {40'000, 70, 40}, {10'000, 300, 70},
               {10'000, 3, 1100}};
  for (const auto& c : cases) {
    for (const bool gradient : {true, false}) {
      Graph g("g");
      const Symbol x = g.input(
          "x", {DType::kFloat32, gradient ? Shape{c.depth, c.rows} : Shape{c.rows, c.depth}});
      const Symbol ones = broadcast_to(0.0 * sum(x) + 1.0, {c.depth, c.columns});
      g.add_output("y", matmul(x, ones, gradient).id());
      expect_exact(g, static_cast<double>(c.depth), c.rows > 256 ? 2e-5 : 5e-6, 2e-5);
    }
  }
}

TEST(LongSums, InBatchNormalization) {
  register_ops();
  for (const int64_t channels : {3, 16}) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, {50'000, channels}});
    const Symbol ones = broadcast_to(0.0 * sum(x) + 1.0, {channels});
    const BatchNormResult batch = batch_norm_training(x, ones, ones, 1e-3, 1);
    g.add_output("mean", batch.mean.id());
    const Symbol of_gradient[] = {x, ones, batch.mean, batch.variance, x};
    const auto gradient =
        g.add("batch_norm_training_grad", of_gradient, {{"epsilon", 1e-3}, {"axis", int64_t{1}}});
    g.add_output("dbeta", (gradient[2] / 50'000.0).id());
    expect_exact(g, 1);
  }
}

TEST(LongSums, OfMinusZeroAreMinusZero) {
  register_ops();
  for (const Shape& shape : {Shape{1}, Shape{2}, Shape{17}, Shape{300, 4}, Shape{4, 3000}}) {
    for (const Ints& axes : {Ints{0}, Ints{-1}}) {
      Graph g("g");
      g.add_output("s", sum(g.input("x", {DType::kFloat32, shape}), axes).id());
      const Tensor x = Tensor::full(DType::kFloat32, shape, -0.0);
      for (const std::string& backend : backend_names()) {
        const Tensor s = run(g, {x}, backend, 1)[0];
        for (int64_t i = 0; i < s.elements(); ++i)
          EXPECT_TRUE(s.at(i) == 0 && std::signbit(s.at(i))) << backend << shape.to_string();
      }
    }
  }
}

TEST(LongSums, KeepInfinityAndNaN) {
  register_ops();
  for (const Shape& shape : {Shape{30'000}, Shape{30'000, 3}, Shape{3'000, 100}}) {
    for (const double special : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
      Graph g("g");
      g.add_output("s", sum(g.input("x", {DType::kFloat32, shape})).id());
      Tensor x = tenths(g);
      x.set(x.elements() / 2 + 7, special);
      for (const std::string& backend : backend_names()) {
        const double s = run(g, {x}, backend, 1)[0].at(0);
        EXPECT_TRUE(std::isnan(special) ? std::isnan(s) : s == special) << backend << " " << s;
      }
    }
  }
}

}  // namespace
}  // namespace sinter
