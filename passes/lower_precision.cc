// lower_precision: contractions multiply bfloat16 and add in float32, everything else stays float32.
//
// The operands are rounded where they are read; the passes after this one merge equal roundings and move each into the kernel that
// makes the value. Variables stay float32 (master weights), and so do sums, activations, losses and gradients: Micikevicius et al.,
// "Mixed precision training", 2018, section 3.1; Kalamkar et al., "A study of bfloat16 for deep learning training", 2019.
#include <array>

#include "core/rewriter.h"
#include "ops/define.h"
#include "passes/passes.h"

namespace sinter {

namespace {

// A map, since elementwise ops have been expanded by now.
Symbol rounded(Symbol x) {
  ScalarBuilder builder({x.dtype()});
  const std::array<Scalar, 1> result = {cast(builder.arguments()[0], DType::kBFloat16)};
  return ops::add_map(x.graph(), std::array{x}, builder.finish(result))[0];
}

}  // namespace

Graph lower_precision(const Graph& graph, const PassContext& context) {
  if (context.mixed_precision.empty()) return graph;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!node.is("contract") || graph.type(node.inputs[0]).dtype != DType::kFloat32) return false;
    const std::vector<Symbol> in = rewriter.map_inputs(node);
    rewriter.replace({index, 0}, rewriter.target().add1("contract", {rounded(in[0]), rounded(in[1])}, node.attributes));
    return true;
  });
}

}  // namespace sinter
