// Graph text: prints and parses back to the same graph; errors say where.
#include "core/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "ops/gradients.h"
#include "ops/ops.h"

namespace sinter {
namespace {

TEST(Text, ATrainingGraphPrintsAndParsesBack) {
  Graph g("step");
  g.set_origin(std::make_shared<const Origin>(Origin{"dense", "train.cc", 12}));
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 4}});
  const Symbol w = g.variable("dense/kernel", {DType::kFloat32, Shape{4, 3}});
  const Symbol s = g.variable("seed \"state\"", {DType::kInt64, Shape{2}});
  const Symbol y = leaky_relu(dense(dropout(x, s, 0.25, 3), w), 0.1);
  const Symbol loss = mean(square(y - clip(y, -std::numeric_limits<double>::infinity(), 0.1)));
  const Symbol dw = gradients(loss, {&w, 1})[0];
  g.add_output("loss", loss.id());
  g.add_update(w.id().node, (w - dw * 0.01).id());
  const std::string text = to_text(g);
  const Graph again = parse_graph(text);
  EXPECT_TRUE(equal_graphs(g, again)) << text;
  EXPECT_EQ(text, to_text(again));
  EXPECT_EQ(hash_graph(g), hash_graph(again));
}

TEST(Text, LargeConstantsGoByReference) {
  Graph g;
  const Tensor big = Tensor::full(DType::kFloat32, Shape{100}, 0.1);
  g.add_output("y", g.constant(big).id());
  const std::string text = to_text(g);
  EXPECT_NE(text.find("tensor<float32[100] #"), std::string::npos);
  EXPECT_THROW(parse_graph(text), ParseError);
  EXPECT_TRUE(equal_graphs(g, parse_graph(text, {&big, 1})));
}

TEST(Text, ErrorsNameLineAndColumn) {
  register_ops();
  try {
    parse_graph("graph \"g\" {\n  %x = input() : float32[2]\n  %1 = rellu(%x)\n}\n");
    FAIL();
  } catch (const ParseError& e) {
    EXPECT_STREQ(
        e.what(),
        "graph text, line 3, column 8: expected a known op (nearest: 'relu'), found 'rellu(%x)'");
  }
}

TEST(Text, AZeroByteIsRefusedAndNamesMayHoldOne) {
  register_ops();
  const std::string zero(1, '\0');
  const std::string text = "graph \"g\" {\n  %x = input() : float32[2]\n  output \"y\" = %x\n}\n";
  for (size_t n = 0; n <= text.size(); ++n) {
    std::string with_zero = text;
    with_zero.insert(n, zero);
    try {
      parse_graph(with_zero);
      ADD_FAILURE() << n;
    } catch (const ParseError& error) {
      EXPECT_NE(std::string(error.what()).find("a name holds a zero byte as \\0"),
                std::string::npos)
          << error.what();
    }
  }
  Graph g("g" + zero + "0");
  const Symbol x = g.input("x" + zero + "y", {DType::kFloat32, Shape{2}});
  g.add_output("out" + zero, x.id());
  const Graph back = parse_graph(to_text(g));
  EXPECT_TRUE(equal_graphs(back, g));
  EXPECT_EQ(back.name(), g.name());
}

TEST(Text, EveryPrefixIsRefusedCleanly) {
  register_ops();
  Graph g("g");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 2}});
  g.add_output("y", gelu(x).id());
  const std::string text = to_text(g);
  for (size_t n = 0; n + 2 < text.size(); ++n)
    EXPECT_THROW(parse_graph(text.substr(0, n)), ParseError) << n;
}

// Texts that broke the parser: each is an error of its own type.
TEST(Text, HostileTextsAreErrors) {
  register_ops();
  std::string nested;
  for (int i = 0; i < 100000; ++i) nested += "dense{activation=";
  nested += "linear";
  const std::string texts[] = {
      R"g(graph "g" { %x = input() : float32[4] %1 = fusion(%x) {kind="loop", body=graph "b" { %x = input() : float32[4] }} : float32[4] output "y" = %x })g",
      R"g(graph "g" { %x = input() : float32[1099511627776,1099511627776] })g",
      R"g(graph "g" { %1 = constant() {value=tensor<float32[4611686018427387904]>(1)} })g",
      R"g(graph "g" { %1 = constant() {value=tensor<uint8[1]>(300)} })g",
      R"g(graph "g" { %1 = constant() {value=tensor<int32[1]>(2147483648)} })g",
      R"g(graph "g" { %x = input() : int32[4] %1 = sqrt(%x) })g",
      R"g(graph "g" { %x = input() : bfloat16[4] %1 = exp(%x) })g",
      R"g(graph "g" { %x = input() : int32[4] %y = input() : float32[4] %1 = add(%x, %y) })g",
      R"g(graph "g" { %x = input() : uint8[4] %1 = pad(%x) {low=[0], high=[1], value=300} })g",
      R"g(graph "g" { %x = input() : float32[4] %1 = pad(%x) {low=[9223372036854775807], high=[1]} })g",
      "graph \"g\" { %x = input() : float32[4,4] %w = variable() : float32[4,4] %1 = dense(%x, %w) "
      "{activation=" +
          nested + "} }",
  };
  for (const std::string& text : texts)
    EXPECT_THROW(parse_graph(text), ParseError) << text.substr(0, 200);
}

}  // namespace
}  // namespace sinter
