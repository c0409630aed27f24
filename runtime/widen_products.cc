// Widening of what products of bfloat16 read, value by value. Saved graphs need it: passes would
// have made no such products for a backend that has no fast ones.
#include "runtime/widen_products.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <span>

#include "core/region_form.h"
#include "core/rewriter.h"

namespace sinter {
namespace {

constexpr size_t kSides = 2;

// Do inputs 0 and 1 of a region go into its product alone?
bool reads_sides_once(const Graph& body) {
  for (size_t side = 0; side < kSides; ++side) {
    const ValueId input{body.inputs()[side], 0};
    for (const Node& node : body.nodes()) {
      if (!node.is(KernelOp::kContract) &&
          std::ranges::find(node.inputs, input) != node.inputs.end())
        return false;
    }
  }
  return true;
}

bool multiplies_bfloat16(const Graph& graph, const Node& node) {
  return is_contraction(node) && graph.type(node.inputs[0]).dtype == DType::kBFloat16 &&
         (node.is(KernelOp::kContract) || reads_sides_once(node.attributes.get_graph("body")));
}

// The region with float32 where its product reads.
Graph widened_body(const Graph& body) {
  return rewrite(body, [&](Rewriter& rewriter, int32_t index) {
    const auto sides = std::span(body.inputs()).first(kSides);
    if (std::ranges::find(sides, index) == sides.end()) return false;
    const Node& node = body.node(index);
    rewriter.replace({index, 0},
                     rewriter.target().input(node.name, {DType::kFloat32, node.types[0].shape}));
    return true;
  });
}

Symbol widened(Symbol value) {
  const bool narrow = value.dtype() == DType::kBFloat16;
  ScalarBuilder builder({value.dtype()});
  const Scalar argument = builder.argument(0);
  const std::array result = {
      builder.cast(narrow ? argument : builder.cast(argument, DType::kBFloat16), DType::kFloat32)};
  return value.graph().add1("map", {value},
                            {{"body", std::make_shared<const ScalarExpr>(builder.finish(result))}});
}

}  // namespace

Graph widen_products(const Graph& graph) {
  const auto narrow = [&](const Node& node) { return multiplies_bfloat16(graph, node); };
  if (std::ranges::none_of(graph.nodes(), narrow)) return graph;
  std::map<ValueId, Symbol> known;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!narrow(node)) return false;
    std::vector<Symbol> inputs = rewriter.map_inputs(node);
    for (size_t side = 0; side < kSides; ++side) {
      const auto [it, added] = known.try_emplace(inputs[side].id(), inputs[side]);
      if (added) it->second = widened(inputs[side]);
      inputs[side] = it->second;
    }
    Attributes attributes = node.attributes;
    if (node.is(KernelOp::kFusion)) {
      attributes.set(
          "body", std::make_shared<const Graph>(widened_body(node.attributes.get_graph("body"))));
    }
    std::vector<ValueId> ids;
    for (const Symbol& s : inputs) ids.push_back(s.id());
    const int32_t wide = rewriter.target().add_node(*node.op, std::move(ids), std::move(attributes),
                                                    node.name, node.origin);
    for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r)
      rewriter.replace({index, r}, ValueId{wide, r});
    return true;
  });
}

}  // namespace sinter
