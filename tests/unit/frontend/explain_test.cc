// What `sinter explain` shows, without a browser: graphs after passes, parts of a step, kernels,
// memory, the page as a file.
#include "frontend/explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/file_io.h"
#include "core/graph.h"
#include "frontend/explain/graph_history.h"
#include "frontend/explain/node_work.h"
#include "frontend/explain/phases.h"
#include "frontend/sinter.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "tests/support/temporary_folder.h"

namespace sinter {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

/// (x op y) * x
Graph product(const char* op) {
  Graph graph("g");
  const Symbol x = graph.input("x", {DType::kFloat32, {3}}),
               y = graph.input("y", {DType::kFloat32, {3}});
  graph.set_origin(std::make_shared<const Origin>(Origin{"a", "net.cc", 7}));
  const Symbol inner = graph.add1(op, {x, y});
  graph.add_output("z", graph.add1("multiply", {inner, x}).id());
  return graph;
}

TEST(GraphHistory, NodesKeepTheirNumbers) {
  register_ops();
  GraphHistory history;
  history.add("as built", product("add"));
  history.add("nothing", product("add"));
  history.add("change", product("subtract"));
  const auto& stages = history.stages();
  EXPECT_TRUE(stages[1].unchanged);
  EXPECT_FALSE(stages[2].unchanged);
  EXPECT_EQ(stages[2].numbers, (std::vector<int32_t>{0, 1, 4, 3}));
  EXPECT_EQ(stages[2].changes, (std::vector<NodeChange>{NodeChange::kNone, NodeChange::kNone,
                                                        NodeChange::kAdded, NodeChange::kRewired}));
  ASSERT_EQ(stages[2].removed.size(), 1u);
  EXPECT_EQ(stages[2].removed[0].number, 2);
  EXPECT_EQ(stages[2].removed[0].into, 4);
  EXPECT_EQ(difference_text(stages[1], stages[2]),
            "- %2 = add(%x, %y) : float32[3] @ 'a' (net.cc:7)  -> %4\n"
            "+ %4 = subtract(%x, %y) : float32[3] @ 'a' (net.cc:7)\n"
            "~ %3 = multiply(%4, %x) : float32[3] @ 'a' (net.cc:7)\n");
}

TEST(GraphHistory, FusedNodesTakeInWhatTheyCompute) {
  register_ops();
  Graph graph("g");
  const Symbol x = graph.input("x", {DType::kFloat32, {3, 4}});
  graph.add_output("y", softmax(exp(x)).id());
  GraphHistory history;
  history.add("as built", graph);
  CompileOptions how;
  how.backend = "llvm";
  how.on_pass = [&](std::string_view pass, const Graph& after) {
    history.add(std::string(pass), after);
  };
  if (SINTER_WITH_LLVM) {
    lower(graph, how);
    size_t fused = 0, into = 0;
    for (const HistoryStage& stage : history.stages()) {
      fused += static_cast<size_t>(std::ranges::count(stage.changes, NodeChange::kFused));
      if (std::ranges::count(stage.changes, NodeChange::kFused) == 0) continue;
      for (const HistoryStage::Removed& gone : stage.removed) into += gone.into >= 0 ? 1 : 0;
    }
    EXPECT_EQ(fused, 1u);
    EXPECT_GE(into, 2u);
  }
}

TEST(NodeWork, CountsProductsMapsAndBytes) {
  register_ops();
  Graph graph("g");
  const Symbol x = graph.input("x", {DType::kFloat32, {8, 16}}),
               w = graph.input("w", {DType::kFloat32, {16, 4}});
  graph.add_output("y", relu(matmul(x, w)).id());
  const Graph lowered = lower(graph, {.backend = "reference", .disabled_passes = {"all"}});
  int64_t flops = 0, most = 0;
  for (int32_t i = 0; i < lowered.size(); ++i) {
    const int64_t own = flops_of_node(lowered, i).value_or(0);
    flops += own;
    most = std::max(most, own);
    if (lowered.node(i).is(KernelOp::kContract))
      EXPECT_EQ(bytes_of_node(lowered, i), 4 * (8 * 16 + 16 * 4 + 8 * 4));
  }
  EXPECT_EQ(most, 2 * 8 * 16 * 4);
  EXPECT_GE(flops, most + 8 * 4);
  EXPECT_EQ(flops_of_node(graph, graph.outputs()[0].value.node), std::nullopt);  // a composite
}

class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    const KerasTensor x = Input({12}, {.name = "x"});
    KerasTensor h = BatchNormalization()(Dense(16, {.activation = "relu", .name = "first"})(x));
    model_ = Model(x, Dense(4, {.activation = "softmax", .name = "second"})(h), "net</script>");
    model_.compile(
        {.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = {"accuracy"}});
  }
  std::string page(const ExplainOptions& options) const {
    explain(model_, folder_.file("page.html"), options);
    return read_file(folder_.file("page.html"));
  }
  static json data_of(const std::string& page) {
    const std::string open = "<script type=\"application/json\" id=\"data\">";
    const size_t begin = page.find(open) + open.size();
    return json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  }
  TemporaryFolder folder_;
  Model model_;
};

TEST_F(Explain, TheStepHasItsParts) {
  const Graph step = model_.training_graph();
  const StepLayers layers = layers_of_step(model_.forward_graph(), step);
  EXPECT_TRUE(layers.forward.contains("first"));
  EXPECT_EQ(layers.optimizer, (std::set<std::string, std::less<>>{"adam"}));
  EXPECT_EQ(layers.labels.size(), 1u);
  const std::vector<StepPart> parts = parts_of_step(step, layers);
  std::set<std::string> seen;
  for (int32_t i = 0; i < step.size(); ++i) {
    const Node& node = step.node(i);
    if (!node.origin || node.op->kind == KernelKind::kSource) continue;
    const StepPart part = parts[static_cast<size_t>(i)];
    seen.insert(fmt::format("{} {}", step_part_name(part), node.origin->layer));
  }
  for (const char* expected :
       {"forward first", "forward second", "loss accuracy", "loss categorical_crossentropy",
        "backward first", "backward second", "forward batch_normalization", "update adam"})
    EXPECT_TRUE(seen.contains(expected)) << expected;
  for (const char* wrong : {"backward adam", "loss first", "update first", "forward accuracy"})
    EXPECT_FALSE(seen.contains(wrong)) << wrong;
}

TEST_F(Explain, DataHoldEveryNodeAndKernel) {
  const json data = data_of(page({.batch = 8, .measure = true}));
  EXPECT_EQ(data["title"], "net</script>");
  EXPECT_EQ(data["kind"], "training");
  const std::unique_ptr<Executable> executable =
      compile(model_.training_graph(), {.pipeline = "training", .batch = 8});
  const Program& program = executable->program();
  ASSERT_EQ(data["kernels"].size(), program.steps.size());
  // Every stage is whole: nodes are known, operands stand in it.
  for (const json& stage : data["stages"]) {
    if (stage.contains("unchanged")) continue;
    std::set<int> here;
    for (const json& node : stage["nodes"]) {
      const int id = node[0];
      EXPECT_EQ(data["nodes"].at(static_cast<size_t>(id))["id"], id);
      for (size_t i = 0; i < node[3].size(); i += 2) EXPECT_TRUE(here.contains(node[3][i]));
      EXPECT_TRUE(here.insert(id).second);
    }
    if (stage["name"] == "compiled")
      EXPECT_EQ(here.size(), static_cast<size_t>(program.graph.size()));
  }
  std::set<std::string> layers, lines;
  for (const json& node : data["nodes"]) {
    if (node.contains("layer")) layers.insert(node["layer"]);
    if (node.contains("line")) lines.insert(node["line"]);
  }
  EXPECT_TRUE(layers.contains("first"));
  EXPECT_TRUE(std::ranges::any_of(
      lines, [](const std::string& line) { return line.starts_with("explain_test.cc:"); }));
  for (size_t k = 0; k < data["kernels"].size(); ++k) {
    const json& kernel = data["kernels"][k];
    EXPECT_EQ(kernel["backend"], program.steps[k].backend);
    EXPECT_EQ(kernel["why"], program.steps[k].reason);
    EXPECT_FALSE(kernel["threads"].get<std::string>().empty());
    if (!kernel.contains("once")) EXPECT_GT(kernel["measured"].get<double>(), 0.0);
    if (kernel["backend"] == "llvm") {
      EXPECT_LT(kernel["listing"].get<size_t>(), data["listings"].size());
    }
  }
}

TEST_F(Explain, ListingsHaveLinesThatBelongTogether) {
  if (!SINTER_WITH_LLVM) GTEST_SKIP() << "without LLVM there is no code to list";
  const json data = data_of(page({.batch = 8, .backend = "llvm"}));
  ASSERT_FALSE(data["listings"].empty());
  size_t of_plan = 0, inside_loops = 0, products = 0;
  for (const json& listing : data["listings"]) {
    const std::string plan = listing["plan"], ir = listing["ir"], assembly = listing["assembly"];
    EXPECT_FALSE(plan.empty());
    EXPECT_THAT(ir, HasSubstr("define "));
    EXPECT_THAT(ir, Not(HasSubstr("!dbg")));
    EXPECT_THAT(assembly, HasSubstr("\tret"));
    EXPECT_THAT(assembly, Not(HasSubstr("\t.loc")));
    const auto lines = [](const std::string& text) { return std::ranges::count(text, '\n'); };
    int64_t known = 0;
    for (const json& line : listing["ir_lines"]) {
      EXPECT_LE(line.get<int64_t>(), lines(ir));
      known += line > 0 ? 1 : 0;
    }
    EXPECT_GT(known, lines(assembly) / 2) << assembly;
    for (const json& line : listing["plan_lines"]) {
      EXPECT_LE(line.get<int64_t>(), lines(plan));
      of_plan += line > 0 ? 1 : 0;
    }
    // The multiplications of a product, and what its epilogue computes.
    if (const size_t product = plan.find("acc[row, column] += "); product != std::string::npos) {
      const auto line_at = [&](size_t at) { return 1 + lines(plan.substr(0, at)); };
      std::set<int64_t> marked;
      for (const json& line : listing["plan_lines"]) marked.insert(line.get<int64_t>());
      EXPECT_TRUE(marked.contains(line_at(product))) << plan;
      EXPECT_GT(*marked.rbegin(), line_at(plan.find("graph \""))) << plan;
      ++products;
    }
    for (const json& depth : listing["depths"]) inside_loops += depth > 0 ? 1 : 0;
  }
  EXPECT_GT(of_plan, 10u);
  EXPECT_GT(products, 0u);
  EXPECT_GT(inside_loops, 10u);
}

TEST_F(Explain, MemoryPlanHoldsOneValueInAPlace) {
  const json memory = data_of(page({.batch = 8}))["memory"];
  const int64_t arena = memory["arena"];
  const json& values = memory["values"];
  ASSERT_FALSE(values.empty());
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t offset = values[i][2], bytes = values[i][3], first = values[i][4],
                  last = values[i][5];
    EXPECT_LE(offset + bytes, arena);
    EXPECT_LE(first, last);
    EXPECT_LE(last, memory["steps"].get<int64_t>());
    for (size_t j = 0; j < i; ++j) {
      const int64_t other = values[j][2], end = other + values[j][3].get<int64_t>();
      // What is overwritten in place is read by the step that overwrites it.
      const bool overlaps = offset < end && other < offset + bytes;
      const bool together = first < values[j][5].get<int64_t>() && values[j][4] < last;
      EXPECT_FALSE(overlaps && together) << values[i] << " and " << values[j];
    }
  }
  EXPECT_GT(memory["sizes"]["variables"].get<int64_t>(), 0);
}

TEST_F(Explain, ThePageNeedsNothingElse) {
  for (const char* graph : {"forward", "inference", "training"}) {
    const std::string text = page({.graph = graph});
    for (const char* load :
         {"http://", "https://", " src=", "@import", "url(", "fetch(", "import("})
      EXPECT_THAT(text, Not(HasSubstr(load))) << graph;
    const json data = data_of(text);
    EXPECT_EQ(data["kind"], graph);
    EXPECT_EQ(data["kernels"].empty(), std::string(graph) == "forward");
    size_t ends = 0;
    for (size_t at = text.find("</script"); at != std::string::npos;
         at = text.find("</script", at + 1))
      ++ends;
    EXPECT_EQ(ends, 2u) << graph;
  }
}

TEST_F(Explain, LargeBatchesAreExplainedByTheirMicroBatches) {
  const json data = data_of(page({.graph = "inference", .batch = 65536}));
  EXPECT_LT(data["batch"].get<int64_t>(), 65536);
  EXPECT_THAT(data["note"].get<std::string>(), HasSubstr("micro-batches"));
}

TEST_F(Explain, Errors) {
  const auto message = [&](const Model& model, const ExplainOptions& options) -> std::string {
    try {
      explain(model, folder_.file("no.html"), options, SourceLocation());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(
      message(model_, {.graph = "trainin"}),
      "unknown graph 'trainin'; did you mean 'training'? Known: forward, inference, training");
  EXPECT_EQ(message(model_, {.batch = 0}), "explain: batch is 0, but must be at least 1");
  const KerasTensor x = Input({3});
  const Model plain(x, Dense(2)(x), "plain");
  EXPECT_EQ(message(plain, {.graph = "training"}),
            "explain: model 'plain' is not compiled, so it has no training graph; it has "
            "'inference'");
}

}  // namespace
}  // namespace sinter
