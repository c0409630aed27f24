// Products of bfloat16 widened to float32: what the graph becomes, and the same values.
#include "runtime/widen_products.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile_options.h"
#include "runtime/executable.h"
#include "runtime/load.h"
#include "tests/support/graph_runs.h"

namespace sinter {
namespace {

Graph parsed(const std::string& text) {
  register_ops();
  return parse_graph(text);
}

void expect_widened(const std::string& before, const std::string& after) {
  const Graph graph = parsed(before), wide = widen_products(graph);
  verify(wide, "widen_products");
  EXPECT_TRUE(equal_graphs(wide, parsed(after))) << to_text(wide);
  const testing_support::Feeds feeds = testing_support::random_feeds(graph, 3);
  EXPECT_EQ(testing_support::compare(testing_support::run_reference(wide, feeds),
                                     testing_support::run_reference(graph, feeds), 1e-6),
            "");
}

TEST(WidenProducts, EachOperandOnceAsTheProductRoundsIt) {
  expect_widened(R"g(graph "g" {
  %x = input() : float32[4,8]
  %w = variable() : float32[8,3]
  %v = variable() : float32[8,3]
  %r = map(%x) {body="(float32) -> cast<bfloat16>(a0)"} : bfloat16[4,8]
  %s = map(%v) {body="(float32) -> cast<bfloat16>(a0)"} : bfloat16[8,3]
  %y = contract(%r, %w) {lhs_contract=[1], rhs_contract=[0]} : float32[4,3]
  %z = contract(%r, %s) {lhs_contract=[1], rhs_contract=[0]} : float32[4,3]
  output "y" = %y
  output "z" = %z
})g",
                 R"g(graph "g" {
  %x = input() : float32[4,8]
  %w = variable() : float32[8,3]
  %v = variable() : float32[8,3]
  %r = map(%x) {body="(float32) -> cast<bfloat16>(a0)"} : bfloat16[4,8]
  %s = map(%v) {body="(float32) -> cast<bfloat16>(a0)"} : bfloat16[8,3]
  %rx = map(%r) {body="(bfloat16) -> cast<float32>(a0)"} : float32[4,8]
  %rw = map(%w) {body="(float32) -> cast<float32>(cast<bfloat16>(a0))"} : float32[8,3]
  %y = contract(%rx, %rw) {lhs_contract=[1], rhs_contract=[0]} : float32[4,3]
  %sx = map(%s) {body="(bfloat16) -> cast<float32>(a0)"} : float32[8,3]
  %z = contract(%rx, %sx) {lhs_contract=[1], rhs_contract=[0]} : float32[4,3]
  output "y" = %y
  output "z" = %z
})g");
}

// A region whose product reads `left` and `right`; `more` stands before it.
std::string region(const std::string& left, const std::string& right, const std::string& more) {
  return R"g(graph "g" {
  %x = input() : float32[4,3]
  %w = variable() : float32[3,3]
  %r = map(%x) {body="(float32) -> cast<bfloat16>(a0)"} : bfloat16[4,3]
)g" + more +
         R"g(  %y = fusion()g" + left + ", " + right + R"g() {kind="contract", body=graph "region" {
      %in0 = input() : )g" +
         (left == "%r" ? "bfloat16" : "float32") + R"g([4,3]
      %in1 = input() : float32[3,3]
      %2 = contract(%in0, %in1) {lhs_contract=[1], rhs_contract=[0]} : float32[4,3]
      %3 = map(%2) {body="(float32) -> tanh(a0)"} : float32[4,3]
      output "out0" = %3
      output "out1" = %2
    }} : (float32[4,3], float32[4,3])
  output "y" = %y#0
  output "z" = %y#1
})g";
}

TEST(WidenProducts, ProductsAtTheBeginningOfRegions) {
  expect_widened(region("%r", "%w", ""), region("%rx", "%rw", R"g(
  %rx = map(%r) {body="(bfloat16) -> cast<float32>(a0)"} : float32[4,3]
  %rw = map(%w) {body="(float32) -> cast<float32>(cast<bfloat16>(a0))"} : float32[3,3]
)g"));
}

// The rest of a region may read the operand as well: such a region runs as it is.
TEST(WidenProducts, NotWhereTheRegionReadsAnOperandTwice) {
  const Graph graph = parsed(R"g(graph "g" {
  %x = input() : bfloat16[3,3]
  %w = variable() : bfloat16[3,3]
  %y = fusion(%x, %w) {kind="contract", body=graph "region" {
      %in0 = input() : bfloat16[3,3]
      %in1 = input() : bfloat16[3,3]
      %2 = contract(%in0, %in1) {lhs_contract=[1], rhs_contract=[0]} : float32[3,3]
      %3 = map(%2, %in0) {body="(float32, bfloat16) -> add(a0, cast<float32>(a1))"} : float32[3,3]
      output "out0" = %3
}
} : float32[3,3]
  output "y" = %y
})g");
  EXPECT_TRUE(equal_graphs(widen_products(graph), graph));
}

TEST(WidenProducts, OthersStay) {
  const Graph graph = parsed(R"g(graph "g" {
  %x = input() : float32[4,8]
  %w = variable() : float32[8,3]
  %n = map(%x) {body="(float32) -> cast<bfloat16>(a0)"} : bfloat16[4,8]
  %y = contract(%x, %w) {lhs_contract=[1], rhs_contract=[0]} : float32[4,3]
  output "y" = %y
  output "n" = %n
})g");
  EXPECT_TRUE(equal_graphs(widen_products(graph), graph));
}

// Loading widens for oneDNN, which then has the product itself, and for nobody who has products of
// bfloat16.
TEST(WidenProducts, LoadingWidensWhereProductsOfBFloat16AreSlow) {
  const Graph graph = parsed(region("%r", "%w", ""));
  for (const std::string& backend : backend_names()) {
    const auto executable = load_executable(graph, {.backend = backend, .cache = false});
    const bool narrow = std::ranges::any_of(executable->graph().nodes(), [&](const Node& node) {
      return node.is(KernelOp::kFusion) &&
             executable->graph().type(node.inputs[0]).dtype == DType::kBFloat16;
    });
    EXPECT_EQ(narrow, target_of(backend).contracts_bfloat16) << executable->to_string();
    if (backend == "onednn") EXPECT_FALSE(narrow);
    if (backend == "reference") EXPECT_TRUE(narrow);
  }
}

}  // namespace
}  // namespace sinter
