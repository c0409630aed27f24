// Graphs as Graphviz text.
#include "frontend/graph_dot.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/dot.h"
#include "frontend/sinter.h"

namespace sinter {
namespace {

/// y = x . w in layer "fc <1>", one update.
Graph small_graph() {
  Graph graph("a \"small\" graph");
  const Symbol x = graph.input("x", {DType::kFloat32, {kBatch, 3}});
  graph.set_origin(
      std::make_shared<const Origin>(Origin{.layer = "fc <1>", .file = "train.cc", .line = 3}));
  const Symbol w = graph.variable("w", {DType::kFloat32, {3, 2}});
  using Ints = std::vector<int64_t>;
  const Symbol y = graph.add1("contract", {x, w},
                              {{"lhs_batch", Ints{}},
                               {"rhs_batch", Ints{}},
                               {"lhs_contract", Ints{1}},
                               {"rhs_contract", Ints{0}}});
  const Symbol two = graph.constant(Tensor::full(DType::kFloat32, Shape{}, 2));
  const Symbol twos = graph.add1("broadcast", {two}, {{"shape", Shape{3, 2}}, {"dims", Ints{}}});
  graph.add_output("y", y.id());
  graph.add_update(w.id().node, twos.id());
  return graph;
}

TEST(GraphDot, HoldsNodesLayersEdgesOutputsAndUpdates) {
  const std::string dot = to_dot(small_graph());
  for (const char* part : {"digraph \"a \\\"small\\\" graph\" {", "label=\"fc <1>\"", "<b>x</b>",
                           "float32[batch,3]", "<b>contract</b>", "rhs_contract = [0]", "n0 -> n2;",
                           "n1 -> n2;", "n2 -> out0;", "n4 -> up0 [style=dashed];", "\"new w\""}) {
    EXPECT_NE(dot.find(part), std::string::npos) << part << "\nis not in\n" << dot;
  }
}

Graph training_graph() {
  clear_session();
  auto x = Input({4}, {.name = "pixels"});
  const Model model(x, Dense(2, {.activation = "softmax", .name = "last"})(
                           Dense(3, {.activation = "relu", .name = "first"})(x)));
  model.compile(
      {.optimizer = Adam(0.1), .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  return model.training_graph();
}

TEST(GraphDot, DrawsWhatFeedsSomething) {
  Graph graph = training_graph();
  const auto boxes = [](const std::string& dot) {
    size_t count = 0;
    for (size_t at = dot.find(" [label=<"); at != std::string::npos;
         at = dot.find(" [label=<", at + 1))
      ++count;
    return count;
  };
  const size_t before = boxes(to_dot(graph)), layers = boxes(to_layer_dot(graph));
  const Symbol x(&graph, {graph.inputs()[0], 0});
  graph.variable("unread", {DType::kFloat32, {3}});
  graph.add1("exp", {graph.add1("negative", {x})});  // dead
  EXPECT_EQ(boxes(to_dot(graph)), before);
  EXPECT_EQ(boxes(to_layer_dot(graph)), layers);
  EXPECT_EQ(to_dot(graph).find("unread"), std::string::npos);
}

TEST(GraphDot, LayersAsBoxes) {
  const std::string dot = to_layer_dot(training_graph());
  for (const char* part :
       {"<b>pixels</b>", "<b>first</b>", "<b>first</b><br/>after the loss", "<b>last</b>",
        "first/kernel float32[4,3]", "<b>adam</b>", "label=\"loss\"", "new values"}) {
    EXPECT_NE(dot.find(part), std::string::npos) << part << "\nis not in\n" << dot;
  }
  EXPECT_LT(std::ranges::count(dot, '\n'), 60) << dot;
}

// Long names are cut by the columns of their letters, not their bytes, and between letters.
TEST(GraphDot, NamesOfWideLetters) {
  register_ops();
  const auto wide = [](int count) {
    std::string name;
    for (int i = 0; i < count; ++i) name += "\xe5\xb1\xa4";
    return name;
  };
  for (const int count : {20, 22, 23, 40}) {
    Graph graph("wide");
    const Symbol x = graph.input(wide(count), {DType::kFloat32, {3}});
    graph.add_output("y", graph.add1("negative", {x}).id());
    const std::string shown = count <= 22 ? wide(count) : wide(20) + "...";
    EXPECT_NE(to_dot(graph).find("<b>" + shown + "</b>"), std::string::npos) << to_dot(graph);
  }
}

TEST(GraphDot, GraphvizAcceptsIt) {
  try {
    const std::string svg = dot_to_svg(to_dot(small_graph()));
    EXPECT_NE(svg.find(">fc &lt;1&gt;</text>"), std::string::npos) << svg;
    EXPECT_NE(dot_to_svg(to_layer_dot(training_graph())).find("</svg>"), std::string::npos);
  } catch (const Error& error) {
    if (std::string(error.what()).find("not installed") == std::string::npos) throw;
    GTEST_SKIP() << "no Graphviz here";
  }
}

// Metrics follow the loss, but are no part of the way back.
TEST(GraphDot, MetricsAreOfTheWayForward) {
  clear_session();
  auto x = Input(4);
  const Model model(x, Dense(3, {.activation = "softmax", .name = "out"})(x));
  model.compile({.optimizer = "adam",
                 .loss = "categorical_crossentropy",
                 .metrics = {"accuracy", metrics::AUC({.name = "area"}), "mae"}});
  const std::string dot = to_layer_dot(model.training_graph());
  const auto look = [&](const std::string& box) {
    const size_t at = dot.find("<b>" + box);
    return at > dot.size() ? "no box" : dot.substr(dot.find("fillcolor", at), 19);
  };
  const std::string forward = look("out</b><br/><font"),
                    backward = look("out</b><br/>after the loss");
  EXPECT_NE(forward, backward);
  for (const char* metric : {"accuracy", "area", "mae", "categorical_crossentropy"})
    EXPECT_EQ(look(metric), forward) << metric << "\n" << dot;
  EXPECT_NE(dot.find("<b>out</b><br/>after the loss"), std::string::npos);
  EXPECT_EQ(dot.find("<b>area</b><br/>after the loss"), std::string::npos);
}

}  // namespace
}  // namespace sinter
