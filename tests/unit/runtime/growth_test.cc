// Graphs so wide that what takes time with the square of their size takes minutes, not a second:
// these tests would not end.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

std::vector<Symbol> readers_of_one(Symbol x, int64_t n) {
  std::vector<Symbol> ys;
  for (int64_t i = 0; i < n; ++i) ys.push_back(x * (1.0 + double(i)));
  return ys;
}

TEST(Growth, ReadersOfOneValueAreComparedByWhatDiffers) {
  register_ops();
  constexpr int64_t kReaders = 60000;
  Graph graph("wide");
  const Symbol x = graph.input("x", {DType::kFloat32, {2}});
  for (int64_t k = 0; k < 2; ++k) {  // the second ones are duplicates
    const std::vector<Symbol> ys = readers_of_one(x, kReaders);
    for (size_t i = 0; i < ys.size(); ++i)
      graph.add_output(fmt::format("y{}_{}", k, i), ys[i].id());
  }
  const Graph lowered = run_pass("decompose", graph, {});
  const Graph merged = run_pass("merge_duplicates", lowered, {});
  EXPECT_EQ(merged.outputs().front().value, merged.outputs()[kReaders].value);
  EXPECT_NE(merged.outputs()[0].value, merged.outputs()[1].value);
  EXPECT_LT(merged.size(), lowered.size());
}

TEST(Growth, ConstantsAreComparedByTheirValues) {
  register_ops();
  constexpr int kConstants = 60000;
  Graph graph("constants");
  for (int i = 0; i < kConstants; ++i)
    graph.add_output(fmt::format("y{}", i),
                     constant(graph, Tensor::from<int32_t>({2}, {0, i / 2})).id());
  const Graph merged = run_pass("merge_duplicates", graph, {});
  EXPECT_EQ(merged.outputs()[0].value, merged.outputs()[1].value);
  EXPECT_NE(merged.outputs()[1].value, merged.outputs()[2].value);
}

// A kernel with as many operands is several functions (and in builds of small limits always is).
TEST(Growth, AConcatOfManyIsRightOnEveryBackend) {
  register_ops();
  constexpr int64_t kParts = 700;
  Graph graph("concat");
  std::vector<Symbol> parts;
  std::vector<Tensor> inputs;
  for (int64_t i = 0; i < kParts; ++i) {
    const int64_t width = 1 + i % 3;
    parts.push_back(graph.input(fmt::format("x{}", i), {DType::kFloat32, {3, width}}));
    inputs.push_back(Tensor::full(DType::kFloat32, {3, width}, double(i)));
  }
  graph.add_output("y", concat(parts, 1).id());
  for (const std::string backend : {"reference", SINTER_WITH_LLVM ? "llvm" : "auto", "auto"}) {
    const Tensor y = compile(graph, {.backend = backend, .cache = false})->run(inputs)[0];
    int64_t column = 0;
    for (int64_t i = 0; i < kParts; ++i) {
      for (int64_t c = 0; c < 1 + i % 3; ++c, ++column) {
        for (int64_t row = 0; row < 3; ++row)
          ASSERT_EQ(y.at(row * y.shape()[1] + column), double(i))
              << backend << " " << row << " " << column;
      }
    }
    EXPECT_EQ(column, y.shape()[1]);
  }
}

}  // namespace
}  // namespace sinter
