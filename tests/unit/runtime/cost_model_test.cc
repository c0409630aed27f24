// The cost model: what grows with what, and which kernels are worth a second thread.
#include <optional>

#include "runtime/cost_model.h"

#include <gtest/gtest.h>

#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/llvm/costs.h"
#include "runtime/load.h"
#include "runtime/onednn/costs.h"

namespace sinter {
namespace {

TEST(CostModel, LoopsAreBoundByMemoryOrByArithmetic) {
  EXPECT_GT(loop_microseconds(1e5, 0), 0);
  EXPECT_DOUBLE_EQ(loop_microseconds(1e5, 10), loop_microseconds(1e5, 0));
  EXPECT_GT(loop_microseconds(1e5, 1e6), 5 * loop_microseconds(1e5, 0));
  // A byte costs more the farther away it is.
  const double near = loop_microseconds(1 << 19, 0) / (1 << 19);
  const double far = loop_microseconds(1 << 23, 0) / (1 << 23);
  const double memory = loop_microseconds(1 << 27, 0) / (1 << 27);
  EXPECT_LT(near, far);
  EXPECT_LT(far, memory);
}

TEST(CostModel, ProductsCostWhatTheirMultiplicationsDo) {
  for (const Costs costs : {Costs(codegen::kCosts), Costs(onednn::kCosts)}) {
    const double one = product_microseconds(costs, {1, 128, 128, 128, false});
    EXPECT_GT(product_microseconds(costs, {1, 128, 1280, 128, false}), 8 * one);
    EXPECT_GT(product_microseconds(costs, {1, 128, 128, 128, true}), one);
    // Ten columns take as long as sixteen.
    EXPECT_DOUBLE_EQ(product_microseconds(costs, {1, 128, 128, 10, false}),
                     product_microseconds(costs, {1, 128, 128, 16, false}));
  }
}

TEST(CostModel, PiecesAreLongEnoughToBeHandedOver) {
  EXPECT_EQ(worthwhile_pieces(0, 8), 1);
  EXPECT_EQ(worthwhile_pieces(1.9, 8), 1);
  EXPECT_EQ(worthwhile_pieces(2.1, 8), 2);
  EXPECT_EQ(worthwhile_pieces(1e9, 8), 8);
  EXPECT_EQ(worthwhile_pieces(1e9, 1 << 20), 16);
  EXPECT_EQ(worthwhile_pieces(1e9, 0), 1);
}

TEST(CostModel, ReasonsHaveTheFigures) {
  EXPECT_EQ(explain_threads(1.2, 1),
            "1.20 us estimated, one thread: a second one would save 0.60 us, less than 2 times the "
            "0.50 us that waking it costs");
  EXPECT_EQ(explain_threads(5.0, 4), "5.00 us estimated, all threads: 4 pieces");
  EXPECT_EQ(explain_threads(5.0, 1), "5.00 us estimated, one thread: it is not cut");
  EXPECT_EQ(explain_threads(std::nullopt, 1), "no estimate, one thread: it is not cut");
}

#if SINTER_WITH_LLVM
// What a dump says of a kernel is what its pieces were decided by.
TEST(CostModel, DumpsAgreeWithThePieces) {
  register_ops();
  for (const int64_t rows : {1, 4, 16, 64, 256, 1024}) {
    Graph g("g");
    const Symbol x = g.input("x", {DType::kFloat32, {rows, 64}});
    const Symbol w = g.input("w", {DType::kFloat32, {64, 64}});
    g.add_output("y", tanh(matmul(x, w)).id());
    g.add_output("z", exp(x).id());
    const auto executable = compile(g, {.backend = "llvm", .cache = false});
    for (const Step& step : executable->program().steps) {
      ASSERT_TRUE(step.kernel->microseconds());
      const double microseconds = *step.kernel->microseconds();
      const bool shared = step.kernel->pieces(0) > 1;
      EXPECT_EQ(shared, worthwhile_pieces(microseconds, 2) > 1) << executable->to_string();
      EXPECT_NE(executable->to_string().find(explain_threads(microseconds, step.kernel->pieces(0))),
                std::string::npos);
    }
  }
}

// Two terms of bfloat16 are one step of a product.
TEST(CostModel, ProductsOfBFloat16TakeHalfAsLong) {
  if (!target_of("llvm").contracts_bfloat16) GTEST_SKIP() << "this CPU has no products of bfloat16";
  register_ops();
  const auto cost = [](DType dtype) {
    Graph g("g");
    const Symbol x = g.input("x", {dtype, {128, 256}}), w = g.input("w", {dtype, {256, 128}});
    g.add_output("y", g.add1("contract", {x, w},
                             {{"lhs_contract", std::vector<int64_t>{1}},
                              {"rhs_contract", std::vector<int64_t>{0}}})
                          .id());
    const auto executable = load_executable(g, {.backend = "llvm", .cache = false});
    return executable->program().steps[0].kernel->microseconds().value_or(0);
  };
  EXPECT_NEAR(cost(DType::kBFloat16), cost(DType::kFloat32) / 2, 0.05 * cost(DType::kFloat32));
}
#endif

}  // namespace
}  // namespace sinter
