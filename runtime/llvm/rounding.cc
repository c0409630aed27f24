#include "runtime/llvm/rounding.h"

#include <algorithm>

#include "runtime/llvm/cpu.h"
#include "runtime/llvm/matmul_kernel.h"

namespace sinter::codegen {
namespace {

bool is_narrow(const Graph& graph, ValueId value) {
  return graph.type(value).dtype == DType::kBFloat16;
}

// Does the node read bfloat16 for anything but a product that VDPBF16PS computes?
bool reads_otherwise(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  if (std::ranges::none_of(node.inputs, [&](ValueId v) { return is_narrow(graph, v); }))
    return false;
  if (!is_matmul(graph, index) || !why_not_matmul(graph, index, host_cpu()).empty()) return true;
  if (node.is("contract")) return false;
  const Graph& body = node.attributes.get_graph("body");
  return std::ranges::any_of(body.nodes(), [&](const Node& inner) {
    return !inner.is("contract") &&
           std::ranges::any_of(inner.inputs, [&](ValueId v) { return is_narrow(body, v); });
  });
}

// Does the node itself read what it has rounded?
bool widens(const Node& node) {
  if (node.is("map")) {
    const ScalarExpr& body = node.attributes.get_expr("body");
    return std::ranges::any_of(body.instructions, [&](const ScalarInstruction& i) {
      return i.op == ScalarOp::kCast &&
             body.instructions[static_cast<size_t>(i.operands[0])].dtype == DType::kBFloat16;
    });
  }
  return node.is("fusion") &&
         std::ranges::any_of(node.attributes.get_graph("body").nodes(), widens);
}

}  // namespace

bool rounds_for_products(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (!host_cpu().multiplies_bfloat16 || (!n.is("map") && !n.is("fusion")) || widens(n))
    return false;
  const auto is_result = [&](ValueId v) { return v.node == node && is_narrow(graph, v); };
  const auto leaves = [&](const auto& end) { return is_result(end.value); };
  bool rounds = false;
  for (const ValueType& type : n.types) rounds = rounds || type.dtype == DType::kBFloat16;
  if (!rounds || std::ranges::any_of(graph.outputs(), leaves) ||
      std::ranges::any_of(graph.updates(), leaves))
    return false;
  for (int32_t other = node + 1; other < graph.size(); ++other) {
    if (std::ranges::any_of(graph.node(other).inputs, is_result) && reads_otherwise(graph, other))
      return false;
  }
  return true;
}

}  // namespace sinter::codegen
