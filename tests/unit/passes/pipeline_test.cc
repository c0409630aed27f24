// Pipelines over whole training and inference graphs: every pass alone off, all off, the same
// numbers; and what fusion must reach.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "core/region_form.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "tests/support/graph_runs.h"
#include "tests/support/step_graphs.h"

namespace sinter {
namespace {

using testing_support::compare;
using testing_support::perceptron_step;
using testing_support::random_feeds;
using testing_support::run_reference;
using testing_support::StepOptions;

struct Case {
  const char* name;
  StepOptions options;
};

std::vector<Case> cases() {
  return {
      {"plain", {}},
      {"tanh_l2", {.units = {7, 8, 3}, .activation = "tanh", .l2 = 0.01}},
      {"batch_norm_dropout", {.units = {8, 8, 4}, .batch_norm = true, .dropout = 0.3}},
      {"gelu_one_class", {.units = {4, 1}, .activation = "gelu"}},
      {"swish_evaluate", {.activation = "swish", .training = false}},
      {"batch_norm_wide", {.units = {300, 4}, .batch_norm = true, .dropout = 0.3}},
      {"batch_norm_evaluate", {.units = {8, 8, 4}, .batch_norm = true, .training = false}},
  };
}

Target fusing_target() {
  Target target;
  target.name = "test";
  target.fuses_elementwise = target.fuses_epilogues = true;
  return target;
}

Graph run(const std::string& pipeline, const Graph& graph, std::vector<std::string> disabled = {},
          std::vector<PassStatistics>* statistics = nullptr) {
  const Target target = fusing_target();
  PassContext context;
  context.verify = true;
  context.target = &target;
  context.evaluate = [](const Graph& g) { return evaluate_graph(g, {}); };
  context.disabled = std::move(disabled);
  Graph result = run_pipeline(find_pipeline(pipeline), graph, context, statistics);
  check_regions(result);
  return result;
}

class Pipelines : public testing::TestWithParam<std::tuple<size_t, int64_t>> {
 protected:
  void SetUp() override {
    register_ops();
    const auto [index, batch] = GetParam();
    // First what changes values on purpose: probabilities near 0 are no longer clipped.
    graph_ = run_pass("stabilize_cross_entropy",
                      specialize(perceptron_step(cases()[index].options), batch), {});
    feeds_ = random_feeds(graph_, 5, -0.7, 0.9);
    expected_ = run_reference(graph_, feeds_);
  }
  // Rounding differs: sums of a few hundred products at most, gradients through a softmax.
  void expect_same(const Graph& graph) {
    EXPECT_EQ(compare(run_reference(graph, feeds_), expected_, 2e-5), "") << to_text(graph);
  }
  Graph graph_;
  testing_support::Feeds feeds_;
  std::vector<Tensor> expected_;
};

TEST_P(Pipelines, TrainingKeepsTheNumbers) { expect_same(run("training", graph_)); }

TEST_P(Pipelines, AllOptionalPassesOff) { expect_same(run("training", graph_, {"all"})); }

TEST_P(Pipelines, EachPassOff) {
  for (const Pass& pass : all_passes()) {
    SCOPED_TRACE(pass.name);
    expect_same(run("training", graph_, {pass.name}));
  }
}

TEST_P(Pipelines, InferenceIsTheSameForEachPassOff) {
  const std::vector<Tensor> wanted = run_reference(run("inference", graph_), feeds_);
  for (const Pass& pass : all_passes()) {
    // These two decide what inference means.
    if (pass.name == "remove_dropout" || pass.name == "to_inference") continue;
    const Graph other = run("inference", graph_, {pass.name});
    EXPECT_EQ(compare(run_reference(other, feeds_), wanted, 2e-5), "") << pass.name;
  }
}

TEST_P(Pipelines, RunTwiceGivesTheSameGraph) {
  EXPECT_TRUE(equal_graphs(run("training", graph_), run("training", graph_)));
}

// Then runtime can write the new value into the variable itself.
TEST_P(Pipelines, UpdatesComeAfterAllReads) {
  const Graph lowered = run("training", graph_);
  for (const Graph::Update& u : lowered.updates()) {
    if (lowered.node(u.value).op->kind == KernelKind::kSource) continue;
    for (int32_t i = u.value.node + 1; i < lowered.size(); ++i) {
      const std::vector<ValueId>& in = lowered.node(i).inputs;
      EXPECT_EQ(std::find(in.begin(), in.end(), ValueId{u.variable, 0}), in.end())
          << lowered.node(u.variable).name << " is read by node " << i << "\n"
          << to_text(lowered);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, Pipelines,
                         testing::Combine(testing::Range<size_t>(0, 7),
                                          testing::Values<int64_t>(1, 9)),
                         [](const auto& info) {
                           return std::string(cases()[std::get<0>(info.param)].name) + "_batch" +
                                  std::to_string(std::get<1>(info.param));
                         });

int count(const Graph& graph, std::string_view op, std::string_view kind = "") {
  return static_cast<int>(
      std::count_if(graph.nodes().begin(), graph.nodes().end(), [&](const Node& n) {
        return n.is(op) && (kind.empty() || n.attributes.get_string("kind") == kind);
      }));
}

TEST(Pipeline, AStepOfTheCourseBecomesFewKernels) {
  register_ops();
  const Graph graph =
      specialize(perceptron_step({.features = 784, .units = {128, 128, 128, 10}}), 128);
  const Graph lowered = run("training", graph);
  // Forward, both gradients: 4 + 4 + 3 products, all with their epilogues.
  EXPECT_EQ(count(lowered, "contract") + count(lowered, "fusion", "contract"), 11)
      << to_text(lowered);
  EXPECT_EQ(count(lowered, "contract"), 0) << to_text(lowered);
  EXPECT_EQ(count(lowered, "fusion", "reduce"), 0) << to_text(lowered);  // nor the accuracy
  EXPECT_EQ(count(lowered, "arg_reduce"), 0) << to_text(lowered);
  EXPECT_EQ(count(lowered, "broadcast"), 0);
  EXPECT_EQ(count(lowered, "reduce"), 0);
  int work = 0;
  for (const Node& node : lowered.nodes()) {
    work += node.op->kind != KernelKind::kSource && !node.is(KernelOp::kReshape) ? 1 : 0;
  }
  EXPECT_LE(work, 21) << to_text(lowered);
}

TEST(Pipeline, StatisticsDumpsAndNames) {
  register_ops();
  const Graph graph = specialize(perceptron_step(), 4);
  std::vector<PassStatistics> statistics;
  run("training", graph, {"simplify"}, &statistics);
  ASSERT_EQ(statistics.size(), find_pipeline("training").passes.size());
  for (const PassStatistics& s : statistics) {
    EXPECT_EQ(s.skipped, s.name == "simplify");
    EXPECT_GT(s.nodes_after, 0);
  }
  EXPECT_THROW(run("training", graph, {"simplifi"}), NameError);
  EXPECT_THROW(find_pipeline("trainign"), NameError);
  EXPECT_THROW(run_pass("decomposition", graph, {}), NameError);
}

// No pass takes time by the square of the nodes, or a stack as deep as the graph: this ends within
// a second, or not at all. How time grows is measured by tests/bench/passes.cc.
TEST(Pipeline, LongChains) {
  register_ops();
  constexpr int64_t kSteps = 20000;
  Graph graph("chain");
  const Symbol x = graph.input("x", {DType::kFloat32, {4, 8}});
  Symbol y = x;
  for (int64_t i = 0; i < kSteps; ++i) y = i % 3 == 0 ? tanh(y) : i % 3 == 1 ? y * 0.5 : y + x;
  graph.add_output("y", y.id());
  const Graph lowered = run("training", graph);
  EXPECT_LT(count(lowered, "map") + count(lowered, "fusion"), kSteps / 100);
  const std::vector<Tensor> feeds = {Tensor::full(DType::kFloat32, {4, 8}, 0.25)};
  EXPECT_NEAR(evaluate_graph(lowered, feeds)[0].at(7), evaluate_graph(graph, feeds)[0].at(7), 1e-6);
}

TEST(Pipeline, OriginsAreJoined) {
  register_ops();
  const Graph lowered = run(
      "inference",
      specialize(perceptron_step({.units = {8, 8, 4}, .batch_norm = true, .training = false}), 4));
  for (const Node& node : lowered.nodes()) {
    if (node.op->kind != KernelKind::kSource) EXPECT_NE(node.origin, nullptr) << node.op->name;
  }
  EXPECT_NE(to_text(lowered).find("norm_0+dense_1"), std::string::npos) << to_text(lowered);
}

}  // namespace
}  // namespace sinter
