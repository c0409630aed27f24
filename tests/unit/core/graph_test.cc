// Copies of graphs, and the data structures that make compiling cheap: they behave as the plain
// ones would.
#include "core/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/philox.h"
#include "core/text.h"
#include "ops/ops.h"
#include "tests/support/error_of.h"

namespace sinter {
namespace {

Graph small() {
  register_ops();
  return parse_graph(R"(graph "g" {
    %x = input() : float32[4]
    %y = negative(%x)
    output "y" = %y
  })");
}

TEST(GraphCopies, AChangeOfOneLeavesTheOtherAsItWas) {
  const Graph original = small();
  const std::string before = to_text(original);
  Graph copy = original;
  EXPECT_EQ(copy.nodes().data(), original.nodes().data());
  const Symbol y(&copy, {1, 0});
  copy.add_output("z", exp(y).id());
  copy.variable("w", {DType::kFloat32, {2}});
  EXPECT_EQ(to_text(original), before);
  EXPECT_EQ(copy.size(), 4);
  Graph bare = copy;
  bare.clear_outputs();
  EXPECT_TRUE(bare.outputs().empty());
  EXPECT_EQ(copy.outputs().size(), 2u);
}

TEST(GraphCopies, SymbolsOutliveTheirGraphAsErrors) {
  Symbol x;
  {
    Graph graph;
    x = graph.input("x", {DType::kFloat32, {2}});
    EXPECT_EQ(x.shape(), Shape{2});
    const Graph copy = graph;
    EXPECT_EQ(&x.graph(), &graph);
  }
  EXPECT_TRUE(x.valid());
  EXPECT_THROW((void)x.type(), Error);
  EXPECT_THROW((void)(x + x), Error);
  EXPECT_THROW((void)Symbol().type(), Error);
  // Another graph in the same place is another graph.
  for (int i = 0; i < 10; ++i) {
    Graph graph;
    graph.input("y", {DType::kFloat32, {3}});
    EXPECT_THROW((void)x.type(), Error);
    EXPECT_THROW((void)graph.id_of(x, "x"), Error);
  }
}

// What was moved from, moved to or assigned is another graph.
TEST(GraphCopies, SymbolsStayWithTheGraphTheyWereMadeIn) {
  Graph first = small();
  const Symbol x(&first, {0, 0});
  Graph second = std::move(first);
  EXPECT_THROW((void)x.type(), Error);
  const Symbol y(&second, {1, 0});
  EXPECT_THROW((void)(y + x), Error);
  const Graph copy = second;
  EXPECT_EQ(y.shape(), Shape{4});
  second = Graph("other");
  EXPECT_THROW((void)y.type(), Error);
  second = copy;
  EXPECT_THROW((void)y.type(), Error);
  EXPECT_TRUE(y.valid());
}

TEST(GraphCopies, NamesAreFoundAndTakenOnce) {
  register_ops();
  Graph graph;
  for (int i = 0; i < 1000; ++i) {
    const ValueType type{DType::kFloat32, {1}};
    const std::string name = "n" + std::to_string(i);
    const Symbol s = i % 3 == 0 ? graph.variable(name, type) : graph.input(name, type);
    graph.add_output("o" + std::to_string(i), s.id());
    if (i % 3 == 0) graph.add_update(i, s.id());
  }
  const Graph copy = graph;
  graph.clear_outputs();
  graph.clear_updates();
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "n" + std::to_string(i);
    EXPECT_EQ(graph.find_variable(name), i % 3 == 0 ? i : -1);
    EXPECT_EQ(copy.find_input(name), i % 3 == 0 ? -1 : i);
    EXPECT_THROW(graph.input(name, {DType::kFloat32, {1}}), Error);
    EXPECT_NO_THROW(graph.add_output("o" + std::to_string(i), {i, 0}));
    EXPECT_THROW(graph.add_output("o" + std::to_string(i), {i, 0}), Error);
    if (i % 3 != 0) continue;
    EXPECT_NO_THROW(graph.add_update(i, {i, 0}));
    EXPECT_THROW(graph.add_update(i, {i, 0}), Error);
  }
  EXPECT_EQ(graph.find_input("n1000"), -1);
  EXPECT_EQ(copy.outputs().size(), 1000u);
}

// Programs build graphs, too: what they get wrong is no fault of Sinter's, and changes nothing.
TEST(GraphBuilding, RefusesWhatIsNoValueOfTheGraph) {
  Graph graph = small();
  const Symbol w = graph.variable("w", {DType::kFloat32, {4}});
  const Symbol other = graph.variable("other", {DType::kFloat32, {3}});
  const Symbol rows = graph.input("m", {DType::kFloat32, {4, 4}});
  const std::string before = to_text(graph);
  const OpRecord& negative = *graph.node(1).op;
  const auto refused = [&](const std::string& text, const auto& action) {
    const std::string error = testing::error_of(action);
    EXPECT_NE(error.find(text), std::string::npos) << error << "\nnot: " << text;
    EXPECT_EQ(to_text(graph), before) << text;
  };
  refused("an update is of a variable; node 0 of graph 'g' is of op 'input', 'x'", [&] {
    graph.add_update(0, {0, 0});
  });
  refused("node 1 of graph 'g' is of op 'negative'", [&] { graph.add_update(1, {0, 0}); });
  for (const ValueId none : {ValueId{-1, 0}, ValueId{5, 0}, ValueId{1 << 30, 0}, ValueId{0, 1},
                             ValueId{0, -1}, ValueId()}) {
    if (none.result == 0) {
      refused("is no value of graph 'g'", [&] { graph.add_update(none.node, {0, 0}); });
      refused("a copy of a node of graph 'g'", [&] {
        graph.copy_node(graph, none.node, {{0, 0}}, nullptr);
      });
    }
    refused("the new value of variable 'w': result", [&] { graph.add_update(w.id().node, none); });
    refused("output 'z': result", [&] { graph.add_output("z", none); });
    refused("an input of op 'negative': result",
            [&] { graph.add_node(negative, {none}, {}, "", nullptr); });
    refused("an input of op 'negative': result",
            [&] { (void)graph.add1("negative", {Symbol(&graph, none)}); });
    refused("an input of op 'negative': result",
            [&] { graph.copy_node(graph, 1, {none}, nullptr); });
  }
  refused("takes 1 input, found 0", [&] { graph.copy_node(graph, 1, {}, nullptr); });
  refused("takes 1 input, found 2", [&] { graph.copy_node(graph, 1, {{0, 0}, {0, 0}}, nullptr); });
  refused("update of variable 'w'", [&] { graph.add_update(w.id().node, other.id()); });
  refused("two outputs named 'y'", [&] { graph.add_output("y", w.id()); });
  refused("an input needs a name", [&] { graph.input("", {DType::kFloat32, {4}}); });
  refused("the name 'w' is taken", [&] { graph.input("w", {DType::kFloat32, {4}}); });
  refused("dimension", [&] { graph.input("n", {DType::kFloat32, {-4}}); });
  refused("unknown op 'negativ'", [&] { graph.add("negativ", {}); });
  refused("attribute 'body' of op 'map' is null", [&] {
    graph.add1("map", {w}, {{"body", std::shared_ptr<const ScalarExpr>()}});
  });
  refused("attribute 'body' of op 'fusion' is null", [&] {
    graph.add("fusion", std::array{w},
              {{"kind", std::string("loop")}, {"body", std::shared_ptr<const Graph>()}});
  });
  EXPECT_NO_THROW(graph.reserve(-1));
  const Symbol scale = graph.input("scale", {DType::kFloat32, {4}});
  EXPECT_NE(testing::error_of([&] {
              graph.add1("batch_norm_training", {rows, scale, scale},
                         {{"epsilon", 1e-3}, {"axis", int64_t{1}}});
            }).find("op 'batch_norm_training' has 3 results, which Graph::add gives"),
            std::string::npos);
}

TEST(GraphCopies, AMovedFromGraphIsEmptyAndCanBeUsed) {
  Graph first = small();
  const Graph second = std::move(first);
  EXPECT_EQ(first.size(), 0);  // NOLINT: that is what is tested
  first.input("x", {DType::kFloat32, {1}});
  EXPECT_EQ(first.size(), 1);
  EXPECT_EQ(second.size(), 2);
}

TEST(Shapes, FewAndManyDimensionsBehaveAlike) {
  for (int rank : {0, 1, 4, 5, 9}) {
    std::vector<int64_t> dims;
    for (int d = 0; d < rank; ++d) dims.push_back(d + 2);
    Shape shape(dims);
    EXPECT_EQ(shape.rank(), rank);
    EXPECT_EQ(shape.dims(), dims);
    const Shape copy = shape;
    EXPECT_EQ(copy, shape);
    if (rank == 0) continue;
    EXPECT_EQ(shape.dim(-1), rank + 1);
    shape[rank - 1] = 1;
    EXPECT_NE(copy, shape);
    EXPECT_EQ(copy[rank - 1], rank + 1);
    dims.pop_back();
    EXPECT_NE(Shape(dims), shape);
    dims.push_back(kBatch);
    EXPECT_FALSE(Shape(dims).is_static());
    EXPECT_EQ(Shape(dims).specialized(1), shape);
  }
}

TEST(Philox, AGroupIsItsElements) {
  for (const int64_t group :
       {int64_t{0}, int64_t{1}, int64_t{777}, int64_t{1} << 29, (int64_t{1} << 56) - 1}) {
    const std::array<uint32_t, 64> bits = philox_group(-5, 3, 11, group);
    for (int64_t i = 0; i < 64; ++i)
      EXPECT_EQ(bits[static_cast<size_t>(i)], philox_bits(-5, 3, 11, 64 * group + i))
          << group << " " << i;
  }
}

// The known answers of Random123, the authors' library (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, 0, 0),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// Every bit of a block is used once.
TEST(Philox, ABlockIsEightNumbersOf16Bits) {
  for (const int64_t block : {int64_t{0}, int64_t{5}, (int64_t{1} << 32) + 1}) {
    const std::array<uint32_t, 4> words = philox_block(7, 2, 3, static_cast<uint64_t>(block));
    const size_t order[] = {1, 0, 3, 2};
    for (int64_t i = 0; i < 8; ++i) {
      const uint32_t word = words[order[i / 2]];
      EXPECT_EQ(philox_bits16(7, 2, 3, 8 * block + i), i % 2 == 0 ? word & 0xFFFF : word >> 16);
    }
  }
}

TEST(Tensors, OfAnySizeAreZeroAndAligned) {
  for (const int64_t n : {0, 1, 1000, 16383, 16384, 16385, 1 << 20}) {
    Tensor t(DType::kFloat32, {n});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t.raw()) % 64, 0u);
    for (float v : t.data<float>()) ASSERT_EQ(v, 0.0f);
    std::ranges::fill(t.data<float>(), 1.0f);
  }
  EXPECT_TRUE(std::signbit(Tensor::full(DType::kFloat32, {3}, -0.0).at(2)));
}

}  // namespace
}  // namespace sinter
