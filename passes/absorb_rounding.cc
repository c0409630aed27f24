// absorb_rounding: a right side that is rounded to bfloat16 for products alone is rounded by these
// products, as they pack it.
//
// This runs once the fusing of elementwise work has moved the other roundings into the kernels that
// make their values: what is left are roundings of variables and inputs, which would be kernels of
// their own.
#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

bool is_rounding(const Graph& graph, const Node& node) {
  if (!node.is(KernelOp::kMap) || node.inputs.size() != 1 ||
      graph.type(node.inputs[0]).dtype != DType::kFloat32)
    return false;
  const ScalarExpr& body = node.attributes.get_expr("body");
  if (body.results.size() != 1) return false;
  const ScalarInstruction& result = body.instructions[static_cast<size_t>(body.results[0])];
  return result.op == ScalarOp::kCast && result.dtype == DType::kBFloat16 &&
         body.instructions[static_cast<size_t>(result.operands[0])].op == ScalarOp::kArgument;
}

// For each node: a rounding that nothing reads but products, on their right?
std::vector<bool> absorbable(const Graph& graph) {
  std::vector<bool> result;
  for (const Node& node : graph.nodes()) result.push_back(is_rounding(graph, node));
  const auto keep = [&](ValueId value) { result[static_cast<size_t>(value.node)] = false; };
  for (const Node& node : graph.nodes()) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.is(KernelOp::kContract) || i != 1) keep(node.inputs[i]);
    }
  }
  for (const Graph::Output& output : graph.outputs()) keep(output.value);
  for (const Graph::Update& update : graph.updates()) keep(update.value);
  return result;
}

}  // namespace

Graph absorb_rounding(const Graph& graph, const PassContext& context) {
  if (context.target == nullptr || !context.target->contracts_bfloat16) return graph;
  const std::vector<bool> absorbed = absorbable(graph);
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!node.is(KernelOp::kContract) || !absorbed[static_cast<size_t>(node.inputs[1].node)])
      return false;
    const Symbol rhs = rewriter.map(graph.node(node.inputs[1]).inputs[0]);
    rewriter.replace(
        {index, 0},
        rewriter.target().add1("contract", {rewriter.map(node.inputs[0]), rhs}, node.attributes));
    return true;
  });
}

}  // namespace sinter
