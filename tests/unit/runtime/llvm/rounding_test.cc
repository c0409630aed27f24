// Roundings to bfloat16 that products alone see, which one instruction does, and those that others
// see, which keep what it would lose.
#include "runtime/llvm/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/bfloat16.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/compile_options.h"
#include "runtime/executable.h"
#include "runtime/load.h"

namespace sinter {
namespace {

constexpr int64_t kSize = 19;

// %r is %x rounded, and read by a product and by `more`.
Graph rounding(const std::string& more, const std::string& body = "cast<bfloat16>(a0)") {
  register_ops();
  return parse_graph(R"g(graph "g" {
  %x = input() : float32[19,19]
  %w = input() : bfloat16[19,19]
  %r = map(%x) {body="(float32) -> )g" +
                     body + R"g("} : bfloat16[19,19]
  %y = contract(%r, %w) {lhs_contract=[1], rhs_contract=[0]} : float32[19,19]
)g" + more + R"g(
  output "y" = %y
})g");
}

bool for_products(const Graph& graph) {
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (graph.node(i).types[0].dtype == DType::kBFloat16 && !graph.node(i).is(KernelOp::kInput))
      return codegen::rounding_for_products(graph, codegen::host_cpu())[static_cast<size_t>(i)];
  }
  return false;
}

// Ties to either side, overflow, infinities, and numbers that the instruction takes for zero.
const float kValues[] = {1.00390625f, 1.01171875f,     -1.00390625f, 3.3895314e38f, 3.4e38f,
                         -3.4e38f,    INFINITY,        -INFINITY,    NAN,           0.1f,
                         -0.0f,       1.17549435e-38f, 1e-40f,       -1e-40f,       1.1754943e-38f};

Tensor on_diagonal() {
  Tensor x(DType::kFloat32, {kSize, kSize});
  for (int64_t i = 0; i < kSize; ++i)
    x.set(i * kSize + i, kValues[static_cast<size_t>(i) % std::size(kValues)]);
  return x;
}

Tensor identity() {
  Tensor w(DType::kBFloat16, {kSize, kSize});
  for (int64_t i = 0; i < kSize; ++i) w.set(i * kSize + i, 1);
  return w;
}

void expect_equal(double found, float expected, int64_t i) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(found)) << i;
  else
    EXPECT_EQ(found, expected) << i;
}

TEST(Rounding, ForProductsAlone) {
  const Graph graph = rounding("");
  const auto executable = load_executable(graph, {.backend = "llvm", .cache = false});
  const Tensor x = on_diagonal();
  const std::vector<Tensor> y = executable->run({{x, identity()}});
  for (int64_t i = 0; i < kSize; ++i) {
    const auto value = static_cast<float>(x.at(i * kSize + i));
    const auto rounded = static_cast<float>(bfloat16(value));
    const bool below = std::fabs(value) < std::numeric_limits<float>::min();
    const double found = y[0].at(i * kSize + i);
    if (!below || !target_of("llvm").contracts_bfloat16)
      expect_equal(found, rounded, i);
    else
      EXPECT_TRUE(found == 0 || found == static_cast<double>(std::copysign(
                                             std::numeric_limits<float>::min(), value)))
          << i;
  }
  EXPECT_EQ(for_products(graph), target_of("llvm").contracts_bfloat16);
}

TEST(Rounding, OthersSeeEveryNumber) {
  const Graph graph = rounding("  output \"r\" = %r");
  EXPECT_FALSE(for_products(graph));
  const auto executable = load_executable(graph, {.backend = "llvm", .cache = false});
  const Tensor x = on_diagonal();
  const std::vector<Tensor> results = executable->run({{x, identity()}});
  for (int64_t i = 0; i < x.elements(); ++i)
    expect_equal(results[0].at(i), static_cast<float>(bfloat16(static_cast<float>(x.at(i)))), i);
}

TEST(Rounding, WhoCountsAsOthers) {
  EXPECT_FALSE(
      for_products(rounding("  %s = map(%r) {body=\"(bfloat16) -> cast<float32>(a0)\"} : "
                            "float32[19,19]\n  output \"s\" = %s")));
  EXPECT_FALSE(for_products(
      rounding("  %s = transpose(%r) {perm=[1,0]} : bfloat16[19,19]\n  output \"s\" = %s")));
  // The expression reads what it has rounded.
  EXPECT_FALSE(for_products(
      rounding("", "cast<bfloat16>(mul(cast<float32>(cast<bfloat16>(a0)), 2:float32))")));
  // Both sides of a product, and two products.
  EXPECT_EQ(for_products(rounding("  %s = contract(%r, %r) {lhs_contract=[0], rhs_contract=[0]} : "
                                  "float32[19,19]\n  output \"s\" = %s")),
            target_of("llvm").contracts_bfloat16);
}

}  // namespace
}  // namespace sinter
