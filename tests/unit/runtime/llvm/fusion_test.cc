// Fused regions as generated kernels, against the double reference: clusters that passes make, and
// regions that fit no single cluster.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/backend.h"
#include "runtime/compile.h"
#include "tests/unit/runtime/llvm/kernel_runs.h"

namespace sinter {
namespace {

using testing_support::check_kernels;

// The graph after the llvm backend's pipeline; reshapes stay nodes and are run as copies.
Graph lowered(const Graph& graph) {
  CompileOptions options;
  options.backend = "llvm";
  options.pipeline = "training";
  return lower(graph, options);
}

class Fusions : public testing::Test {
 protected:
  void SetUp() override { register_ops(); }
};

TEST_F(Fusions, SoftmaxOfAllWidths) {
  for (const int64_t rows : {1, 5, 128}) {
    for (const int64_t n : {1, 2, 10, 15, 16, 17, 64, 129, 1000}) {
      Graph g;
      const Symbol x = g.input("x", {DType::kFloat32, Shape{rows, n}});
      g.add_output("softmax", softmax(x).id());
      g.add_output("log", log_softmax(x).id());
      EXPECT_EQ(check_kernels(lowered(g), 3e-6), "");
    }
  }
}

// Results larger than the caches have a second body, which stores past them: what is computed once,
// or once a row, is computed in both.
TEST_F(Fusions, StreamedBroadcasts) {
  constexpr int64_t kRows = 8192, kColumns = 1040;
  Graph g;
  const Symbol once = g.input("once", {DType::kFloat32, Shape{}}),
               rows = g.input("rows", {DType::kFloat32, Shape{kRows, 1}}),
               columns = g.input("columns", {DType::kFloat32, Shape{1, kColumns}});
  g.add_output("y", (exp(broadcast_to(once, Shape{kRows, kColumns})) + 1.0).id());
  g.add_output("z", ((exp(once) + exp(rows)) * columns).id());
  EXPECT_EQ(check_kernels(lowered(g), 3e-6), "");
}

// Short rows; the index of longer ones is a kernel of its own.
TEST_F(Fusions, AccuracyWithItsLoss) {
  for (const int64_t rows : {1, 2, 17, 300}) {
    for (const int64_t n : {1, 2, 7, 10, 16, 17}) {
      Graph g;
      const Symbol z = g.input("z", {DType::kFloat32, Shape{rows, n}}),
                   t = g.input("t", {DType::kInt32, Shape{rows, n}}),
                   classes = g.input("classes", {DType::kInt32, Shape{rows}});
      const Symbol p = softmax(z), found = argmax(p);
      const Symbol hits = cast(equal(found, argmax(t)), DType::kFloat32);
      g.add_output("losses", sum(p * one_hot(classes, n), {1}).id());
      g.add_output("found", found.id());
      g.add_output("smallest", argmin(abs(z)).id());
      g.add_output("correct", sum(hits).id());
      g.add_output("count", sum(cast(equal(found, classes), DType::kInt32)).id());
      const Graph low = lowered(g);
      int indices = 0;
      for (const Node& node : low.nodes()) indices += node.is(KernelOp::kArgReduce) ? 1 : 0;
      if (n > 1 && n <= 16) EXPECT_EQ(indices, 0) << to_text(low);
      EXPECT_EQ(check_kernels(low, 3e-6), "") << rows << "x" << n;
    }
  }
}

TEST_F(Fusions, NormalisationOverRowsAndColumns) {
  for (const int64_t rows : {2, 33, 700}) {
    for (const int64_t n : {1, 7, 16, 100}) {
      Graph g;
      const Symbol x = g.input("x", {DType::kFloat32, Shape{rows, n}}),
                   gamma = g.input("g", {DType::kFloat32, Shape{n}}),
                   beta = g.input("b", {DType::kFloat32, Shape{n}});
      const BatchNormResult r = batch_norm_training(x, gamma, beta, 1e-3);
      g.add_output("y", r.y.id());
      g.add_output("mean", r.mean.id());
      g.add_output("variance", r.variance.id());
      const Symbol centered = x - mean(x, {1}, true);
      g.add_output("rows", (centered / sqrt(mean(square(centered), {1}, true) + 1e-3)).id());
      EXPECT_EQ(check_kernels(lowered(g), 3e-5), "");
    }
  }
}

TEST_F(Fusions, CrossEntropyAndItsGradient) {
  for (const int64_t rows : {1, 17, 128, 3000}) {
    Graph g;
    const Symbol t = g.input("t", {DType::kFloat32, Shape{rows, 10}}),
                 z = g.input("z", {DType::kFloat32, Shape{rows, 10}});
    const Symbol loss = mean(softmax_cross_entropy(abs(t), z));
    g.add_output("loss", loss.id());
    const Symbol wrt[] = {z};
    g.add_output("dz", gradients(loss, wrt)[0].id());
    EXPECT_EQ(check_kernels(lowered(g), 1e-5), "");
  }
}

TEST_F(Fusions, SeveralReductionsOverRows) {
  for (const int64_t n : {1, 17, 70, 130}) {
    Graph g;
    const Symbol x = g.input("x", {DType::kFloat32, Shape{3, 5, n}}),
                 m = g.input("m", {DType::kFloat32, Shape{n}});
    g.add_output("squares", sum(square(x - m), {0, 1}).id());
    g.add_output("sum", sum(x, {0, 1}).id());
    g.add_output("most", reduce_max(x * m, {0, 1}).id());
    EXPECT_EQ(check_kernels(lowered(g), 1e-6), "");
  }
}

TEST_F(Fusions, OneRegionWithEverything) {
  for (const int64_t rows : {3, 64, 513}) {
    for (const int64_t n : {1, 16, 31, 200}) {
      Graph g;
      const Symbol x = g.input("x", {DType::kFloat32, Shape{rows, n}}),
                   bias = g.input("b", {DType::kFloat32, Shape{n}}),
                   scale = g.input("s", {DType::kFloat32, Shape{}});
      const Symbol state = g.input("state", {DType::kInt64, Shape{2}});
      const Symbol y = tanh((x + bias) * scale) *
                       cast(less(random_uniform(state, Shape{rows, n}, 2), 0.5), DType::kFloat32);
      g.add_output("y", y.id());
      g.add_output("columns", sum(y, {0}).id());
      g.add_output("rows", reduce_max(y, {1}).id());
      g.add_output("all", sum(square(y)).id());
      EXPECT_EQ(check_kernels(lowered(g), 1e-5), "");
    }
  }
}

// Rows that begin with a group of 64 elements and rows that do not, of either width of lanes.
TEST_F(Fusions, RandomMasksInRows) {
  for (const int64_t n : {3, 7, 8, 10, 16, 24, 32, 48, 64, 100, 128, 192, 256, 300, 320, 1288}) {
    for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
      Graph g;
      const Symbol x = g.input("x", {dtype, Shape{37, n}}), bias = g.input("b", {dtype, Shape{n}});
      const Symbol state = g.input("state", {DType::kInt64, Shape{2}});
      const Symbol keep = greater_equal(random_bits16(state, x.shape(), 4), 20000);
      const Symbol y = select(keep, x + bias, 0.0);
      g.add_output("keep", keep.id());
      g.add_output("y", y.id());
      g.add_output("rows", reduce_max(y, {1}).id());
      // Beside words of 32 bits, whose groups are longer.
      const Symbol noise = random_uniform(state, x.shape(), 5, dtype);
      g.add_output("both", select(keep, noise + bias, 0.0).id());
      EXPECT_EQ(check_kernels(lowered(g), 1e-6), "") << n << " " << dtype_name(dtype);
    }
  }
}

// Regions in a form that no pass makes: two spaces, a reshape in the middle, a reduction used by
// another column.
TEST_F(Fusions, RegionsThatFitNoCluster) {
  Graph body("region");
  const Symbol a = body.input("a", {DType::kFloat32, Shape{6, 35}}),
               b = body.input("b", {DType::kFloat32, Shape{35, 4}});
  const Symbol flat = body.add1("reshape", {a}, {{"shape", Shape{14, 15}}});
  const Symbol product = body.add1(
      "contract", {a, b},
      {{"lhs_contract", std::vector<int64_t>{1}}, {"rhs_contract", std::vector<int64_t>{0}}});
  body.add_output("t", body.add1("transpose", {flat}, {{"perm", std::vector<int64_t>{1, 0}}}).id());
  body.add_output("s", body.add1("reduce", {product},
                                 {{"kind", std::string("sum")}, {"axes", std::vector<int64_t>{0}}})
                           .id());
  body.add_output("m",
                  body.add1("reduce", {flat},
                            {{"kind", std::string("max")}, {"axes", std::vector<int64_t>{0, 1}}})
                      .id());
  body.add_output("again", product.id());
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{6, 35}}),
               y = g.input("y", {DType::kFloat32, Shape{35, 4}});
  const Symbol inputs[] = {x, y};
  const auto results =
      g.add("fusion", inputs,
            {{"kind", std::string("reduce")}, {"body", std::make_shared<const Graph>(body)}});
  for (const Symbol& r : results) g.add_output(fmt::format("r{}", r.id().result), r.id());
  EXPECT_EQ(check_kernels(g, 1e-5), "");
}

TEST_F(Fusions, OptimizerUpdatesMayWorkInPlace) {
  Graph g;
  const ValueType type{DType::kFloat32, Shape{100, 7}};
  const Symbol w = g.input("w", type), m = g.input("m", type), d = g.input("d", type);
  const Symbol next = m * 0.9 - d * 0.1;
  g.add_output("m", next.id());
  g.add_output("w", (w + next).id());
  const Graph low = lowered(g);
  CompileOptions options;
  options.cache = false;
  for (int32_t i = 0; i < low.size(); ++i) {
    if (!low.node(i).is(KernelOp::kFusion) && !low.node(i).is(KernelOp::kMap)) continue;
    const std::vector<int32_t> nodes = {i};
    const auto kernel = std::move(llvm_backend().compile(low, nodes, options)[0]);
    for (int r = 0; r < static_cast<int>(low.node(i).types.size()); ++r) {
      for (int k = 0; k < static_cast<int>(low.node(i).inputs.size()); ++k)
        EXPECT_TRUE(kernel->can_alias(r, k));
    }
  }
  EXPECT_EQ(check_kernels(low, 1e-6), "");
}

TEST_F(Fusions, SoftmaxInPlaceGivesTheSameValues) {
  Graph g;
  const Symbol x = g.input("x", {DType::kFloat32, Shape{9, 500}});
  g.add_output("y", softmax(x).id());
  const Graph low = lowered(g);
  CompileOptions options;
  options.cache = false;
  std::vector<int32_t> nodes;
  for (int32_t i = 0; i < low.size(); ++i) {
    if (low.node(i).op->kind != KernelKind::kSource && !low.node(i).is(KernelOp::kReshape))
      nodes.push_back(i);
  }
  ASSERT_EQ(nodes.size(), 1u);
  const auto kernel = std::move(llvm_backend().compile(low, nodes, options)[0]);
  const std::vector<Tensor> inputs = testing_support::random_inputs(low, 3);
  const Tensor want = testing_support::run_kernels(low, inputs, 1)[0];
  Tensor both = inputs[0].clone();
  ASSERT_TRUE(kernel->can_alias(0, 0));
  std::vector<std::byte> scratch(static_cast<size_t>(kernel->scratch_bytes()) + 64);
  void* buffers[] = {both.raw(), both.raw(), scratch.data(), nullptr, nullptr};
  kernel->run_all(buffers);
  EXPECT_TRUE(both.identical(want));
}

}  // namespace
}  // namespace sinter
