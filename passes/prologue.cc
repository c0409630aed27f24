// One walk in topological order.
#include "passes/prologue.h"

#include <algorithm>

namespace sinter {

std::vector<bool> prologue_nodes(const Graph& graph) {
  enum class Kind : uint8_t { kConstant, kFrozen, kChanging };
  std::vector<Kind> kinds(static_cast<size_t>(graph.size()), Kind::kConstant);
  for (int32_t i : graph.inputs()) kinds[static_cast<size_t>(i)] = Kind::kChanging;
  for (int32_t i : graph.variables()) kinds[static_cast<size_t>(i)] = Kind::kFrozen;
  for (const Graph::Update& u : graph.updates()) {
    kinds[static_cast<size_t>(u.variable)] = Kind::kChanging;
  }
  std::vector<bool> result(kinds.size(), false);
  for (size_t i = 0; i < kinds.size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.op->kind == KernelKind::kSource) continue;
    for (ValueId id : node.inputs)
      kinds[i] = std::max(kinds[i], kinds[static_cast<size_t>(id.node)]);
    result[i] = kinds[i] == Kind::kFrozen;
  }
  return result;
}

}  // namespace sinter
