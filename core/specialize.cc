// Whole-graph conversions: a fixed batch size for the symbolic one, and float64 for float32.
#include <functional>
#include <optional>
#include <variant>

#include "core/error.h"
#include "core/graph.h"
#include "core/rewriter.h"

namespace sinter {
namespace {

using Converter =
    std::function<std::optional<AttributeValue>(const AttributeValue&)>;  // nothing: as it is

// A copy of `graph` in which every attribute went through `convert`; types follow by inference.
Graph with_attributes(const Graph& graph, const Converter& convert,
                      const std::function<bool(Rewriter&, int32_t)>& visit = nullptr) {
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    if (visit && visit(rewriter, index)) return true;
    const Node& node = graph.node(index);
    Attributes attributes = node.attributes;
    bool changed = false;
    for (const auto& [name, value] : node.attributes.values()) {
      std::optional<AttributeValue> converted = convert(value);
      if (!converted) continue;
      attributes.set(name, std::move(*converted));
      changed = true;
    }
    if (!changed) return false;
    std::vector<ValueId> inputs;
    for (const Symbol& s : rewriter.map_inputs(node)) inputs.push_back(s.id());
    const int32_t added = rewriter.target().add_node(*node.op, std::move(inputs),
                                                     std::move(attributes), node.name, node.origin);
    for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r)
      rewriter.replace({index, r}, ValueId{added, r});
    return true;
  });
}

}  // namespace

Graph specialize(const Graph& graph, int64_t batch) {
  if (batch < 0) throw Error("the batch must not be negative, found " + std::to_string(batch));
  const Converter convert = [&](const AttributeValue& value) -> std::optional<AttributeValue> {
    if (const Shape* shape = std::get_if<Shape>(&value); shape != nullptr && !shape->is_static())
      return shape->specialized(batch);
    if (const auto* region = std::get_if<std::shared_ptr<const Graph>>(&value))
      return std::make_shared<const Graph>(specialize(**region, batch));
    return std::nullopt;
  };
  return with_attributes(graph, convert, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!node.is(KernelOp::kSize)) return false;
    const Shape& shape = rewriter.map(node.inputs[0]).shape();
    const int64_t value = shape.dim(axis_of(node.attributes));
    rewriter.replace({index, 0},
                     rewriter.target().constant(Tensor::full(node.types[0].dtype, {}, value)));
    return true;
  });
}

Graph widened(const Graph& graph) {
  const Converter convert = [&](const AttributeValue& value) -> std::optional<AttributeValue> {
    if (const DType* dtype = std::get_if<DType>(&value);
        dtype != nullptr && *dtype == DType::kFloat32)
      return DType::kFloat64;
    if (const Tensor* tensor = std::get_if<Tensor>(&value);
        tensor != nullptr && tensor->dtype() == DType::kFloat32)
      return tensor->cast(DType::kFloat64);
    if (const auto* expr = std::get_if<std::shared_ptr<const ScalarExpr>>(&value))
      return std::make_shared<const ScalarExpr>((*expr)->widened());
    if (const auto* region = std::get_if<std::shared_ptr<const Graph>>(&value))
      return std::make_shared<const Graph>(widened(**region));
    return std::nullopt;
  };
  return with_attributes(graph, convert);
}

bool has_symbolic_batch(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    for (const ValueType& type : node.types) {
      if (!type.shape.is_static()) return true;
    }
  }
  return false;
}

}  // namespace sinter
