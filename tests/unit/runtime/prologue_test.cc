// The prologue: values of variables that runs do not change are computed once, again after a
// change, and never because of a run's own updates.
#include <gtest/gtest.h>

#include <cmath>

#include "core/prologue.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

Tensor filled(Shape shape, float value) {
  Tensor t(DType::kFloat32, std::move(shape));
  for (float& v : t.data<float>()) v = value;
  return t;
}

class Prologue : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Executable> compiled(const Graph& g, const std::string& pipeline) {
    return compile(g, {.backend = GetParam(), .pipeline = pipeline, .batch = 2, .cache = false});
  }
};

int prologue_steps(const Executable& e) {
  int count = 0;
  for (const Step& step : e.program().steps) count += step.prologue;
  return count;
}

// y = x . (w * s), where w is frozen: the product w * s is made once and packed.
TEST_P(Prologue, RunsAgainOnlyAfterAChange) {
  Graph g("scaled");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 5}});
  const Symbol w = g.variable("w", {DType::kFloat32, Shape{5, 20}});
  const Symbol s = g.variable("s", {DType::kFloat32, Shape{20}});
  g.add_output("y", matmul(x, w * exp(s)).id());
  const auto e = compiled(g, "inference");
  EXPECT_GT(prologue_steps(*e), 0) << e->to_string();
  EXPECT_GT(e->program().derived_bytes, 0);

  Tensor weights = filled(Shape{5, 20}, 1);
  const auto version = std::make_shared<std::atomic<uint64_t>>(7);
  e->bind({weights, filled(Shape{20}, 0)}, version);
  const std::vector<Tensor> inputs = {filled(Shape{2, 5}, 1)};
  EXPECT_FLOAT_EQ(e->run(inputs)[0].data<float>()[3], 5);
  for (float& v : weights.data<float>()) v = 2;
  EXPECT_FLOAT_EQ(e->run(inputs)[0].data<float>()[3], 5) << "nobody said that the variable changed";
  ++*version;
  EXPECT_FLOAT_EQ(e->run(inputs)[0].data<float>()[3], 10);
}

// A frozen layer below a trained one: the step changes `b`, so what is derived from `w` stays.
TEST_P(Prologue, SurvivesTheUpdatesOfItsOwnGraph) {
  Graph g("frozen");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 5}});
  const Symbol w = g.variable("w", {DType::kFloat32, Shape{5, 20}});
  const Symbol b = g.variable("b", {DType::kFloat32, Shape{20}});
  const Symbol y = matmul(x, exp(w)) + b;
  g.add_output("y", y.id());
  g.add_update(b.id().node, (b + 1.0).id());
  const auto e = compiled(g, "training");
  EXPECT_EQ(prologue_steps(*e), 1) << e->to_string();

  Tensor weights = filled(Shape{5, 20}, 0);
  const auto version = std::make_shared<std::atomic<uint64_t>>(0);
  e->bind({weights, filled(Shape{20}, 0)}, version);
  const std::vector<Tensor> inputs = {filled(Shape{2, 5}, 1)};
  EXPECT_FLOAT_EQ(e->run(inputs)[0].data<float>()[0], 5);
  for (float& v : weights.data<float>()) v = 1;
  EXPECT_FLOAT_EQ(e->run(inputs)[0].data<float>()[0], 6) << "made again because of its own update";
  EXPECT_EQ(version->load(), 2U);
  ++*version;
  EXPECT_NEAR(e->run(inputs)[0].data<float>()[0], 5 * std::exp(1.0) + 2, 1e-4);
}

// Derived values may be outputs and new values of variables, and be reshaped on the way.
TEST_P(Prologue, ResultsCanLeaveTheGraph) {
  Graph g("leaving");
  const Symbol w = g.variable("w", {DType::kFloat32, Shape{6}});
  const Symbol v = g.variable("v", {DType::kFloat32, Shape{2, 3}});
  const Symbol twice = reshape(w + w, Shape{2, 3});
  g.add_output("twice", twice.id());
  g.add_output("sum", (twice + v).id());
  g.add_update(v.id().node, twice.id());
  const auto e = compiled(g, "training");
  e->bind({filled(Shape{6}, 3), filled(Shape{2, 3}, 1)});
  std::vector<Tensor> results = e->run(std::vector<Tensor>{});
  EXPECT_EQ(results[0].data<float>()[5], 6);
  EXPECT_EQ(results[1].data<float>()[5], 7);
  results = e->run(std::vector<Tensor>{});
  EXPECT_EQ(results[0].data<float>()[5], 6);
  EXPECT_EQ(results[1].data<float>()[5], 12);
}

INSTANTIATE_TEST_SUITE_P(Backends, Prologue, testing::ValuesIn(backend_names()),
                         [](const auto& info) { return info.param; });

// What constants alone determine is no part of the prologue for the passes, but when they leave it
// in the graph it is made before the prologue reads it.
TEST_P(Prologue, MayReadWhatConstantsDetermine) {
  Graph g("constants");
  const Symbol w = g.variable("w", {DType::kFloat32, Shape{2, 3}});
  const Symbol c = constant(g, filled(Shape{3}, 4));
  g.add_output("y", (w * broadcast_to(sqrt(c), Shape{2, 3})).id());
  const auto e = compile(g, {.backend = GetParam(), .disabled_passes = {"all"}, .cache = false});
  EXPECT_EQ(prologue_steps(*e), static_cast<int>(e->program().steps.size()));
  e->bind({filled(Shape{2, 3}, 3)});
  EXPECT_FLOAT_EQ(e->run(std::vector<Tensor>{})[0].data<float>()[4], 6);
}

TEST(PrologueNodes, FrozenMeansDerivedFromVariablesThatNoRunChanges) {
  Graph g("kinds");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{3}});
  const Symbol w = g.variable("w", {DType::kFloat32, Shape{3}});
  const Symbol v = g.variable("v", {DType::kFloat32, Shape{3}});
  const Symbol a = w + w, b = a * v, c = a + x;
  g.add_update(v.id().node, b.id());
  g.add_output("c", c.id());
  EXPECT_TRUE(is_frozen(g, w.id()));
  EXPECT_TRUE(is_frozen(g, a.id()));
  EXPECT_FALSE(is_frozen(g, v.id()));
  EXPECT_FALSE(is_frozen(g, b.id()));
  EXPECT_FALSE(is_frozen(g, c.id()));
}

}  // namespace
}  // namespace sinter
