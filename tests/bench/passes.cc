// How the time of all passes grows with a graph: chains, unrolled LSTMs, residual networks with
// their training step, from a thousand nodes to a hundred thousand. Milliseconds by pass.
//
//   bench_passes [MOST_NODES]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "ops/gradients.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

constexpr int64_t kRows = 32, kColumns = 64;

Graph chain(int64_t steps) {
  Graph g("chain");
  Symbol y = g.input("x", {DType::kFloat32, {kRows, kColumns}});
  for (int64_t i = 0; i < steps; ++i)
    y = i % 3 == 0 ? tanh(y) : i % 3 == 1 ? sigmoid(y) + 1.0 : y * y;
  g.add_output("y", y.id());
  return g;
}

// Softmax after softmax: reductions and broadcasts between maps.
Graph rows(int64_t steps) {
  Graph g("rows");
  Symbol y = g.input("x", {DType::kFloat32, {kRows, kColumns}});
  for (int64_t i = 0; i < steps; ++i) y = softmax(y * 3.0);
  g.add_output("y", y.id());
  return g;
}

Symbol weight(Graph& g, std::vector<Symbol>& weights, const std::string& name, const Shape& shape) {
  weights.push_back(g.variable(name, {DType::kFloat32, shape}));
  return weights.back();
}

// The loss, and Adam's step for each weight.
void train(Graph& g, Symbol loss, const std::vector<Symbol>& weights) {
  g.add_output("loss", loss.id());
  const std::vector<Symbol> found = gradients(loss, weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    const ValueType type = g.type(weights[i].id());
    const Symbol m = g.variable(fmt::format("m{}", i), type);
    const Symbol v = g.variable(fmt::format("v{}", i), type);
    const Symbol new_m = m * 0.9 + found[i] * 0.1, new_v = v * 0.99 + square(found[i]) * 0.01;
    g.add_update(m.id().node, new_m.id());
    g.add_update(v.id().node, new_v.id());
    g.add_update(weights[i].id().node, (weights[i] - 0.01 * new_m / (sqrt(new_v) + 1e-7)).id());
  }
}

Graph lstm(int64_t steps) {
  Graph g("lstm");
  std::vector<Symbol> weights;
  const Symbol x = g.input("x", {DType::kFloat32, {kRows, steps, kColumns}});
  const Symbol kernel = weight(g, weights, "kernel", {kColumns, 4 * kColumns}),
               recurrent = weight(g, weights, "recurrent", {kColumns, 4 * kColumns}),
               bias = weight(g, weights, "bias", {4 * kColumns});
  Symbol h = zeros_like(reshape(slice(x, 1, 0, 1), {kRows, kColumns})), c = h;
  for (int64_t t = 0; t < steps; ++t) {
    const Symbol z = dense(reshape(slice(x, 1, t, t + 1), {kRows, kColumns}), kernel, bias) +
                     matmul(h, recurrent);
    const auto gate = [&](int64_t k) { return slice(z, 1, k * kColumns, (k + 1) * kColumns); };
    c = sigmoid(gate(1)) * c + sigmoid(gate(0)) * tanh(gate(2));
    h = sigmoid(gate(3)) * tanh(c);
  }
  train(g, mean(square(h)), weights);
  return g;
}

Graph residual(int64_t blocks) {
  Graph g("residual");
  std::vector<Symbol> weights;
  Symbol h = g.input("x", {DType::kFloat32, {kRows, kColumns}});
  for (int64_t i = 0; i < blocks; ++i) {
    const Symbol inner =
        relu(dense(h, weight(g, weights, fmt::format("w{}", i), {kColumns, kColumns}),
                   weight(g, weights, fmt::format("b{}", i), {kColumns})));
    h = h + inner * sigmoid(h);
  }
  train(g, mean(square(h)), weights);
  return g;
}

void measure(const char* name, Graph (*make)(int64_t), int64_t most_nodes) {
  double before = 0;
  int64_t nodes_before = 0;
  for (int64_t wanted = 1000; wanted <= most_nodes; wanted *= 10) {
    // The number of steps that gives as many nodes.
    const int64_t few = make(4).size(), more = make(8).size();
    const Graph graph = make(std::max<int64_t>(1, (wanted - few) * 4 / (more - few) + 4));
    CompileOptions options;
    options.backend = "llvm";
    std::vector<PassStatistics> statistics;
    const Graph lowered = lower(graph, options, &statistics);
    double total = 0;
    std::map<std::string, double> by_pass;
    for (const PassStatistics& s : statistics) {
      total += s.microseconds / 1000;
      by_pass[s.name] += s.microseconds / 1000;
    }
    std::vector<std::pair<double, std::string>> slowest;
    for (const auto& [pass, ms] : by_pass) slowest.emplace_back(-ms, pass);
    std::sort(slowest.begin(), slowest.end());
    fmt::print(
        "| {} | {} | {} | {:.1f} | {} | ", name, graph.size(), lowered.size(), total,
        before == 0
            ? ""
            : fmt::format("{:.2f}", std::log(total / before) /
                                        std::log(double(graph.size()) / double(nodes_before))));
    for (size_t k = 0; k < 4 && k < slowest.size(); ++k)
      fmt::print("{}{} {:.1f}", k == 0 ? "" : ", ", slowest[k].second, -slowest[k].first);
    fmt::print(" |\n");
    std::fflush(stdout);
    before = total;
    nodes_before = graph.size();
  }
}

}  // namespace
}  // namespace sinter

int main(int argc, char** argv) {
  using namespace sinter;
  const int64_t most = argc > 1 ? std::atoll(argv[1]) : 100000;
  fmt::print("| graph | nodes | after | ms | exponent of growth | slowest passes, ms |\n");
  fmt::print("| --- | --- | --- | --- | --- | --- |\n");
  measure("chain", chain, most);
  measure("rows", rows, most);
  measure("residual, training", residual, most);
  measure("lstm, training", lstm, most);
  return 0;
}
