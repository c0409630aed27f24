// lower_precision: contractions multiply bfloat16 and add in float32, everything else stays
// float32.
//
// A target without fast bfloat16 products gets the same products: operands rounded to bfloat16 and
// back, multiplied as float32.
//
// The operands are rounded where they are read; the passes after this one merge equal roundings and
// move each into the kernel that makes the value. Variables stay float32 (master weights), and so
// do sums, activations, losses and gradients: Micikevicius et al., "Mixed precision training",
// 2018, section 3.1; Kalamkar et al., "A study of bfloat16 for deep learning training", 2019.
#include <array>

#include "core/rewriter.h"
#include "ops/define.h"
#include "passes/passes.h"

namespace sinter {

namespace {

// A map, since elementwise ops have been expanded by now.
Symbol rounded(Symbol x, bool widen) {
  ScalarBuilder builder({x.dtype()});
  const Scalar narrow = cast(builder.arguments()[0], DType::kBFloat16);
  const std::array<Scalar, 1> result = {widen ? cast(narrow, x.dtype()) : narrow};
  return ops::add_map(x.graph(), std::array{x}, builder.finish(result))[0];
}

// Is this a value of bfloat16 already, widened to float32?
bool is_rounded(const Graph& graph, ValueId value) {
  const Node& node = graph.node(value);
  if (!node.is(KernelOp::kMap)) return false;
  const ScalarExpr& body = node.attributes.get_expr("body");
  const ScalarInstruction& result =
      body.instructions[static_cast<size_t>(body.results[static_cast<size_t>(value.result)])];
  return result.op == ScalarOp::kCast &&
         body.instructions[static_cast<size_t>(result.operands[0])].dtype == DType::kBFloat16;
}

}  // namespace

Graph lower_precision(const Graph& graph, const PassContext& context) {
  if (context.mixed_precision.empty()) return graph;
  const bool widen = context.target == nullptr || !context.target->contracts_bfloat16;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!node.is(KernelOp::kContract) || graph.type(node.inputs[0]).dtype != DType::kFloat32)
      return false;
    if (is_rounded(graph, node.inputs[0]) && is_rounded(graph, node.inputs[1])) return false;
    const std::vector<Symbol> in = rewriter.map_inputs(node);
    rewriter.replace({index, 0}, rewriter.target().add1(
                                     "contract", {rounded(in[0], widen), rounded(in[1], widen)},
                                     node.attributes));
    return true;
  });
}

}  // namespace sinter
