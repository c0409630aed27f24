// Random feeds by a fixed generator, so that failures repeat.
#include "tests/support/graph_runs.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <random>

#include "core/rewriter.h"
#include "runtime/compile.h"

namespace sinter::testing_support {
namespace {

Tensor random_tensor(const ValueType& type, std::mt19937& engine, double low, double high) {
  Tensor t(type.dtype, type.shape);
  std::uniform_real_distribution<double> real(low, high);
  std::uniform_int_distribution<int> integer(0, type.dtype == DType::kBool ? 1 : 3);
  for (int64_t i = 0; i < t.elements(); ++i) {
    t.set(i, is_floating(type.dtype) ? real(engine) : static_cast<double>(integer(engine)));
  }
  if (type == ValueType{DType::kInt64, Shape{2}}) {
    t.set(0, 1234567);
    t.set(1, 3);
  }
  return t;
}

bool same(double a, double b, double tolerance) {
  if (a == b) return tolerance > 0 || std::signbit(a) == std::signbit(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  return std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
}

}  // namespace

Graph with_updates_as_outputs(const Graph& graph) {
  Graph copy = graph;
  copy.clear_updates();
  for (const Graph::Update& u : graph.updates()) {
    copy.add_output("new " + graph.node(u.variable).name, u.value);
  }
  return copy;
}

Feeds random_feeds(const Graph& graph, unsigned seed, double low, double high) {
  std::mt19937 engine(seed);
  Feeds feeds;
  for (int32_t i : graph.inputs()) {
    feeds.inputs.push_back(random_tensor(graph.type({i, 0}), engine, low, high));
  }
  for (int32_t i : graph.variables()) {
    feeds.variables.push_back(random_tensor(graph.type({i, 0}), engine, low, high));
  }
  return feeds;
}

std::vector<Tensor> run_reference(const Graph& graph, const Feeds& feeds) {
  return evaluate_graph(with_updates_as_outputs(graph), feeds.inputs, feeds.variables);
}

std::string compare(const std::vector<Tensor>& got, const std::vector<Tensor>& want,
                    double tolerance) {
  if (got.size() != want.size())
    return fmt::format("{} results, expected {}", got.size(), want.size());
  for (size_t k = 0; k < got.size(); ++k) {
    if (got[k].type() != want[k].type()) {
      return fmt::format("result {} is {}, expected {}", k, got[k].type().to_string(),
                         want[k].type().to_string());
    }
    for (int64_t i = 0; i < got[k].elements(); ++i) {
      if (same(got[k].at(i), want[k].at(i), tolerance)) continue;
      return fmt::format("result {}, element {}: {}, expected {}", k, i, got[k].at(i),
                         want[k].at(i));
    }
  }
  return "";
}

}  // namespace sinter::testing_support
