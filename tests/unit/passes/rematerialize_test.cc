// Whole training steps within budgets of memory: the bits of the step without one, whatever was
// computed again, and an error that names what is possible.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/memory_limit.h"
#include "core/text.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "tests/support/graph_runs.h"
#include "tests/support/step_graphs.h"

namespace sinter {
namespace {

using testing::HasSubstr;
using testing_support::perceptron_step;
using testing_support::random_feeds;
using testing_support::run_reference;

struct Case {
  const char* name;
  testing_support::StepOptions options;
};

std::vector<Case> cases() {
  return {
      {"plain", {.units = {8, 8, 8, 8, 8, 8}}},
      {"normalized", {.units = {8, 8, 8, 8, 4}, .batch_norm = true}},
      {"dropout", {.units = {16, 16, 16, 16, 4}, .activation = "gelu", .dropout = 0.3}},
      {"wide", {.features = 64, .units = {64, 8, 64, 4}, .activation = "tanh", .l2 = 0.01}},
  };
}

class Budgets : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    register_ops();
    graph_ = specialize(perceptron_step(cases()[GetParam()].options), 256);
  }

  Graph lowered(int64_t budget) {
    Target target;
    target.fuses_elementwise = target.fuses_epilogues = true;
    PassContext context;
    context.verify = true;
    context.target = &target;
    context.memory_budget = budget;
    context.evaluate = [](const Graph& g) { return evaluate_graph(g, {}); };
    return run_pipeline(find_pipeline("training"), graph_, context);
  }

  // What the error of a budget that is too small says is enough.
  int64_t least() {
    try {
      lowered(1);
    } catch (const MemoryError& error) {
      const std::string text = error.what();
      EXPECT_THAT(text, HasSubstr("memory_budget: 1 bytes"));
      return std::stoll(text.substr(text.rfind('(') + 1));
    }
    ADD_FAILURE() << "one byte was enough";
    return 1;
  }

  Graph graph_{"none"};
};

TEST_P(Budgets, TheSameBitsAndWhatTheErrorNamesIsPossible) {
  const Graph without = lowered(0);
  const auto feeds = random_feeds(graph_, 5, -0.7, 0.9);
  const std::vector<Tensor> expected = run_reference(without, feeds);
  const int64_t least_bytes = least();
  EXPECT_THROW(lowered(least_bytes - 1), MemoryError);
  for (const double more : {0.0, 0.05, 0.2, 0.5}) {
    const auto budget = static_cast<int64_t>(static_cast<double>(least_bytes) * (1 + more));
    const Graph within = lowered(budget);
    const std::vector<Tensor> found = run_reference(within, feeds);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(found[i].identical(expected[i])) << "value " << i << "\n" << to_text(within);
    if (more == 0.0) EXPECT_FALSE(equal_graphs(within, without));
  }
}

TEST_P(Budgets, IsNoBudgetForWhatFits) {
  EXPECT_TRUE(equal_graphs(lowered(int64_t{1} << 40), lowered(0)));
}

TEST_P(Budgets, GivesTheSameGraphEachTime) {
  const int64_t budget = least();
  EXPECT_TRUE(equal_graphs(lowered(budget), lowered(budget)));
}

INSTANTIATE_TEST_SUITE_P(Steps, Budgets, testing::Range<size_t>(0, 4),
                         [](const auto& info) { return std::string(cases()[info.param].name); });

}  // namespace
}  // namespace sinter
