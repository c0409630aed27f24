// remove_dead: drops nodes that no output or update depends on, and map results that nobody reads.
// Inputs and variables stay: they are the calling convention.
#include <algorithm>
#include <memory>

#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

using Liveness = std::vector<std::vector<bool>>;  // [node][result]

bool any_live(const std::vector<bool>& results) {
  return std::find(results.begin(), results.end(), true) != results.end();
}

// Which arguments the live results of a map's body read. A map needs one input at least (it gives
// the shape): the first is kept.
std::vector<bool> used_arguments(const ScalarExpr& body, const std::vector<bool>& live_results) {
  std::vector<bool> reached(body.instructions.size(), false);
  for (size_t r = 0; r < body.results.size(); ++r) {
    if (live_results[r]) reached[static_cast<size_t>(body.results[r])] = true;
  }
  std::vector<bool> used(body.arguments.size(), false);
  for (size_t i = body.instructions.size(); i-- > 0;) {
    if (!reached[i]) continue;
    const ScalarInstruction& instruction = body.instructions[i];
    if (instruction.op == ScalarOp::kArgument) {
      used[static_cast<size_t>(instruction.operands[0])] = true;
      continue;
    }
    for (int k = 0; k < scalar_op_arity(instruction.op); ++k) {
      reached[static_cast<size_t>(instruction.operands[static_cast<size_t>(k)])] = true;
    }
  }
  if (!any_live(used)) used[0] = true;
  return used;
}

Liveness find_live_results(const Graph& graph) {
  Liveness live(static_cast<size_t>(graph.size()));
  for (int32_t i = 0; i < graph.size(); ++i) {
    live[static_cast<size_t>(i)].assign(graph.node(i).types.size(), false);
  }
  const auto mark = [&](ValueId id) {
    live[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)] = true;
  };
  for (const Graph::Output& o : graph.outputs()) mark(o.value);
  for (const Graph::Update& u : graph.updates()) mark(u.value);
  for (int32_t i = graph.size(); i-- > 0;) {
    const Node& node = graph.node(i);
    const std::vector<bool>& results = live[static_cast<size_t>(i)];
    if (!any_live(results)) continue;
    if (!node.is(KernelOp::kMap)) {
      for (ValueId id : node.inputs) mark(id);
      continue;
    }
    const std::vector<bool> used = used_arguments(node.attributes.get_expr("body"), results);
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (used[k]) mark(node.inputs[k]);
    }
  }
  return live;
}

// The map without its dead results and without arguments that then nobody reads.
void copy_map(Rewriter& rewriter, int32_t index, const std::vector<bool>& live_results) {
  const Node& node = rewriter.source().node(index);
  const ScalarExpr& body = node.attributes.get_expr("body");
  const std::vector<bool> used = used_arguments(body, live_results);
  std::vector<Symbol> inputs;
  std::vector<DType> dtypes;
  for (size_t k = 0; k < used.size(); ++k) {
    if (!used[k]) continue;
    inputs.push_back(rewriter.map(node.inputs[k]));
    dtypes.push_back(body.arguments[k]);
  }
  ScalarBuilder builder(dtypes);
  std::vector<Scalar> arguments;
  int next = 0;
  for (size_t k = 0; k < used.size(); ++k) {
    // Arguments that are not used stand for nothing; a constant keeps their place.
    arguments.push_back(used[k] ? builder.argument(next++)
                                : builder.constant(body.arguments[k], 0));
  }
  const std::vector<Scalar> all = builder.inline_expr(body, arguments);
  std::vector<Scalar> kept;
  for (size_t r = 0; r < all.size(); ++r) {
    if (live_results[r]) kept.push_back(all[r]);
  }
  const std::vector<Symbol> results = rewriter.target().add(
      "map", inputs, {{"body", std::make_shared<const ScalarExpr>(builder.finish(kept))}},
      node.name);
  size_t k = 0;
  for (size_t r = 0; r < all.size(); ++r) {
    if (live_results[r]) rewriter.replace({index, static_cast<int32_t>(r)}, results[k++]);
  }
}

enum class Fate : uint8_t { kStays, kShrinks, kGoes };

Fate fate_of(const Node& node, const std::vector<bool>& live_results) {
  if (node.is(KernelOp::kInput) || node.is(KernelOp::kVariable)) return Fate::kStays;
  if (!any_live(live_results)) return Fate::kGoes;
  if (!node.is(KernelOp::kMap)) return Fate::kStays;
  const bool all_live = std::ranges::find(live_results, false) == live_results.end();
  const std::vector<bool> used = used_arguments(node.attributes.get_expr("body"), live_results);
  return all_live && std::ranges::find(used, false) == used.end() ? Fate::kStays : Fate::kShrinks;
}

}  // namespace

Graph remove_dead(const Graph& graph, const PassContext&) {
  const Liveness live = find_live_results(graph);
  std::vector<Fate> fates;
  for (int32_t i = 0; i < graph.size(); ++i)
    fates.push_back(fate_of(graph.node(i), live[static_cast<size_t>(i)]));
  if (std::ranges::all_of(fates, [](Fate f) { return f == Fate::kStays; })) return graph;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Fate fate = fates[static_cast<size_t>(index)];
    if (fate == Fate::kShrinks) copy_map(rewriter, index, live[static_cast<size_t>(index)]);
    return fate != Fate::kStays;
  });
}

}  // namespace sinter
