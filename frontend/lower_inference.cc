// Runs the inference pipeline for a target that stands for every backend: all of them run kernel
// ops and fused regions, and products of bfloat16, which loading widens where they would be slow.
//
// Fusion needs to know sizes. So the pipeline runs twice, for two batch sizes that stand nowhere
// else in the graph, and both results have the batch made symbolic again. When they are then the
// same graph, nothing in it depends on the batch, and it is the answer.
#include "frontend/lower_inference.h"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <set>
#include <variant>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/rewriter.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

Graph run(const Graph& graph, const std::string& mixed_precision, bool fuse) {
  Target target;
  target.name = "portable";
  target.fuses_elementwise = fuse;
  target.fuses_epilogues = fuse;
  target.contracts_bfloat16 = true;
  PassContext context;
  context.target = &target;
  context.mixed_precision = mixed_precision;
  context.evaluate = [](const Graph& g) { return evaluate_graph(g, {}); };
  if (!fuse) context.disabled = {"all"};
  return run_pipeline(find_pipeline("inference"), graph, context);
}

std::set<int64_t> dimensions_of(const Graph& graph) {
  std::set<int64_t> result;
  for (const Node& node : graph.nodes()) {
    for (const ValueType& type : node.types) result.insert(type.shape.begin(), type.shape.end());
  }
  return result;
}

bool is_prime(int64_t n) {
  for (int64_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

/// Two primes that divide no dimension of the graph.
std::vector<int64_t> strange_batches(const Graph& graph) {
  const std::set<int64_t> taken = dimensions_of(graph);
  std::vector<int64_t> result;
  for (int64_t p = 127; result.size() < 2; ++p) {
    bool divides = !is_prime(p);
    for (int64_t d : taken) divides = divides || (d > 0 && d % p == 0);
    if (!divides) result.push_back(p);
  }
  return result;
}

/// The graph with every dimension that is `batch` made symbolic; nothing when the batch stands
/// anywhere else, too.
std::optional<Graph> generalize(const Graph& graph, int64_t batch) {
  bool possible = true;
  const auto stands_in = [&](int64_t n) {
    return n == batch || (n > 0 && n != kSliceEnd && n % batch == 0);
  };
  const std::function<AttributeValue(const AttributeValue&)> convert =
      [&](const AttributeValue& value) -> AttributeValue {
    if (const Shape* shape = std::get_if<Shape>(&value)) {
      Shape symbolic = *shape;
      for (int i = 0; i < symbolic.rank(); ++i) {
        if (symbolic[i] == batch)
          symbolic[i] = kBatch;
        else if (stands_in(symbolic[i]))
          possible = false;
      }
      return symbolic;
    }
    if (const auto* region = std::get_if<std::shared_ptr<const Graph>>(&value)) {
      std::optional<Graph> body = generalize(**region, batch);
      possible = possible && body;
      return body ? std::make_shared<const Graph>(std::move(*body)) : *region;
    }
    if (const int64_t* n = std::get_if<int64_t>(&value)) possible = possible && !stands_in(*n);
    if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
      for (int64_t n : *list) possible = possible && !stands_in(n);
    }
    return value;
  };
  try {
    Graph result = rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
      const Node& node = graph.node(index);
      Attributes attributes;
      for (const auto& [name, value] : node.attributes.values())
        attributes.set(name, convert(value));
      std::vector<ValueId> inputs;
      for (const Symbol& s : rewriter.map_inputs(node)) inputs.push_back(s.id());
      const int32_t added = rewriter.target().add_node(
          *node.op, std::move(inputs), std::move(attributes), node.name, node.origin);
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r)
        rewriter.replace({index, r}, ValueId{added, r});
      return true;
    });
    if (possible) return result;
  } catch (const ShapeError&) {  // an op that cannot have a symbolic batch
  }
  return std::nullopt;
}

Graph lowered_by_passes(const Graph& forward, const std::string& mixed_precision) {
  if (!has_symbolic_batch(forward)) return run(forward, mixed_precision, true);
  std::vector<Graph> found;
  for (int64_t batch : strange_batches(forward)) {
    std::optional<Graph> general =
        generalize(run(specialize(forward, batch), mixed_precision, true), batch);
    if (general) found.push_back(std::move(*general));
  }
  if (found.size() == 2 && equal_graphs(found[0], found[1])) return std::move(found[0]);
  return run(forward, mixed_precision,
             false);  // plain kernel ops, with the batch symbolic all along
}

}  // namespace

Graph lower_inference(const Graph& forward, const std::string& mixed_precision) {
  register_ops();
  Graph lowered = lowered_by_passes(forward, mixed_precision);
  for (const Node& node : lowered.nodes()) {
    if (node.op->kind == KernelKind::kComposite) {
      throw Error(
          fmt::format("the op '{}' is made of no other ones: files of models cannot hold it "
                      "(save_weights can)",
                      node.op->name));
    }
  }
  lowered.set_name("inference");
  return lowered;
}

}  // namespace sinter
