// Products as high as they are wide, or with a single row or column, followed by vectors of rows
// and of columns and by reductions: what runs along the rows must not be taken for what runs along
// the columns, though both have as many elements. Every backend against the double reference.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/philox.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

Tensor random(DType dtype, Shape shape, int64_t seed) {
  Tensor result(dtype, std::move(shape));
  for (int64_t i = 0; i < result.elements(); ++i) {
    const float value = static_cast<float>(uniform_from_bits(philox_bits(seed, 0, 0, i))) - 0.5f;
    result.set(i, value);
  }
  return result;
}

// A softmax with losses, sums of rows and columns and a total behind a product to which vectors of
// both kinds are added, computed here rather than given.
Graph graph_of(DType dtype, int64_t rows, int64_t columns) {
  Graph g("square");
  const Symbol x = g.input("x", {dtype, Shape{rows, 5}}),
               w = g.input("w", {dtype, Shape{5, columns}});
  const Symbol by_column = g.input("by_column", {dtype, Shape{columns}}),
               by_row = g.input("by_row", {dtype, Shape{rows, 1}}),
               labels = g.input("labels", {dtype, Shape{rows, columns}});
  const Symbol z = matmul(x, w) + exp(by_column) * exp(by_row);
  const Symbol p = softmax(z + exp(by_column * 2));
  const Symbol losses = sum(p * labels, {1});
  g.add_output("p", p.id());
  g.add_output("losses", losses.id());
  g.add_output("scaled", (p * exp(by_row) - by_column).id());
  g.add_output("columns", sum(p * exp(by_row), {0}).id());
  g.add_output("total", sum(losses).id());
  return g;
}

TEST(SquareProducts, RowsAreNotColumns) {
  register_ops();
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{10, 10},
                                      {16, 16},
                                      {1, 1},
                                      {1, 10},
                                      {10, 1},
                                      {3, 3},
                                      {40, 40}}) {
    const Graph graph = graph_of(DType::kFloat32, rows, columns);
    const Graph wide = graph_of(DType::kFloat64, rows, columns);
    std::vector<Tensor> inputs, doubles;
    int64_t seed = 1;
    for (const int32_t input : graph.inputs()) {
      inputs.push_back(random(DType::kFloat32, graph.type({input, 0}).shape, seed++));
      doubles.push_back(inputs.back().cast(DType::kFloat64));
    }
    const std::vector<Tensor> want = evaluate_graph(wide, doubles);
    for (const std::string& backend : backend_names()) {
      CompileOptions options;
      options.backend = backend;
      options.cache = false;
      const std::vector<Tensor> got = compile(graph, options)->run(inputs);
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i) {
        ASSERT_EQ(got[i].elements(), want[i].elements());
        for (int64_t k = 0; k < want[i].elements(); ++k)
          ASSERT_NEAR(got[i].at(k), want[i].at(k), 2e-5)
              << fmt::format("{}x{}, output {}, element {} on {}", rows, columns, i, k, backend);
      }
    }
  }
}

}  // namespace
}  // namespace sinter
