// One walk in topological order.
#include "core/prologue.h"

#include <algorithm>
#include <unordered_set>

namespace sinter {

namespace {

enum class Kind : uint8_t { kConstant, kFrozen, kChanging };

// What each node depends on at most.
std::vector<Kind> node_kinds(const Graph& graph) {
  std::vector<Kind> kinds(static_cast<size_t>(graph.size()), Kind::kConstant);
  for (int32_t i : graph.inputs()) kinds[static_cast<size_t>(i)] = Kind::kChanging;
  for (int32_t i : graph.variables()) kinds[static_cast<size_t>(i)] = Kind::kFrozen;
  for (const Graph::Update& u : graph.updates()) {
    kinds[static_cast<size_t>(u.variable)] = Kind::kChanging;
  }
  for (size_t i = 0; i < kinds.size(); ++i) {
    for (ValueId id : graph.nodes()[i].inputs)
      kinds[i] = std::max(kinds[i], kinds[static_cast<size_t>(id.node)]);
  }
  return kinds;
}

}  // namespace

std::vector<bool> prologue_nodes(const Graph& graph) {
  std::vector<bool> result;
  for (Kind kind : node_kinds(graph)) {
    const Node& node = graph.nodes()[result.size()];
    result.push_back(kind == Kind::kFrozen && node.op->kind != KernelKind::kSource);
  }
  return result;
}

std::vector<bool> frozen_nodes(const Graph& graph) {
  std::vector<bool> result;
  for (Kind kind : node_kinds(graph)) result.push_back(kind != Kind::kChanging);
  return result;
}

bool is_frozen(const Graph& graph, ValueId value) {
  // Upwards from the value: as a rule the first way that is taken ends at what decides.
  std::vector<int32_t> stack = {value.node};
  std::unordered_set<int32_t> seen;
  while (!stack.empty()) {
    const int32_t index = stack.back();
    stack.pop_back();
    if (!seen.insert(index).second) continue;
    const Node& node = graph.node(index);
    if (node.is(KernelOp::kInput) || graph.find_update(index) >= 0) return false;
    for (ValueId id : node.inputs) stack.push_back(id.node);
  }
  return true;
}

}  // namespace sinter
