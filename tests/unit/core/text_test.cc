// Graph text: prints and parses back to the same graph; errors say where.
#include "core/text.h"

#include <gtest/gtest.h>

#include <cmath>

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

TEST(Text, EveryPrefixIsRefusedCleanly) {
  register_ops();
  Graph g("g");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 2}});
  g.add_output("y", gelu(x).id());
  const std::string text = to_text(g);
  for (size_t n = 0; n + 2 < text.size(); ++n)
    EXPECT_THROW(parse_graph(text.substr(0, n)), ParseError) << n;
}

}  // namespace
}  // namespace sinter
