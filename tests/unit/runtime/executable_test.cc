// Executables: in-place updates, copies, concurrent runs, the same bits for any number of threads,
// no allocation in run().
#include "runtime/executable.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include "core/error.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"
#include "tests/support/error_of.h"
#include "tests/support/without_line.h"
#include "tests/unit/runtime/allocations.h"

namespace sinter {
namespace {

Tensor random_tensor(Shape shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Tensor t(DType::kFloat32, std::move(shape));
  for (float& v : t.data<float>()) v = 0.1f * normal(engine);
  return t;
}

// A small training step: two dense layers, cross entropy, momentum.
Graph training_step() {
  Graph g("step");
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 40}});
  const Symbol t = g.input("t", {DType::kFloat32, Shape{kBatch, 10}});
  std::vector<Symbol> weights = {g.variable("w1", {DType::kFloat32, Shape{40, 96}}),
                                 g.variable("b1", {DType::kFloat32, Shape{96}}),
                                 g.variable("w2", {DType::kFloat32, Shape{96, 10}})};
  std::vector<Symbol> slots;
  for (size_t i = 0; i < weights.size(); ++i)
    slots.push_back(g.variable(fmt::format("m{}", i), weights[i].type()));
  const Symbol state = g.variable("random", {DType::kInt64, Shape{2}});
  const Symbol h = dropout(relu(dense(x, weights[0], weights[1])), state, 0.3, 0);
  const Symbol loss = mean(softmax_cross_entropy(t, dense(h, weights[2])));
  const auto d = gradients(loss, weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    const Symbol m = slots[i] * 0.9 - d[i] * 0.1;
    g.add_update(slots[i].id().node, m.id());
    g.add_update(weights[i].id().node, (weights[i] + m).id());
  }
  g.add_update(
      state.id().node,
      (state + constant(g, Tensor::from<int64_t>(Shape{2}, std::vector<int64_t>{0, 1}))).id());
  g.add_output("loss", loss.id());
  return g;
}

std::vector<Tensor> variables_of(const Graph& g) {
  std::vector<Tensor> result;
  unsigned seed = 5;
  for (int32_t v : g.variables()) {
    const Node& node = g.node(v);
    const bool slot = node.name[0] == 'm' || node.name == "random";
    result.push_back(slot ? Tensor(node.types[0].dtype, node.types[0].shape)
                          : random_tensor(node.types[0].shape, seed++));
  }
  return result;
}

std::vector<Tensor> train(const std::string& backend, int thread_count, int steps) {
  set_threads(thread_count);
  CompileOptions options;
  options.backend = backend;
  options.pipeline = "training";
  options.batch = 33;
  const Graph g = training_step();
  const auto executable = compile(g, options);
  std::vector<Tensor> variables = variables_of(g);
  executable->bind(variables);
  const Tensor inputs[] = {random_tensor(Shape{33, 40}, 1),
                           Tensor::full(DType::kFloat32, Shape{33, 10}, 0.1)};
  for (int i = 0; i < steps; ++i) executable->run(inputs);
  return variables;
}

TEST(Executable, SameBitsForAnyNumberOfThreadsOnEachBackend) {
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> one = train(backend, 1, 20);
    for (int n : {2, 3, 8}) {
      const std::vector<Tensor> many = train(backend, n, 20);
      for (size_t i = 0; i < one.size(); ++i)
        EXPECT_TRUE(one[i].identical(many[i]))
            << backend << " with " << n << " threads, variable " << i;
    }
  }
  set_threads(1);
}

TEST(Executable, BackendsAgreeAfterTwentySteps) {
  const std::vector<Tensor> want = train("reference", 1, 20);
  for (const std::string& backend : backend_names()) {
    const std::vector<Tensor> got = train(backend, 2, 20);
    for (size_t v = 0; v < want.size(); ++v) {
      for (int64_t i = 0; i < want[v].elements(); ++i)
        ASSERT_NEAR(got[v].at(i), want[v].at(i), 2e-5) << backend << ", variable " << v;
    }
  }
  set_threads(1);
}

TEST(Executable, RunAllocatesNothingAfterTheFirst) {
  if (allocation_count() < 0) GTEST_SKIP() << "the sanitizer owns operator new";
  for (const std::string& backend : backend_names()) {
    if (backend == "onednn") continue;  // oneDNN 2.6 allocates inside dnnl_primitive_execute
    CompileOptions options;
    options.backend = backend;
    options.pipeline = "training";
    options.batch = 16;
    const Graph g = training_step();
    const auto executable = compile(g, options);
    executable->bind(variables_of(g));
    const Tensor x = random_tensor(Shape{16, 40}, 1),
                 t = Tensor::full(DType::kFloat32, Shape{16, 10}, 0.1);
    float loss = 0;
    const void* inputs[] = {x.raw(), t.raw()};
    void* outputs[] = {&loss};
    for (int n : {1, 2}) {
      set_threads(n);
      for (int i = 0; i < 3; ++i) executable->run(inputs, outputs);
      const int64_t before = allocation_count();
      for (int i = 0; i < 10; ++i) executable->run(inputs, outputs);
      EXPECT_EQ(allocation_count(), before) << backend << " with " << n << " threads";
    }
  }
  set_threads(1);
}

TEST(Executable, VariablesCanSwapTheirValues) {
  Graph g("swap");
  const Symbol a = g.variable("a", {DType::kFloat32, Shape{3}});
  const Symbol b = g.variable("b", {DType::kFloat32, Shape{3}});
  g.add_update(a.id().node, b.id());
  g.add_update(b.id().node, a.id());
  g.add_output("a_before", a.id());
  const auto executable = compile(g, {.backend = "reference"});
  std::vector<Tensor> variables = {Tensor::full(DType::kFloat32, Shape{3}, 1),
                                   Tensor::full(DType::kFloat32, Shape{3}, 2)};
  executable->bind(variables);
  const auto out = executable->run(std::span<const Tensor>{});
  EXPECT_EQ(variables[0].at(0), 2);
  EXPECT_EQ(variables[1].at(0), 1);
  EXPECT_EQ(out[0].at(0), 1);
}

// w <- w + 1 while another update still needs the old w: the new value must not overwrite it too
// early.
TEST(Executable, UpdatesReadOldValues) {
  for (const std::string& backend : backend_names()) {
    Graph g("old");
    const Symbol w = g.variable("w", {DType::kFloat32, Shape{4, 4}});
    const Symbol v = g.variable("v", {DType::kFloat32, Shape{4, 4}});
    const Symbol next = w + 1.0;
    g.add_update(w.id().node, next.id());
    g.add_update(v.id().node, (matmul(next, transpose(w)) + v).id());
    const auto executable = compile(g, {.backend = backend, .pipeline = "training"});
    std::vector<Tensor> variables = {Tensor::full(DType::kFloat32, Shape{4, 4}, 1),
                                     Tensor::full(DType::kFloat32, Shape{4, 4}, 0.5)};
    executable->bind(variables);
    executable->run(std::span<const Tensor>{});
    EXPECT_EQ(variables[0].at(5), 2) << backend;
    EXPECT_EQ(variables[1].at(5), 8.5) << backend;
  }
}

// Whoever passes the memory of a variable means what is in it now.
TEST(Executable, InputsMayBeVariablesThatAreUpdated) {
  for (const std::string& backend : backend_names()) {
    Graph g("alias");
    const Symbol x = g.input("x", {DType::kFloat32, Shape{64, 64}});
    const Symbol part = g.input("part", {DType::kFloat32, Shape{64}});
    const Symbol v = g.variable("v", {DType::kFloat32, Shape{64, 64}});
    g.add_update(v.id().node, (matmul(x, x) - mean(x) + part).id());
    g.add_output("y", (matmul(x, v) * 2.0 + sum(x) + sum(part)).id());
    const auto executable = compile(g, {.backend = backend, .pipeline = "training"});
    std::vector<Tensor> results;
    for (const bool alias : {false, true}) {
      const Tensor variable = random_tensor({64, 64}, 3);
      executable->bind({variable});
      const Tensor row = variable.rows(7, 8).reshaped({64});
      results.push_back(alias ? executable->run({variable, row}).at(0)
                              : executable->run({variable.clone(), row.clone()}).at(0));
      results.push_back(variable);
    }
    EXPECT_TRUE(results[0].identical(results[2])) << backend;
    EXPECT_TRUE(results[1].identical(results[3])) << backend;
  }
}

TEST(Executable, ManyThreadsMayRunOneGraphWithoutUpdates) {
  for (const std::string& backend : backend_names()) {
    set_threads(2);
    Graph g("predict");
    const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, 40}});
    const Symbol w = g.variable("w", {DType::kFloat32, Shape{40, 96}});
    g.add_output("y", softmax(dense(x, w)).id());
    const auto executable = compile(g, {.backend = backend, .batch = 64});
    executable->bind({random_tensor(Shape{40, 96}, 3)});
    const Tensor in = random_tensor(Shape{64, 40}, 4);
    const Tensor want = executable->run({&in, 1})[0];
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) wrong += !executable->run({&in, 1})[0].identical(want);
      });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(wrong.load(), 0) << backend;
  }
  set_threads(1);
}

TEST(Executable, WrongTensorsAreNamed) {
  Graph g("g");
  g.add_output("y", relu(g.input("x", {DType::kFloat32, Shape{2}})).id());
  const auto executable = compile(g, {.backend = "reference"});
  const Tensor wrong = Tensor::full(DType::kFloat32, Shape{3}, 0);
  EXPECT_EQ(testing::without_line(
                testing::error_of<ShapeError>([&] { executable->run(std::span(&wrong, 1)); })),
            "input 'x' is float32[2], the tensor given for it float32[3]");
}

TEST(Executable, NothingWorthSharingRunsOnOneThread) {
  register_ops();
  for (const int64_t size : {16, 1 << 22}) {
    Graph g("map");
    g.add_output("y", tanh(g.input("x", {DType::kFloat32, Shape{size}})).id());
    const auto executable = compile(g, {.cache = false});
    const std::string first_line =
        executable->to_string().substr(0, executable->to_string().find('\n'));
    // (The reference backend, which a build without llvm chooses, cuts nothing into pieces.)
    EXPECT_EQ(first_line.ends_with(", one thread"), size == 16 || !SINTER_WITH_LLVM) << first_line;
    const Tensor x = random_tensor(Shape{size}, 3);
    const Tensor y = executable->run(std::vector<Tensor>{x})[0];
    EXPECT_NEAR(y.at(size - 1), std::tanh(x.at(size - 1)), 1e-6);
  }
}

}  // namespace
}  // namespace sinter
