// Stages: what may run side by side does, what touches the same memory does not.
#include "runtime/plan_stages.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

class Stages : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Executable> compiled(const Graph& g, const std::string& pipeline) {
    return compile(g, {.backend = GetParam(), .pipeline = pipeline, .batch = 8, .cache = false});
  }
};

size_t stage_of(const Program& program, int32_t step, bool last) {
  size_t stage = 0;
  for (size_t i = 0; i < program.stages.size(); ++i) {
    for (const StepPhase& at : program.stages[i]) {
      if (at.step == step && (last || at.phase == 0)) stage = i;
    }
  }
  return stage;
}

int32_t step_with(const Program& program, const std::function<bool(const Step&)>& matches) {
  const auto it = std::find_if(program.steps.begin(), program.steps.end(), matches);
  return it == program.steps.end() ? -1 : static_cast<int32_t>(it - program.steps.begin());
}

// Bytes that a step reads or writes, told apart from all others.
struct Range {
  BufferPlacement::Kind kind;
  int64_t begin = 0, end = 0;
  bool writes = false;
};

std::vector<Range> ranges_of(const Program& program, const Step& step) {
  std::vector<Range> ranges;
  const Node& node = program.graph.node(step.node);
  const auto add = [&](const BufferPlacement& at, int64_t bytes, bool writes) {
    const bool arena = at.kind == BufferPlacement::Kind::kArena;
    ranges.push_back(
        {at.kind, at.offset, at.offset + (arena ? std::max<int64_t>(bytes, 1) : 1), writes});
  };
  for (size_t i = 0; i < node.inputs.size(); ++i)
    add(step.buffers[i], program.graph.type(node.inputs[i]).bytes(), false);
  for (size_t r = 0; r < node.types.size(); ++r)
    add(step.buffers[node.inputs.size() + r], node.types[r].bytes(), true);
  if (step.scratch_offset >= 0)
    add({BufferPlacement::Kind::kArena, step.scratch_offset}, step.kernel->scratch_bytes(), true);
  return ranges;
}

bool in_each_others_way(const Program& program, const Step& a, const Step& b) {
  for (const Range& x : ranges_of(program, a)) {
    for (const Range& y : ranges_of(program, b)) {
      if (x.kind == y.kind && x.begin < y.end && y.begin < x.end && (x.writes || y.writes))
        return true;
    }
  }
  return false;
}

Graph training_step(int layers) {
  Graph g("step");
  Symbol h = g.input("x", {DType::kFloat32, Shape{kBatch, 24}});
  const Symbol t = g.input("t", {DType::kFloat32, Shape{kBatch, 24}});
  std::vector<Symbol> weights;
  for (int i = 0; i < layers; ++i) {
    weights.push_back(g.variable(fmt::format("w{}", i), {DType::kFloat32, Shape{24, 24}}));
    weights.push_back(g.variable(fmt::format("b{}", i), {DType::kFloat32, Shape{24}}));
    h = tanh(dense(h, weights[weights.size() - 2], weights.back()));
  }
  const Symbol loss = mean(square(h - t));
  const auto d = gradients(loss, weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    const Symbol m = g.variable(fmt::format("m{}", i), weights[i].type());
    const Symbol next = m * 0.9 - d[i] * 0.01;
    g.add_update(m.id().node, next.id());
    g.add_update(weights[i].id().node, (weights[i] + next).id());
  }
  g.add_output("loss", loss.id());
  return g;
}

TEST_P(Stages, KeepApartWhatTouchesTheSameMemoryAndKeepItsOrder) {
  for (int layers : {1, 2, 3, 5}) {
    const auto e = compiled(training_step(layers), "training");
    const Program& p = e->program();
    for (size_t a = 0; a < p.steps.size(); ++a) {
      for (size_t b = a + 1; b < p.steps.size(); ++b) {
        if (p.steps[a].prologue || p.steps[b].prologue ||
            !in_each_others_way(p, p.steps[a], p.steps[b]))
          continue;
        EXPECT_LT(stage_of(p, static_cast<int32_t>(a), true),
                  stage_of(p, static_cast<int32_t>(b), false))
            << "steps " << a << " and " << b << "\n"
            << e->to_string();
      }
    }
  }
}

TEST_P(Stages, HoldEveryPhaseOnce) {
  const auto e = compiled(training_step(3), "training");
  const Program& p = e->program();
  std::vector<StepPhase> all;
  for (const auto& stage : p.stages) {
    EXPECT_FALSE(stage.empty());
    all.insert(all.end(), stage.begin(), stage.end());
  }
  for (size_t s = 0; s < p.steps.size(); ++s) {
    for (int32_t phase = 0; phase < p.steps[s].kernel->phases(); ++phase) {
      const StepPhase at{static_cast<int32_t>(s), phase};
      EXPECT_EQ(std::count(all.begin(), all.end(), at), 1);
    }
  }
}

// An input gradient multiplies with the weights of before the update, so it comes first although
// the two products do not need each other.
TEST_P(Stages, OldWeightsAreReadBeforeTheyAreUpdated) {
  const auto e = compiled(training_step(3), "training");
  const Program& p = e->program();
  for (size_t v = 0; v < p.graph.variables().size(); ++v) {
    const BufferPlacement at{BufferPlacement::Kind::kVariable, static_cast<int64_t>(v)};
    const auto writes = [&](const Step& s) {
      const auto results =
          s.buffers.begin() + static_cast<int64_t>(p.graph.node(s.node).inputs.size());
      return std::find(results, s.buffers.end(), at) != s.buffers.end();
    };
    const int32_t writer = step_with(p, writes);
    if (writer < 0) continue;  // it is copied at the end
    for (size_t s = 0; s < p.steps.size(); ++s) {
      const Step& step = p.steps[s];
      const std::vector<ValueId>& inputs = p.graph.node(step.node).inputs;
      const ValueId old{p.graph.variables()[v], 0};
      const bool reads = std::find(inputs.begin(), inputs.end(), old) != inputs.end();
      if (!reads || static_cast<int32_t>(s) == writer) continue;
      EXPECT_LT(stage_of(p, static_cast<int32_t>(s), true), stage_of(p, writer, false))
          << e->to_string();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Stages, testing::ValuesIn(backend_names()),
                         [](const auto& info) { return info.param; });

// The reference's products share one piece of working memory.
TEST(StagesOfHeads, IndependentProductsRunSideBySide) {
  Graph g("heads");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 16}});
  for (int i = 0; i < 3; ++i) {
    const Symbol w = g.variable(fmt::format("w{}", i), {DType::kFloat32, Shape{16, 8 + i}});
    g.add_output(fmt::format("y{}", i), matmul(x, w).id());
  }
  for (const std::string& backend : backend_names()) {
    if (backend == "reference" || backend == "auto") continue;
    const auto e =
        compile(g, {.backend = backend, .pipeline = "inference", .batch = 8, .cache = false});
    ASSERT_EQ(e->program().stages.size(), 1U) << e->to_string();
    EXPECT_EQ(e->program().stages[0].size(), 3U);
  }
}

}  // namespace
}  // namespace sinter
