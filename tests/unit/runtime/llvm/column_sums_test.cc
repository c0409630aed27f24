// Sums over rows take the rows in order, whether totals stay in registers or, of larger arrays, lie
// in memory: the bits are those of plain additions, of many rows in runs whose sums are added in
// order.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/graph.h"
#include "ops/ops.h"
#include "runtime/llvm/loops/program.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"

namespace sinter {
namespace {

void expect_plain_sums(int64_t rows, int64_t columns) {
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{rows, columns}});
  g.add_output(
      "sum",
      g.add1("reduce", {x},
             {{"kind", std::string("sum")}, {"axes", std::vector<int64_t>{0}}, {"keepdims", false}})
          .id());
  const std::vector<Tensor> inputs = testing_support::random_inputs(g, 1);
  const Tensor y = testing_support::run_kernels(g, inputs, 1)[0];
  for (int64_t c = 0; c < columns; ++c) {
    const auto plain = [&](int64_t begin, int64_t end) {
      float total = 0;
      for (int64_t r = begin; r < end; ++r)
        total += inputs[0].data<float>()[static_cast<size_t>(r * columns + c)];
      return total;
    };
    float total = 0;
    const int64_t run = rows <= 2 * codegen::kRunTerms ? rows : codegen::kRunTerms;
    for (int64_t r = 0; r < rows; r += run) total += plain(r, std::min(rows, r + run));
    ASSERT_EQ(y.data<float>()[static_cast<size_t>(c)], total)
        << rows << " x " << columns << ", column " << c;
  }
}

TEST(ColumnSums, TakeTheRowsInOrder) {
  register_ops();
  for (int64_t rows : {2, 3, 37}) {
    for (int64_t columns : {2, 15, 16, 17, 63, 64, 65, 80, 129, 257})
      expect_plain_sums(rows, columns);
  }
  expect_plain_sums(128, 512);
  expect_plain_sums(20, 16384);
  // In runs, in registers and, with columns for all pieces, in memory.
  for (int64_t rows : {129, 200, 300}) {
    for (int64_t columns : {3, 33, 63}) expect_plain_sums(rows, columns);
  }
  expect_plain_sums(300, 16384);
}

}  // namespace
}  // namespace sinter
