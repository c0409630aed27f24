// to_inference: batch normalization uses its moving averages, and leaves them as they are.
#include "core/rewriter.h"
#include "ops/ops.h"
#include "passes/passes.h"

namespace sinter {

Graph to_inference(const Graph& graph, const PassContext&) {
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!node.is("batch_norm")) return false;
    const std::vector<Symbol> in = rewriter.map_inputs(node);  // x, gamma, beta, mean, variance
    const Symbol y =
        batch_norm_inference(in[0], in[1], in[2], in[3], in[4],
                             node.attributes.get_float("epsilon"), axis_of(node.attributes));
    rewriter.replace({index, 0}, y);
    rewriter.replace({index, 1}, in[3]);
    rewriter.replace({index, 2}, in[4]);
    return true;
  });
}

}  // namespace sinter
