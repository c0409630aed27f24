// Walks a graph into settings; interop/json prints them.
#include "frontend/graph_json.h"

#include "core/text.h"
#include "frontend/interop/json.h"

namespace sinter {
namespace {

Config describe(const Graph& graph);

Config describe(const Attributes& attributes);

ConfigValue describe(const AttributeValue& value) {
  switch (static_cast<AttributeType>(value.index())) {
    case AttributeType::kBool: return std::get<bool>(value);
    case AttributeType::kInt: return std::get<int64_t>(value);
    case AttributeType::kFloat: return std::get<double>(value);
    case AttributeType::kString: return std::get<std::string>(value);
    case AttributeType::kInts: return ConfigValue::ints(std::get<std::vector<int64_t>>(value));
    case AttributeType::kShape: return std::get<Shape>(value).to_string();
    case AttributeType::kDType: return std::string(dtype_name(std::get<DType>(value)));
    case AttributeType::kTensor: return to_text(value);
    case AttributeType::kExpr:
      return std::get<std::shared_ptr<const ScalarExpr>>(value)->to_string();
    case AttributeType::kGraph: return describe(*std::get<std::shared_ptr<const Graph>>(value));
    case AttributeType::kOpCall: {
      const OpCall& call = std::get<OpCall>(value);
      Config result{{"op", call.op}};
      if (call.attributes && !call.attributes->values().empty())
        result.set("attributes", describe(*call.attributes));
      return result;
    }
  }
  return {};
}

Config describe(const Attributes& attributes) {
  Config result;
  for (const auto& [name, value] : attributes.values()) result.set(name, describe(value));
  return result;
}

ConfigList describe(ValueId id) { return {ConfigValue(id.node), ConfigValue(id.result)}; }

Config describe(const Node& node) {
  Config result{{"op", node.op->name}};
  if (!node.name.empty()) result.set("name", node.name);
  ConfigList inputs, types;
  for (ValueId id : node.inputs) inputs.emplace_back(describe(id));
  for (const ValueType& type : node.types) types.emplace_back(type.to_string());
  if (!inputs.empty()) result.set("inputs", std::move(inputs));
  if (!node.attributes.values().empty()) result.set("attributes", describe(node.attributes));
  result.set("types", std::move(types));
  if (node.origin && !node.origin->layer.empty()) result.set("layer", node.origin->layer);
  if (node.origin && !node.origin->file.empty())
    result.set("file", node.origin->file).set("line", node.origin->line);
  return result;
}

Config describe(const Graph& graph) {
  ConfigList nodes, outputs, updates;
  for (const Node& node : graph.nodes()) nodes.emplace_back(describe(node));
  for (const Graph::Output& o : graph.outputs())
    outputs.emplace_back(Config{{"name", o.name}, {"value", describe(o.value)}});
  for (const Graph::Update& u : graph.updates()) {
    updates.emplace_back(
        Config{{"variable", graph.node(u.variable).name}, {"value", describe(u.value)}});
  }
  Config result{
      {"name", graph.name()}, {"nodes", std::move(nodes)}, {"outputs", std::move(outputs)}};
  if (!updates.empty()) result.set("updates", std::move(updates));
  return result;
}

}  // namespace

std::string to_json(const Graph& graph, int indent) {
  return to_json_text(describe(graph), indent);
}

}  // namespace sinter
