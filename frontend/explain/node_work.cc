#include "frontend/explain/node_work.h"

#include <algorithm>
#include <set>

#include "core/kernel_ops.h"
#include "core/scalar_expr.h"

namespace sinter {
namespace {

bool is_static(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  return std::ranges::all_of(node.types, [](const ValueType& t) { return t.shape.is_static(); }) &&
         std::ranges::all_of(node.inputs,
                             [&](ValueId v) { return graph.type(v).shape.is_static(); });
}

int64_t scalar_ops(const ScalarExpr& body) {
  return std::ranges::count_if(body.instructions, [](const ScalarInstruction& instruction) {
    return scalar_op_arity(instruction.op) > 0;
  });
}

}  // namespace

std::optional<int64_t> flops_of_node(const Graph& graph, int32_t index) {
  if (!is_static(graph, index)) return std::nullopt;
  const Node& node = graph.node(index);
  const int64_t results = node.types.empty() ? 0 : node.types[0].shape.elements();
  if (node.is(KernelOp::kContract)) {
    int64_t depth = 1;
    for (const int64_t axis : node.attributes.get_ints("lhs_contract"))
      depth *= graph.type(node.inputs[0]).shape.dim(static_cast<int>(axis));
    return 2 * results * depth;
  }
  switch (node.op->kind) {
    case KernelKind::kComposite: return std::nullopt;
    case KernelKind::kMap: return results * scalar_ops(node.attributes.get_expr("body"));
    case KernelKind::kReduce:
    case KernelKind::kScatter: return graph.type(node.inputs.back()).shape.elements();
    case KernelKind::kFusion: {
      const Graph& body = node.attributes.get_graph("body");
      int64_t sum = 0;
      for (int32_t i = 0; i < body.size(); ++i) sum += flops_of_node(body, i).value_or(0);
      return sum;
    }
    default: return 0;
  }
}

std::optional<int64_t> bytes_of_node(const Graph& graph, int32_t index) {
  if (!is_static(graph, index)) return std::nullopt;
  const Node& node = graph.node(index);
  int64_t sum = 0;
  for (const ValueType& type : node.types) sum += type.bytes();
  for (const ValueId input : std::set<ValueId>(node.inputs.begin(), node.inputs.end()))
    sum += graph.type(input).bytes();
  return sum;
}

}  // namespace sinter
