// The loops that matmul kernels become, as text: tests/golden/loops/matmul_*.txt.
// SINTER_UPDATE_GOLDENS=1 writes what came out; the diff is to be read.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/graph.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/llvm/matmul_kernel.h"

namespace sinter::codegen {
namespace {

void expect_golden(const std::string& name, const std::string& found) {
  const std::string path = std::string(SINTER_SOURCE_DIR) + "/tests/golden/loops/" + name + ".txt";
  if (std::getenv("SINTER_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << found;
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(expected.str(), found) << path;
}

// The text of the last node of a graph, for a processor with vectors of `vector_bytes`.
std::string loops_of(const std::string& graph_text, int vector_bytes, bool pack_rhs = false) {
  register_ops();
  const Graph graph = parse_graph(graph_text);
  Cpu cpu;
  cpu.vector_bytes = vector_bytes;
  cpu.multiplies_bfloat16 = vector_bytes == 64;
  const auto plan = plan_matmul_kernel(graph, graph.outputs()[0].value.node, cpu, pack_rhs);
  return plan->description + "\n" + plan->text();
}

constexpr const char* kDense = R"text(graph "g" {
  %x = input() : float32[128,784]
  %w = input() : float32[784,128]
  %b = variable() : float32[128]
  %y = fusion(%x, %w, %b) {kind="contract", body=graph "region" {
      %in0 = input() : float32[128,784]
      %in1 = input() : float32[784,128]
      %2 = contract(%in0, %in1) {lhs_contract=[1], rhs_contract=[0]} : float32[128,128]
      %in2 = input() : float32[128]
      %4 = reshape(%in2) {shape=[1,128]} : float32[1,128]
      %5 = broadcast(%4) {shape=[128,128], dims=[0,1]} : float32[128,128]
      %6 = map(%2, %5) {body="(float32, float32) -> max(add(a0, a1), 0:float32)"} : float32[128,128]
      output "out0" = %6
    }} : float32[128,128]
  output "y" = %y
})text";

TEST(MatmulLoops, DenseWithBiasAndRelu) {
  expect_golden("matmul_dense_avx512", loops_of(kDense, 64));
  expect_golden("matmul_dense_sse2", loops_of(kDense, 16));
  expect_golden("matmul_dense_packed", loops_of(kDense, 64, true));
}

TEST(MatmulLoops, InputGradientWithMaskAndBiasGradient) {
  expect_golden("matmul_input_gradient", loops_of(R"text(graph "g" {
  %dz = input() : float32[128,10]
  %w = input() : float32[100,10]
  %h = input() : float32[128,100]
  %y = fusion(%dz, %w, %h) {kind="contract", body=graph "region" {
      %in0 = input() : float32[128,10]
      %in1 = input() : float32[100,10]
      %2 = contract(%in0, %in1) {lhs_contract=[1], rhs_contract=[1]} : float32[128,100]
      %in2 = input() : float32[128,100]
      %4 = map(%in2, %2) {body="(float32, float32) -> select(less(0:float32, a0), a1, 0:float32)"} : float32[128,100]
      %5 = reduce(%4) {kind="sum", axes=[0], keepdims=true} : float32[1,100]
      %6 = reshape(%5) {shape=[100]} : float32[100]
      output "out0" = %4
      output "out1" = %6
    }} : (float32[128,100], float32[100])
  output "dx" = %y#0
})text",
                                                  64));
}

// Lanes along the rows: turned where a row's terms lie side by side, as they are in x^T.
TEST(MatmulLoops, FewColumns) {
  expect_golden("matmul_few_columns", loops_of(R"text(graph "g" {
  %x = input() : float32[128,100]
  %w = input() : float32[100,10]
  %y = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]} : float32[128,10]
  output "y" = %y
})text",
                                               64));
  expect_golden("matmul_few_columns_gradient", loops_of(R"text(graph "g" {
  %x = input() : float32[128,100]
  %dy = input() : float32[128,10]
  %dw = contract(%x, %dy) {lhs_contract=[0], rhs_contract=[0]} : float32[100,10]
  output "dw" = %dw
})text",
                                                        64));
}

TEST(MatmulLoops, LargeWeightGradient) {
  expect_golden("matmul_large_weight_gradient", loops_of(R"text(graph "g" {
  %x = input() : float32[1024,2048]
  %dy = input() : float32[1024,1024]
  %dw = contract(%x, %dy) {lhs_contract=[0], rhs_contract=[0]} : float32[2048,1024]
  output "dw" = %dw
})text",
                                                         64));
}

TEST(MatmulLoops, LargeInputGradient) {
  expect_golden("matmul_large_input_gradient", loops_of(R"text(graph "g" {
  %dy = input() : float32[128,4096]
  %w = input() : float32[4096,4096]
  %dx = contract(%dy, %w) {lhs_contract=[1], rhs_contract=[1]} : float32[128,4096]
  output "dx" = %dx
})text",
                                                        64));
}

// One tile of rows: the weights are walked nearly as they lie in memory.
TEST(MatmulLoops, FewRows) {
  expect_golden("matmul_few_rows", loops_of(R"text(graph "g" {
  %x = input() : float32[8,1024]
  %w = input() : float32[1024,1024]
  %y = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]} : float32[8,1024]
  output "y" = %y
})text",
                                            64));
}

TEST(MatmulLoops, WeightGradient) {
  expect_golden("matmul_weight_gradient", loops_of(R"text(graph "g" {
  %x = input() : float32[4096,784]
  %dz = input() : float32[4096,128]
  %dw = contract(%x, %dz) {lhs_contract=[0], rhs_contract=[0]} : float32[784,128]
  output "dw" = %dw
})text",
                                                   64));
}

// An update whose state comes from beyond the caches: walked by rows, each tile's share asked for
// while the tile is summed.
TEST(MatmulLoops, LargeUpdate) {
  expect_golden("matmul_large_update", loops_of(R"text(graph "g" {
  %x = input() : float32[128,784]
  %dz = input() : float32[128,512]
  %w = variable() : float32[784,512]
  %m = variable() : float32[784,512]
  %y = fusion(%x, %dz, %w, %m) {kind="contract", body=graph "region" {
      %in0 = input() : float32[128,784]
      %in1 = input() : float32[128,512]
      %2 = contract(%in0, %in1) {lhs_contract=[0], rhs_contract=[0]} : float32[784,512]
      %in2 = input() : float32[784,512]
      %in3 = input() : float32[784,512]
      %5 = map(%in2, %in3, %2) {body="(float32, float32, float32) -> add(a1, mul(sub(a2, a1), 0.1:float32)), sub(a0, div(add(a1, mul(sub(a2, a1), 0.1:float32)), add(sqrt(abs(a1)), 1e-07:float32)))"} : (float32[784,512], float32[784,512])
      output "out0" = %5#0
      output "out1" = %5#1
    }} : (float32[784,512], float32[784,512])
  output "m" = %y#0
  output "w" = %y#1
})text",
                                                64));
}

// Pairs of terms: x is paired in memory, W and both sides of x^T.dy are paired as they are packed.
TEST(MatmulLoops, BFloat16) {
  expect_golden("matmul_bfloat16", loops_of(R"text(graph "g" {
  %x = input() : bfloat16[128,784]
  %w = input() : bfloat16[784,128]
  %b = variable() : float32[128]
  %y = fusion(%x, %w, %b) {kind="contract", body=graph "region" {
      %in0 = input() : bfloat16[128,784]
      %in1 = input() : bfloat16[784,128]
      %2 = contract(%in0, %in1) {lhs_contract=[1], rhs_contract=[0]} : float32[128,128]
      %in2 = input() : float32[128]
      %4 = reshape(%in2) {shape=[1,128]} : float32[1,128]
      %5 = broadcast(%4) {shape=[128,128], dims=[0,1]} : float32[128,128]
      %6 = map(%2, %5) {body="(float32, float32) -> cast<bfloat16>(max(add(a0, a1), 0:float32))"} : bfloat16[128,128]
      output "out0" = %6
    }} : bfloat16[128,128]
  output "y" = %y
})text",
                                            64));
  expect_golden("matmul_bfloat16_weight_gradient", loops_of(R"text(graph "g" {
  %x = input() : bfloat16[127,784]
  %dz = input() : bfloat16[127,128]
  %dw = contract(%x, %dz) {lhs_contract=[0], rhs_contract=[0]} : float32[784,128]
  output "dw" = %dw
})text",
                                                            64));
  expect_golden("matmul_bfloat16_input_gradient", loops_of(R"text(graph "g" {
  %dz = input() : bfloat16[128,4096]
  %w = input() : bfloat16[1024,4096]
  %dx = contract(%dz, %w) {lhs_contract=[1], rhs_contract=[1]} : float32[128,1024]
  output "dx" = %dx
})text",
                                                           64));
}

TEST(MatmulLoops, BatchAndGatheredOperand) {
  expect_golden("matmul_batched", loops_of(R"text(graph "g" {
  %x = input() : float64[8,5,6,20]
  %y = input() : float64[8,30,6,5]
  %z = contract(%x, %y) {lhs_batch=[0], rhs_batch=[0], lhs_contract=[1,2], rhs_contract=[3,2]} : float64[8,20,30]
  output "z" = %z
})text",
                                           64));
}

}  // namespace
}  // namespace sinter::codegen
