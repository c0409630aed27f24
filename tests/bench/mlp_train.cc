// The training step of the course's perceptron (784-128-128-128-10, relu, softmax cross entropy,
// Adam, batch 128) as one executable; in mixed precision too. Arguments: threads.
// SINTER_BENCH_DUMP=1 prints the lowered graph and the kernels.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "core/text.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

constexpr int64_t kRows = 128;

// Keras's Adam on each variable, as the frontend builds it.
void add_adam(Graph& g, const std::vector<Symbol>& weights, const std::vector<Symbol>& slopes) {
  const Symbol iterations = g.variable("iterations", {DType::kInt64, Shape{}});
  const Symbol rate = g.variable("learning_rate", {DType::kFloat32, Shape{}});
  const Symbol step = cast(iterations, DType::kFloat32) + 1;
  const Symbol one = scalar_like(rate, 1.0);
  const Symbol scale = rate * sqrt(one - power(0.999, step)) / (one - power(0.9, step));
  for (size_t i = 0; i < weights.size(); ++i) {
    const Symbol m = g.variable(fmt::format("m{}", i), weights[i].type());
    const Symbol v = g.variable(fmt::format("v{}", i), weights[i].type());
    const Symbol new_m = m + (slopes[i] - m) * 0.1;
    const Symbol new_v = v + (square(slopes[i]) - v) * 0.001;
    g.add_update(m.id().node, new_m.id());
    g.add_update(v.id().node, new_v.id());
    g.add_update(weights[i].id().node, (weights[i] - scale * new_m / (sqrt(new_v) + 1e-7)).id());
  }
  g.add_update(iterations.id().node, (iterations + constant(g, Tensor::scalar<int64_t>(1))).id());
}

Graph training_step() {
  Graph g("mlp_train");
  const int64_t sizes[] = {784, 128, 128, 128, 10};
  const Symbol x = g.input("x", {DType::kFloat32, Shape{kBatch, sizes[0]}});
  const Symbol t = g.input("t", {DType::kFloat32, Shape{kBatch, sizes[4]}});
  std::vector<Symbol> weights;
  Symbol h = x;
  for (int i = 0; i < 4; ++i) {
    weights.push_back(
        g.variable(fmt::format("w{}", i), {DType::kFloat32, Shape{sizes[i], sizes[i + 1]}}));
    weights.push_back(g.variable(fmt::format("b{}", i), {DType::kFloat32, Shape{sizes[i + 1]}}));
    h = dense(h, weights[weights.size() - 2], weights.back());
    if (i < 3) h = relu(h);
  }
  const Symbol loss = mean(softmax_cross_entropy(t, h));
  add_adam(g, weights, gradients(loss, weights));
  g.add_output("loss", loss.id());
  return g;
}

std::vector<Tensor> initial_variables(const Graph& g) {
  std::mt19937 engine(1);
  std::vector<Tensor> variables;
  for (int32_t v : g.variables()) {
    const Node& node = g.node(v);
    Tensor tensor(node.types[0].dtype, node.types[0].shape);
    if (node.name == "learning_rate") tensor.set(0, 1e-3);
    if (node.name[0] == 'w') {
      const double limit =
          std::sqrt(6.0 / static_cast<double>(tensor.shape()[0] + tensor.shape()[1]));
      std::uniform_real_distribution<float> uniform(static_cast<float>(-limit),
                                                    static_cast<float>(limit));
      for (float& f : tensor.data<float>()) f = uniform(engine);
    }
    variables.push_back(std::move(tensor));
  }
  return variables;
}

void step(benchmark::State& state, const char* mixed_precision) {
  register_ops();
  const Graph graph = training_step();
  CompileOptions options{.backend = std::getenv("BK") ? std::getenv("BK") : "llvm",
                         .pipeline = "training",
                         .batch = kRows,
                         .mixed_precision = mixed_precision};
  options.cache = false;
  const auto executable = compile(graph, options);
  static bool dumped = std::getenv("SINTER_BENCH_DUMP") == nullptr;
  if (!dumped) {
    dumped = true;
    std::printf("%s\n%s\n", to_text(executable->graph(), {.origins = false}).c_str(),
                executable->to_string().c_str());
  }
  executable->bind(initial_variables(executable->graph()));
  set_threads(static_cast<int>(state.range(0)));

  std::mt19937 engine(2);
  std::uniform_real_distribution<float> uniform(0, 1);
  Tensor x(DType::kFloat32, Shape{kRows, 784}), t(DType::kFloat32, Shape{kRows, 10});
  for (float& f : x.data<float>()) f = uniform(engine);
  for (int64_t i = 0; i < kRows; ++i) t.set(i * 10 + static_cast<int64_t>(engine() % 10), 1);
  float loss = 0;
  const void* inputs[] = {x.raw(), t.raw()};
  void* outputs[] = {&loss};
  double best = 1e9;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    executable->run(inputs, outputs);
    const double us =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    best = std::min(best, us);
  }
  state.counters["best_us"] = best;
  state.counters["loss"] = loss;
}
void mlp_train(benchmark::State& state) { step(state, ""); }
BENCHMARK(mlp_train)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);

void mlp_train_bfloat16(benchmark::State& state) { step(state, "bfloat16"); }
BENCHMARK(mlp_train_bfloat16)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sinter
