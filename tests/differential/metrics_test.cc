// Softmax, losses and the sums of metrics behind a product with few columns, as a training step has
// them: every backend and any number of threads against the double reference.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

struct Problem {
  DType dtype = DType::kFloat32;
  int64_t rows = 1, columns = 1;
};

Graph graph_of(const Problem& p) {
  Graph g("metrics");
  const Symbol x = g.input("x", {p.dtype, Shape{p.rows, 5}}),
               w = g.input("w", {p.dtype, Shape{5, p.columns}}),
               shift = g.input("shift", {p.dtype, Shape{p.rows, p.columns}}),
               labels = g.input("labels", {p.dtype, Shape{p.rows, p.columns}}),
               classes = g.input("classes", {DType::kInt64, Shape{p.rows, 1}});
  const Symbol z = matmul(x, w), y = softmax(z);
  const Symbol narrow = cast(squeeze(classes, 1), DType::kInt32);
  const Symbol chosen = one_hot(narrow, p.columns, p.dtype);
  const Symbol found = argmax(y + shift);
  const Symbol score = sum(chosen * z, {1}, true);
  const Symbol higher = sum(cast(greater(z, score), p.dtype), {1});
  g.add_output("correct", sum(cast(equal(argmax(labels), found), p.dtype)).id());
  g.add_output("correct_classes", sum(cast(equal(narrow, found), p.dtype)).id());
  g.add_output("count", sum(cast(equal(narrow, found), DType::kInt32)).id());
  g.add_output("in_top_3", sum(cast(less(higher, 3.0), p.dtype)).id());
  g.add_output("found", found.id());
  g.add_output("worst", argmin(z + shift).id());
  g.add_output("losses", sum(chosen * log_softmax(z), {1}).id());
  g.add_output("loss", sum(chosen * log_softmax(z)).id());
  g.add_output("dz", (y - chosen).id());
  return g;
}

// Small integers: their products are exact, and many of them are equal. Some probabilities become
// NaN.
std::vector<Tensor> inputs_of(const Graph& g, int64_t columns, unsigned seed) {
  std::mt19937 engine(seed);
  const auto below = [&](int64_t n) {
    return static_cast<double>(engine() % static_cast<unsigned>(n));
  };
  std::vector<Tensor> inputs;
  for (const int32_t input : g.inputs()) {
    const std::string& name = g.node({input, 0}).name;
    Tensor t(g.type({input, 0}).dtype, g.type({input, 0}).shape);
    for (int64_t i = 0; i < t.elements(); ++i) {
      double value = below(4) - 2;
      if (name == "shift") value = below(60) == 0 ? std::nan("") : 0.0;
      if (name == "labels") value = below(3);
      if (name == "classes") value = below(columns);
      t.set(i, value);
    }
    inputs.push_back(std::move(t));
  }
  return inputs;
}

void check(const Problem& p, unsigned seed, const std::string& mixed_precision = "") {
  const Graph graph = graph_of(p), wide = graph_of({DType::kFloat64, p.rows, p.columns});
  const std::vector<Tensor> inputs = inputs_of(graph, p.columns, seed);
  std::vector<Tensor> doubles;
  for (const Tensor& t : inputs)
    doubles.push_back(is_floating(t.dtype()) ? t.cast(DType::kFloat64) : t);
  const std::vector<Tensor> want = evaluate_graph(wide, doubles);
  for (const std::string& backend : backend_names()) {
    CompileOptions options;
    options.backend = backend;
    options.cache = false;
    options.mixed_precision = mixed_precision;
    std::vector<Tensor> first;
    for (const int count : {1, 2, 3, 8}) {
      set_threads(count);
      const std::vector<Tensor> got = compile(graph, options)->run(inputs);
      ASSERT_EQ(got.size(), want.size());
      if (first.empty()) first = got;
      for (size_t i = 0; i < want.size(); ++i) {
        EXPECT_TRUE(got[i].identical(first[i]))
            << fmt::format("output {} on {} differs with {} threads", i, backend, count);
        const bool exact = i < 6;  // counts and indices
        const double terms = i == 7 ? static_cast<double>(p.rows) : 1;
        for (int64_t k = 0; k < want[i].elements(); ++k) {
          if (std::isnan(want[i].at(k)) && std::isnan(got[i].at(k))) continue;
          const double bound = exact ? 0 : 4e-6 * std::max(terms, std::abs(want[i].at(k)));
          ASSERT_NEAR(got[i].at(k), want[i].at(k), bound)
              << fmt::format("{}x{}, output {}, element {} on {}, {} threads", p.rows, p.columns, i,
                             k, backend, count);
        }
      }
    }
  }
  set_threads(1);
}

TEST(Metrics, AllWidths) {
  register_ops();
  unsigned seed = 1;
  for (int64_t columns = 1; columns <= 18; ++columns) {
    const int64_t rows[] = {1, 15, 16, 17, 31, 33, 127};
    check({DType::kFloat32, rows[seed % 7], columns}, seed);
    ++seed;
  }
  for (const int64_t rows : {1, 15, 16, 17, 31, 33, 127, 1009})
    check({DType::kFloat32, rows, 10}, seed++);
}

TEST(Metrics, OtherPrecisions) {
  register_ops();
  for (const int64_t columns : {3, 10, 16}) {
    check({DType::kFloat64, 37, columns}, 50);
    check({DType::kFloat32, 37, columns}, 51, "bfloat16");
    check({DType::kFloat32, 300, columns}, 52, "bfloat16");
  }
}

}  // namespace
}  // namespace sinter
