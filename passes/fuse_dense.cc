// fuse_dense: dense followed by an activation becomes dense{activation}, for backends that run both
// in one primitive.
#include <array>

#include "core/rewriter.h"
#include "passes/passes.h"
#include "passes/region.h"

namespace sinter {
namespace {

bool is_activation(const Node& node) {
  return node.op->is_elementwise() && node.op->max_inputs == 1 && node.inputs.size() == 1;
}

bool is_claimed(const Graph& graph, int32_t node, const PassContext& context) {
  return context.target != nullptr && context.target->claims && context.target->claims(graph, node);
}

}  // namespace

Graph fuse_dense(const Graph& graph, const PassContext& context) {
  const std::vector<std::vector<int32_t>> uses = graph.use_counts();
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!is_activation(node)) return false;
    const ValueId from = node.inputs[0];
    const Node& dense = graph.node(from);
    if (!dense.is("dense") || dense.attributes.get<OpCall>("activation").op != "linear")
      return false;
    if (node.types[0] != dense.types[0]) return false;
    if (uses[static_cast<size_t>(from.node)][0] != 1) {
      add_remark(context, "fuse_dense", node, "the result of the dense is used elsewhere too");
      return false;
    }
    const OpCall activation{node.op->name,
                            node.attributes.values().empty()
                                ? nullptr
                                : std::make_shared<const Attributes>(node.attributes)};
    const std::array<int32_t, 2> nodes = {from.node, index};
    rewriter.target().set_origin(joined_origin(graph, nodes));
    const Symbol fused = rewriter.target().add1("dense", rewriter.map_inputs(dense),
                                                {{"activation", activation}}, dense.name);
    // A backend that runs the dense but not with this activation keeps the dense.
    if (is_claimed(graph, from.node, context) &&
        !is_claimed(rewriter.target(), fused.id().node, context))
      return false;
    rewriter.replace({index, 0}, fused);
    return true;
  });
}

}  // namespace sinter
