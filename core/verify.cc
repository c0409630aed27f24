// The checks that hold for every legal graph, run after each pass.
#include <fmt/format.h>

#include <set>
#include <variant>

#include "core/error.h"
#include "core/graph.h"

namespace sinter {

void verify(const Graph& graph, std::string_view stage) {
  const auto require = [&](bool condition, int32_t index, const std::string& what) {
    if (condition) return;
    throw InternalError(fmt::format("graph '{}' is not legal after {}: node {} ({}): {}",
                                    graph.name(), stage, index,
                                    index >= 0 ? graph.node(index).op->name : "-", what));
  };
  std::set<std::string> names;
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    require(node.op != nullptr, i, "no op record");
    std::vector<ValueType> types;
    for (ValueId id : node.inputs) {
      require(id.node >= 0 && id.node < i, i, "an input that does not come before it");
      require(id.result >= 0 && id.result < static_cast<int32_t>(graph.node(id).types.size()), i,
              "an input that does not exist");
      types.push_back(graph.type(id));
    }
    if (node.op->shape)
      require(node.op->shape(types, node.attributes) == node.types, i,
              "its types are not those of its shape rule");
    if (node.op->kind == KernelKind::kSource && !node.is(KernelOp::kConstant))
      require(names.insert(node.name).second, i, "its name is not unique");
    if (const AttributeValue* body = node.attributes.find("body")) {
      if (const auto* region = std::get_if<std::shared_ptr<const Graph>>(body))
        verify(**region, stage);
    }
  }
  const auto exists = [&](ValueId id) {
    return id.node >= 0 && id.node < graph.size() && id.result >= 0 &&
           id.result < static_cast<int32_t>(graph.node(id).types.size());
  };
  for (const Graph::Output& o : graph.outputs())
    require(exists(o.value), -1, "output '" + o.name + "' does not exist");
  std::set<int32_t> updated;
  for (const Graph::Update& u : graph.updates()) {
    require(u.variable >= 0 && u.variable < graph.size() &&
                graph.node(u.variable).is(KernelOp::kVariable),
            -1, "an update of no variable");
    require(exists(u.value) && graph.type(u.value) == graph.type({u.variable, 0}), u.variable,
            "an update of another type");
    require(updated.insert(u.variable).second, u.variable, "two updates");
  }
}

}  // namespace sinter
