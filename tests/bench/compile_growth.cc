// How the time from a graph to its first run grows with its size, for shapes of graphs that are
// wide rather than long: values with many readers, ops with many operands, many inputs, outputs and
// variables.
//
//   bench_compile_growth [ONLY [SIZE ...]]     cases whose names hold ONLY ("" for all)
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "tests/bench/growth.h"

namespace sinter {
namespace {

Symbol input(Graph& g, const std::string& name, Shape shape = {4, 8}) {
  return g.input(name, {DType::kFloat32, std::move(shape)});
}
Symbol variable(Graph& g, const std::string& name, Shape shape = {4, 8}) {
  return g.variable(name, {DType::kFloat32, std::move(shape)});
}
void output(Graph& g, Symbol y, const std::string& name = "y") { g.add_output(name, y.id()); }

std::vector<Symbol> inputs(Graph& g, int64_t n) {
  std::vector<Symbol> xs;
  for (int64_t i = 0; i < n; ++i) xs.push_back(input(g, fmt::format("x{}", i)));
  return xs;
}

Symbol sum_left(const std::vector<Symbol>& xs) {
  Symbol total = xs[0];
  for (size_t i = 1; i < xs.size(); ++i) total = total + xs[i];
  return total;
}

Symbol sum_tree(std::vector<Symbol> xs) {
  while (xs.size() > 1) {
    std::vector<Symbol> half;
    for (size_t i = 0; i + 1 < xs.size(); i += 2) half.push_back(xs[i] + xs[i + 1]);
    if (xs.size() % 2 != 0) half.push_back(xs.back());
    xs = std::move(half);
  }
  return xs[0];
}

std::vector<Symbol> readers(Symbol x, int64_t n) {
  std::vector<Symbol> ys;
  for (int64_t i = 0; i < n; ++i) ys.push_back(tanh(x * (1.0 + double(i))));
  return ys;
}

// What fuses in between is kept apart by products.
std::vector<Symbol> products(Graph& g, Symbol x, int64_t n) {
  const Symbol w = variable(g, "w", {8, 8});
  std::vector<Symbol> ys;
  for (int64_t i = 0; i < n; ++i) ys.push_back(matmul(x * (1.0 + double(i)), w));
  return ys;
}

std::vector<Symbol> slices(Graph& g, int64_t n) {
  const Symbol x = input(g, "x", {4, 2 * n});
  std::vector<Symbol> ys;
  for (int64_t i = 0; i < n; ++i) ys.push_back(slice(x, 1, 2 * (n - 1 - i), 2 * (n - i)));
  return ys;
}

void all_outputs(Graph& g, const std::vector<Symbol>& ys) {
  for (size_t i = 0; i < ys.size(); ++i) output(g, ys[i], fmt::format("y{}", i));
}

void adam(Graph& g, Symbol loss, const std::vector<Symbol>& weights) {
  output(g, loss, "loss");
  const std::vector<Symbol> found = gradients(loss, weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    const Shape shape = g.type(weights[i].id()).shape;
    const Symbol m = variable(g, fmt::format("m{}", i), shape),
                 v = variable(g, fmt::format("v{}", i), shape);
    const Symbol new_m = m * 0.9 + found[i] * 0.1, new_v = v * 0.99 + square(found[i]) * 0.01;
    g.add_update(m.id().node, new_m.id());
    g.add_update(v.id().node, new_v.id());
    g.add_update(weights[i].id().node, (weights[i] - 0.01 * new_m / (sqrt(new_v) + 1e-7)).id());
  }
}

Graph dense_chain(int64_t n, bool train) {
  Graph g;
  Symbol h = input(g, "x", {4, 4});
  std::vector<Symbol> weights;
  for (int64_t i = 0; i < n; ++i) {
    weights.push_back(variable(g, fmt::format("w{}", i), {4, 4}));
    weights.push_back(variable(g, fmt::format("b{}", i), {4}));
    h = relu(dense(h, weights[weights.size() - 2], weights.back()));
  }
  if (train)
    adam(g, mean(square(h)), weights);
  else
    output(g, h);
  return g;
}

struct Case {
  const char* name;
  std::function<void(Graph&, int64_t)> write;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {"chain",
       [](Graph& g, int64_t n) {
         Symbol y = input(g, "x");
         for (int64_t i = 0; i < n; ++i) y = i % 2 == 0 ? tanh(y) : y * y;
         output(g, y);
       }},
      {"chain of reductions",
       [](Graph& g, int64_t n) {
         Symbol y = input(g, "x");
         for (int64_t i = 0; i < n; ++i) y = tanh(y) - mean(y, {-1}, true);
         output(g, y);
       }},
      {"chain of reductions by turns",
       [](Graph& g, int64_t n) {
         Symbol y = input(g, "x", {8, 8});
         for (int64_t i = 0; i < n; ++i) y = tanh(y) - mean(y, {i % 2 == 0 ? 0 : 1}, true);
         output(g, y);
       }},
      {"chain of transposes",
       [](Graph& g, int64_t n) {
         Symbol y = input(g, "x", {8, 8});
         for (int64_t i = 0; i < n; ++i) y = tanh(transpose(y)) + y;
         output(g, y);
       }},
      {"concat of slices of one", [](Graph& g, int64_t n) { output(g, concat(slices(g, n), 1)); }},
      {"concat of readers of one",
       [](Graph& g, int64_t n) { output(g, concat(readers(input(g, "x"), n), 1)); }},
      {"concat of expand_dims",
       [](Graph& g, int64_t n) {
         std::vector<Symbol> ys;
         for (const Symbol y : inputs(g, n)) ys.push_back(expand_dims(y, 0));
         output(g, concat(ys, 0));
       }},
      {"concat of concats",
       [](Graph& g, int64_t n) {
         Symbol y = input(g, "x", {4, 1});
         for (int64_t i = 0; i < n; ++i)
           y = concat(std::vector<Symbol>{y, input(g, fmt::format("x{}", i), {4, 1})}, 1);
         output(g, y);
       }},
      {"concat of products",
       [](Graph& g, int64_t n) { output(g, concat(products(g, input(g, "x"), n), 1)); }},
      {"sum of readers of one, chain",
       [](Graph& g, int64_t n) { output(g, sum_left(readers(input(g, "x"), n))); }},
      {"sum of readers of one, tree",
       [](Graph& g, int64_t n) { output(g, sum_tree(readers(input(g, "x"), n))); }},
      {"sum of inputs, chain", [](Graph& g, int64_t n) { output(g, sum_left(inputs(g, n))); }},
      {"sum of inputs, tree", [](Graph& g, int64_t n) { output(g, sum_tree(inputs(g, n))); }},
      {"sum of slices", [](Graph& g, int64_t n) { output(g, sum_left(slices(g, n))); }},
      {"sum of products",
       [](Graph& g, int64_t n) { output(g, sum_left(products(g, input(g, "x"), n))); }},
      {"inputs and outputs",
       [](Graph& g, int64_t n) {
         std::vector<Symbol> ys;
         for (const Symbol x : inputs(g, n)) ys.push_back(tanh(x));
         all_outputs(g, ys);
       }},
      {"outputs of readers of one",
       [](Graph& g, int64_t n) { all_outputs(g, readers(input(g, "x"), n)); }},
      {"outputs of a chain",
       [](Graph& g, int64_t n) {
         std::vector<Symbol> ys = {input(g, "x")};
         for (int64_t i = 0; i < n; ++i) ys.push_back(tanh(ys.back()));
         all_outputs(g, ys);
       }},
      {"outputs of slices", [](Graph& g, int64_t n) { all_outputs(g, slices(g, n)); }},
      {"outputs of products",
       [](Graph& g, int64_t n) { all_outputs(g, products(g, input(g, "x"), n)); }},
      {"means of one",
       [](Graph& g, int64_t n) {
         std::vector<Symbol> ys;
         for (const Symbol y : readers(input(g, "x"), n)) ys.push_back(mean(y));
         all_outputs(g, ys);
       }},
      {"means of inputs, summed",
       [](Graph& g, int64_t n) {
         std::vector<Symbol> ys;
         for (const Symbol y : inputs(g, n)) ys.push_back(mean(square(y)));
         output(g, sum_left(ys));
       }},
      {"repeated sub-expressions",
       [](Graph& g, int64_t n) {
         const Symbol x = input(g, "x");
         std::vector<Symbol> ys;
         for (int64_t i = 0; i < n; ++i) ys.push_back(tanh(x * 2.0) * (1.0 + double(i % 7)));
         output(g, sum_left(ys));
       }},
      {"constants",
       [](Graph& g, int64_t n) {
         Symbol y = input(g, "x");
         for (int64_t i = 0; i < n; ++i)
           y = y + constant(g, Tensor::from({4, 8}, std::vector<float>(32, float(i))));
         output(g, y);
       }},
      {"updates of variables, sgd",
       [](Graph& g, int64_t n) {
         const Symbol x = input(g, "x");
         for (int64_t i = 0; i < n; ++i) {
           const Symbol v = variable(g, fmt::format("v{}", i));
           g.add_update(v.id().node, (v - 0.1 * (v - x)).id());
         }
       }},
      {"variables summed, adam",
       [](Graph& g, int64_t n) {
         std::vector<Symbol> weights;
         for (int64_t i = 0; i < n; ++i) weights.push_back(variable(g, fmt::format("w{}", i)));
         adam(g, mean(square(sum_left(weights))), weights);
       }},
      {"slices, training",
       [](Graph& g, int64_t n) {
         const Symbol w = variable(g, "w", {4, 2 * n});
         std::vector<Symbol> ys;
         for (int64_t i = 0; i < n; ++i) ys.push_back(tanh(slice(w, 1, 2 * i, 2 * i + 2)));
         adam(g, mean(square(concat(ys, 1))), {w});
       }},
      {"recurrent, training",
       [](Graph& g, int64_t n) {
         const Symbol x = input(g, "x", {4, n, 4}), w = variable(g, "w", {4, 4}),
                      u = variable(g, "u", {4, 4});
         Symbol h = zeros_like(reshape(slice(x, 1, 0, 1), {4, 4}));
         for (int64_t t = 0; t < n; ++t)
           h = tanh(matmul(reshape(slice(x, 1, t, t + 1), {4, 4}), w) + matmul(h, u));
         adam(g, mean(square(h)), {w, u});
       }},
      {"recurrent, all steps given",
       [](Graph& g, int64_t n) {
         const Symbol x = input(g, "x", {4, n, 4}), w = variable(g, "w", {4, 4}),
                      u = variable(g, "u", {4, 4});
         Symbol h = zeros_like(reshape(slice(x, 1, 0, 1), {4, 4}));
         std::vector<Symbol> ys;
         for (int64_t t = 0; t < n; ++t) {
           h = tanh(matmul(reshape(slice(x, 1, t, t + 1), {4, 4}), w) + matmul(h, u));
           ys.push_back(expand_dims(h, 1));
         }
         output(g, concat(ys, 1));
       }},
      {"dense chain", [](Graph& g, int64_t n) { g = dense_chain(n, false); }},
      {"dense chain, training", [](Graph& g, int64_t n) { g = dense_chain(n, true); }},
  };
  return list;
}

Tensor some(const ValueType& type) { return Tensor::full(type.dtype, type.shape, 0); }

void compile_and_run(const Case& c, const std::string& backend, int64_t n, Stages& stages) {
  Graph graph("growth");
  stages.time("build", [&] { c.write(graph, n); });
  CompileOptions options;
  options.backend = backend;
  options.pipeline = graph.updates().empty() ? "inference" : "training";
  stages.time("passes", [&] { lower(graph, options); });
  const auto executable = stages.time("compile", [&] { return compile(graph, options); });
  std::vector<Tensor> variables, values;
  for (const int32_t v : executable->graph().variables())
    variables.push_back(some(executable->graph().node(v).types[0]));
  for (const int32_t x : executable->graph().inputs())
    values.push_back(some(executable->graph().node(x).types[0]));
  executable->bind(variables);
  stages.time("first run", [&] { executable->run(values); });
  stages.time("second run", [&] { executable->run(values); });
}

}  // namespace
}  // namespace sinter

int main(int argc, char** argv) {
  return sinter::growth_main(argc, argv, sinter::cases(), sinter::compile_and_run);
}
