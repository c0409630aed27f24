// fuse_dense: dense followed by an activation becomes dense{activation}, for backends that run both
// in one primitive.
#include <algorithm>
#include <array>

#include "core/rewriter.h"
#include "passes/passes.h"
#include "passes/region.h"

namespace sinter {
namespace {

bool is_activation(const Node& node) {
  return node.op->is_elementwise() && node.op->max_inputs == 1 && node.inputs.size() == 1;
}

// Does the node apply an activation to a dense layer without one?
bool follows_dense(const Graph& graph, const Node& node) {
  if (!is_activation(node)) return false;
  const Node& dense = graph.node(node.inputs[0]);
  return dense.is("dense") && dense.attributes.get<OpCall>("activation").op == "linear" &&
         node.types[0] == dense.types[0];
}

}  // namespace

Graph fuse_dense(const Graph& graph, const PassContext& context) {
  std::vector<bool> fuses(static_cast<size_t>(graph.size()), false);
  const std::vector<std::vector<int32_t>> uses = graph.use_counts();
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (!follows_dense(graph, node)) continue;
    fuses[static_cast<size_t>(i)] = uses[static_cast<size_t>(node.inputs[0].node)][0] == 1;
    if (!fuses[static_cast<size_t>(i)])
      add_remark(context, "fuse_dense", node, "the result of the dense is used elsewhere too");
  }
  if (std::ranges::find(fuses, true) == fuses.end()) return graph;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    if (!fuses[static_cast<size_t>(index)]) return false;
    const Node& node = graph.node(index);
    const ValueId from = node.inputs[0];
    const Node& dense = graph.node(from);
    const OpCall activation{node.op->name,
                            node.attributes.values().empty()
                                ? nullptr
                                : std::make_shared<const Attributes>(node.attributes)};
    const std::array<int32_t, 2> nodes = {from.node, index};
    rewriter.target().set_origin(joined_origin(graph, nodes));
    const Symbol fused = rewriter.target().add1("dense", rewriter.map_inputs(dense),
                                                {{"activation", activation}}, dense.name);
    // A backend that runs the dense but not with this activation keeps the dense.
    if (context.is_claimed(graph, from.node) &&
        !context.is_claimed(rewriter.target(), fused.id().node))
      return false;
    rewriter.replace({index, 0}, fused);
    return true;
  });
}

}  // namespace sinter
