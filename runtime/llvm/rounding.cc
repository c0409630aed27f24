#include "runtime/llvm/rounding.h"

#include <algorithm>

#include "core/region_form.h"
#include "runtime/llvm/product_kernel.h"

namespace sinter::codegen {
namespace {

bool is_narrow(const Graph& graph, ValueId value) {
  return graph.type(value).dtype == DType::kBFloat16;
}

// Does the node read bfloat16 for anything but a product that VDPBF16PS computes?
bool reads_otherwise(const Graph& graph, int32_t index, const Cpu& cpu) {
  const Node& node = graph.node(index);
  if (std::ranges::none_of(node.inputs, [&](ValueId v) { return is_narrow(graph, v); }))
    return false;
  if (!is_contraction(node) || !why_not_matmul(graph, index, cpu).empty()) return true;
  if (node.is(KernelOp::kContract)) return false;
  const Graph& body = node.attributes.get_graph("body");
  return std::ranges::any_of(body.nodes(), [&](const Node& inner) {
    return !inner.is(KernelOp::kContract) &&
           std::ranges::any_of(inner.inputs, [&](ValueId v) { return is_narrow(body, v); });
  });
}

// Does the node itself read what it has rounded?
bool widens(const Node& node) {
  if (node.is(KernelOp::kMap)) {
    const ScalarExpr& body = node.attributes.get_expr("body");
    return std::ranges::any_of(body.instructions, [&](const ScalarInstruction& i) {
      return i.op == ScalarOp::kCast &&
             body.instructions[static_cast<size_t>(i.operands[0])].dtype == DType::kBFloat16;
    });
  }
  return node.is(KernelOp::kFusion) &&
         std::ranges::any_of(node.attributes.get_graph("body").nodes(), widens);
}

// May the node's roundings be those of products, as far as it can tell itself?
bool rounds(const Node& node) {
  return (node.is(KernelOp::kMap) || node.is(KernelOp::kFusion)) && !widens(node) &&
         std::ranges::any_of(node.types,
                             [](const ValueType& t) { return t.dtype == DType::kBFloat16; });
}

}  // namespace

std::vector<bool> rounding_for_products(const Graph& graph, const Cpu& cpu) {
  std::vector<bool> result(static_cast<size_t>(graph.size()), false);
  if (!cpu.multiplies_bfloat16) return result;
  const auto is_read = [&](ValueId value) {
    if (is_narrow(graph, value)) result[static_cast<size_t>(value.node)] = false;
  };
  for (int32_t i = 0; i < graph.size(); ++i) {
    result[static_cast<size_t>(i)] = rounds(graph.node(i));
    if (!reads_otherwise(graph, i, cpu)) continue;
    for (ValueId value : graph.node(i).inputs) is_read(value);
  }
  for (const Graph::Output& output : graph.outputs()) is_read(output.value);
  for (const Graph::Update& update : graph.updates()) is_read(update.value);
  return result;
}

}  // namespace sinter::codegen
