// The loops that matmul kernels become, as text: tests/golden/loops/matmul_*.txt. Graphs are
// written as layers and gradients; the passes make the kernel's region of them, as in a
// compilation. SINTER_UPDATE_GOLDENS=1 writes what came out; the diff is to be read.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/graph.h"
#include "core/region_form.h"
#include "core/target.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/llvm/product_kernel.h"

namespace sinter::codegen {
namespace {

Graph fused(Graph graph) {
  Target target;
  target.fuses_elementwise = target.fuses_epilogues = true;
  PassContext context;
  context.target = &target;
  for (const char* pass : {"decompose", "merge_duplicates", "simplify_maps", "fuse_elementwise",
                           "absorb_moves", "fuse_epilogues", "remove_dead"})
    graph = run_pass(pass, graph, context);
  return graph;
}

struct Kind {
  int vector_bytes = 64;
  bool pack_rhs = false;
  bool strict = false;
};

// The graph becomes one kernel, whose text is tests/golden/loops/<name>.txt.
void expect_loops(const std::string& name, const std::string& graph_text, Kind kind = {}) {
  register_ops();
  const Graph graph = fused(parse_graph(graph_text));
  Cpu cpu;
  cpu.vector_bytes = kind.vector_bytes;
  cpu.vector_registers = kind.vector_bytes == 64 ? 32 : 16;
  cpu.multiplies_bfloat16 = kind.vector_bytes == 64;
  const int32_t node = graph.outputs()[0].value.node;
  for (const Graph::Output& output : graph.outputs())
    ASSERT_EQ(output.value.node, node) << "more than one kernel\n" << to_text(graph);
  ASSERT_TRUE(is_contraction(graph.node(node))) << to_text(graph);
  const auto plan = plan_product_kernel(graph, node, cpu, kind.pack_rhs, kind.strict);
  const std::string found = plan->description + "\n" + plan->text();

  const std::string path = std::string(SINTER_SOURCE_DIR) + "/tests/golden/loops/" + name + ".txt";
  if (std::getenv("SINTER_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << found;
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(expected.str(), found) << path;
}

TEST(MatmulLoops, DenseWithBiasAndRelu) {
  constexpr const char* kDense = R"text(graph "g" {
  %x = input() : float32[128,784]
  %w = variable() : float32[784,128]
  %b = variable() : float32[128]
  %z = dense(%x, %w, %b)
  %y = relu(%z)
  output "y" = %y
})text";
  expect_loops("matmul_dense_avx512", kDense);
  expect_loops("matmul_dense_sse2", kDense, {.vector_bytes = 16});
  expect_loops("matmul_dense_packed", kDense, {.pack_rhs = true});
}

TEST(MatmulLoops, InputGradientWithMaskAndBiasGradient) {
  expect_loops("matmul_input_gradient", R"text(graph "g" {
  %dz = input() : float32[128,10]
  %w = input() : float32[100,10]
  %h = input() : float32[128,100]
  %dh = contract(%dz, %w) {lhs_contract=[1], rhs_contract=[1]}
  %dx = map(%h, %dh) {body="(float32, float32) -> select(less(0:float32, a0), a1, 0:float32)"}
  %db = reduce(%dx) {kind="sum", axes=[0]}
  output "dx" = %dx
  output "db" = %db
})text");
}

// Lanes along the rows: turned where a row's terms lie side by side, as they are in x^T.
TEST(MatmulLoops, FewColumns) {
  expect_loops("matmul_few_columns", R"text(graph "g" {
  %x = input() : float32[128,100]
  %w = input() : float32[100,10]
  %y = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  output "y" = %y
})text");
  expect_loops("matmul_few_columns_gradient", R"text(graph "g" {
  %x = input() : float32[128,100]
  %dy = input() : float32[128,10]
  %dw = contract(%x, %dy) {lhs_contract=[0], rhs_contract=[0]}
  output "dw" = %dw
})text");
}

// Few columns are in registers whole, so the epilogue may reduce rows: several at once where lanes
// run along them, one of one or several vectors otherwise.
TEST(MatmulLoops, Softmax) {
  const auto softmax_of_rows = [](int rows) {
    const std::string x = "  %x = input() : float32[" + std::to_string(rows) + ",100]";
    return "graph \"g\" {\n" + x + R"text(
  %w = variable() : float32[100,10]
  %b = variable() : float32[10]
  %z = dense(%x, %w, %b)
  %p = softmax(%z) {axis=1}
  output "p" = %p
})text";
  };
  expect_loops("matmul_softmax", softmax_of_rows(128));
  expect_loops("matmul_softmax_row", softmax_of_rows(1), {.pack_rhs = true});
  expect_loops("matmul_softmax_sse2", softmax_of_rows(128), {.vector_bytes = 16});
}

// Heads lie beside each other in a row of a projection, queries before keys: no copies.
TEST(MatmulLoops, Heads) {
  expect_loops("matmul_heads", R"text(graph "g" {
  %qkv = input() : float32[4,64,192]
  %q = slice(%qkv) {begin=[0,0,0], end=[4,64,64], stride=[1,1,1]}
  %k = slice(%qkv) {begin=[0,0,64], end=[4,64,128], stride=[1,1,1]}
  %qs = reshape(%q) {shape=[4,64,2,32]}
  %ks = reshape(%k) {shape=[4,64,2,32]}
  %qh = transpose(%qs) {perm=[0,2,1,3]}
  %kh = transpose(%ks) {perm=[0,2,1,3]}
  %s = contract(%qh, %kh) {lhs_batch=[0,1], rhs_batch=[0,1], lhs_contract=[3], rhs_contract=[3]}
  %y = map(%s) {body="(float32) -> mul(a0, 0.125:float32)"}
  output "y" = %y
})text");
}

// Cross entropy of logits: the loss and its gradient, with sums over the rows of both.
TEST(MatmulLoops, CrossEntropy) {
  expect_loops("matmul_cross_entropy", R"text(graph "g" {
  %x = input() : float32[128,100]
  %w = variable() : float32[100,10]
  %labels = input() : float32[128,10]
  %z = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  %p = softmax(%z) {axis=1}
  %log_p = log_softmax(%z) {axis=1}
  %terms = map(%labels, %log_p) {body="(float32, float32) -> mul(a0, neg(a1))"}
  %loss = reduce(%terms) {kind="sum", axes=[0,1]}
  %dz = map(%p, %labels) {body="(float32, float32) -> mul(sub(a0, a1), 0.0078125:float32)"}
  %db = reduce(%dz) {kind="sum", axes=[0]}
  output "loss" = %loss
  output "dz" = %dz
  output "db" = %db
})text");
}

// A step with cross entropy and accuracy: the index of the largest, labels as classes or as rows of
// zeros and one.
TEST(MatmulLoops, Accuracy) {
  constexpr const char* kAccuracy = R"text(graph "g" {
  %x = input() : float32[128,100]
  %w = variable() : float32[100,10]
  %labels = input() : float32[128,10]
  %z = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  %found = arg_reduce(%z) {kind="argmax", axis=1}
  %wanted = arg_reduce(%labels) {kind="argmax", axis=1}
  %hits = map(%found, %wanted) {body="(int32, int32) -> cast<float32>(equal(a0, a1))"}
  %correct = reduce(%hits) {kind="sum", axes=[0]}
  %dz = map(%z, %labels) {body="(float32, float32) -> sub(a0, a1)"}
  output "correct" = %correct
  output "dz" = %dz
})text";
  expect_loops("matmul_accuracy", kAccuracy);
  expect_loops("matmul_accuracy_sse2", kAccuracy, {.vector_bytes = 16});
  expect_loops("matmul_accuracy_of_classes", R"text(graph "g" {
  %x = input() : float32[128,100]
  %w = variable() : float32[100,10]
  %classes = input() : int32[128]
  %z = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  %found = arg_reduce(%z) {kind="argmax", axis=1}
  %hits = map(%found, %classes) {body="(int32, int32) -> cast<float32>(equal(a0, a1))"}
  %correct = reduce(%hits) {kind="sum", axes=[0]}
  %wanted = broadcast(%classes) {shape=[128,10], dims=[0]}
  %columns = iota() {shape=[128,10], axis=1, dtype=int32}
  %dz = map(%z, %wanted, %columns) {body="(float32, int32, int32) -> sub(a0, cast<float32>(equal(a1, a2)))"}
  output "correct" = %correct
  output "dz" = %dz
})text");
}

TEST(MatmulLoops, LargeWeightGradient) {
  expect_loops("matmul_large_weight_gradient", R"text(graph "g" {
  %x = input() : float32[1024,2048]
  %dy = input() : float32[1024,1024]
  %dw = contract(%x, %dy) {lhs_contract=[0], rhs_contract=[0]}
  output "dw" = %dw
})text");
}

TEST(MatmulLoops, LargeInputGradient) {
  expect_loops("matmul_large_input_gradient", R"text(graph "g" {
  %dy = input() : float32[128,4096]
  %w = input() : float32[4096,4096]
  %dx = contract(%dy, %w) {lhs_contract=[1], rhs_contract=[1]}
  output "dx" = %dx
})text");
}

// A phase of its own packs all panels of the right side; pieces pack the left side tile by tile.
TEST(MatmulLoops, VeryLargeWeightGradient) {
  expect_loops("matmul_very_large_weight_gradient", R"text(graph "g" {
  %x = input() : float32[2048,2048]
  %dy = input() : float32[2048,2048]
  %dw = contract(%x, %dy) {lhs_contract=[0], rhs_contract=[0]}
  output "dw" = %dw
})text");
}

// One tile of rows: the weights are walked nearly as they lie in memory.
TEST(MatmulLoops, FewRows) {
  expect_loops("matmul_few_rows", R"text(graph "g" {
  %x = input() : float32[8,1024]
  %w = input() : float32[1024,1024]
  %y = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  output "y" = %y
})text");
}

TEST(MatmulLoops, WeightGradient) {
  expect_loops("matmul_weight_gradient", R"text(graph "g" {
  %x = input() : float32[4096,784]
  %dz = input() : float32[4096,128]
  %dw = contract(%x, %dz) {lhs_contract=[0], rhs_contract=[0]}
  output "dw" = %dw
})text");
}

// An update whose state comes from beyond the caches: walked by rows, each tile's share asked for
// while the tile is summed.
TEST(MatmulLoops, LargeUpdate) {
  expect_loops("matmul_large_update", R"text(graph "g" {
  %x = input() : float32[128,784]
  %dz = input() : float32[128,512]
  %w = variable() : float32[784,512]
  %m = variable() : float32[784,512]
  %dw = contract(%x, %dz) {lhs_contract=[0], rhs_contract=[0]}
  %new_m = map(%m, %dw) {body="(float32, float32) -> add(a0, mul(sub(a1, a0), 0.1:float32))"}
  %new_w = map(%w, %m, %new_m) {body="(float32, float32, float32) -> sub(a0, div(a2, add(sqrt(abs(a1)), 1e-07:float32)))"}
  output "m" = %new_m
  output "w" = %new_w
})text");
}

// Pairs of terms: x is paired in memory, W and both sides of x^T.dy are paired as they are packed.
TEST(MatmulLoops, BFloat16) {
  expect_loops("matmul_bfloat16", R"text(graph "g" {
  %x = input() : bfloat16[128,784]
  %w = input() : bfloat16[784,128]
  %z = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
  %y = map(%z) {body="(float32) -> cast<bfloat16>(max(a0, 0:float32))"}
  output "y" = %y
})text");
  expect_loops("matmul_bfloat16_weight_gradient", R"text(graph "g" {
  %x = input() : bfloat16[127,784]
  %dz = input() : bfloat16[127,128]
  %dw = contract(%x, %dz) {lhs_contract=[0], rhs_contract=[0]}
  output "dw" = %dw
})text");
  expect_loops("matmul_bfloat16_input_gradient", R"text(graph "g" {
  %dz = input() : bfloat16[128,4096]
  %w = input() : bfloat16[1024,4096]
  %dx = contract(%dz, %w) {lhs_contract=[1], rhs_contract=[1]}
  output "dx" = %dx
})text");
}

// Windows of an image are rows of the left side, read where they lie; for the gradient of the kernel
// they are its terms.
// Directly, and by Winograd's algorithm.
TEST(MatmulLoops, Convolution) {
  constexpr const char* kConvolution = R"text(graph "g" {
  %x = input() : float32[8,32,32,16]
  %w = variable() : float32[3,3,16,32]
  %b = variable() : float32[32]
  %c = convolution(%x, %w) {strides=[1,1], dilations=[1,1], low=[0,0], high=[0,0]}
  %spread = broadcast(%b) {shape=[8,30,30,32], dims=[3]}
  %z = add(%c, %spread)
  %y = relu(%z)
  output "y" = %y
})text";
  expect_loops("matmul_convolution", kConvolution, {.strict = true});
  expect_loops("matmul_winograd", kConvolution);
  expect_loops("matmul_winograd_packed", kConvolution, {.vector_bytes = 32, .pack_rhs = true});
  expect_loops("matmul_convolution_kernel_gradient", R"text(graph "g" {
  %x = input() : float32[8,32,32,16]
  %dy = input() : float32[8,15,15,32]
  %dw = convolution_kernel_gradient(%x, %dy) {strides=[2,2], dilations=[1,1], low=[0,0], high=[0,0], size=[3,3]}
  output "dw" = %dw
})text");
  expect_loops("matmul_winograd_kernel_gradient", R"text(graph "g" {
  %x = input() : float32[8,32,32,16]
  %dy = input() : float32[8,30,30,32]
  %dw = convolution_kernel_gradient(%x, %dy) {strides=[1,1], dilations=[1,1], low=[0,0], high=[0,0], size=[3,3]}
  output "dw" = %dw
})text");
}

TEST(MatmulLoops, BatchAndGatheredOperand) {
  expect_loops("matmul_batched", R"text(graph "g" {
  %x = input() : float64[8,5,6,20]
  %y = input() : float64[8,30,6,5]
  %z = contract(%x, %y) {lhs_batch=[0], rhs_batch=[0], lhs_contract=[1,2], rhs_contract=[3,2]}
  output "z" = %z
})text");
}

}  // namespace
}  // namespace sinter::codegen
