#include "runtime/llvm/plan_kernels.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/prologue.h"
#include "core/region_form.h"
#include "runtime/llvm/loops/plan.h"
#include "runtime/llvm/product_kernel.h"
#include "runtime/llvm/rounding.h"

namespace sinter::codegen {
namespace {

// Is the right side of the product a variable that this graph never changes? Then it is packed
// once.
bool may_pack(const Graph& graph, int32_t node) {
  return is_frozen(graph, graph.node(node).inputs[1]);
}

bool has_empty_value(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  const auto is_empty = [](const ValueType& t) { return t.shape.elements() == 0; };
  return std::any_of(n.types.begin(), n.types.end(), is_empty) ||
         std::any_of(n.inputs.begin(), n.inputs.end(),
                     [&](ValueId v) { return is_empty(graph.type(v)); });
}

std::unique_ptr<KernelPlan> plan_kernel(const Graph& graph, int32_t node, const Cpu& cpu,
                                        bool strict) {
  if (is_contraction(graph.node(node)) && !has_empty_value(graph, node) &&
      why_not_matmul(graph, node, cpu).empty()) {
    return plan_product_kernel(graph, node, cpu, may_pack(graph, node), strict);
  }
  return plan_loops(graph, node);
}

}  // namespace

Target target_for(const Cpu& cpu) {
  return {.name = "llvm",
          .fuses_elementwise = true,
          .fuses_epilogues = true,
          .contracts_bfloat16 = cpu.multiplies_bfloat16};
}

std::string why_not_planned(const Graph& graph, int32_t node) {
  const Node& n = graph.node(node);
  if (n.op->kind == KernelKind::kComposite)
    return fmt::format("'{}' is a composite and must be decomposed first", n.op->name);
  return "";
}

std::vector<std::unique_ptr<KernelPlan>> plan_kernels(const Graph& graph,
                                                      std::span<const int32_t> nodes,
                                                      const Cpu& cpu, bool strict) {
  const std::vector<bool> rounding = rounding_for_products(graph, cpu);
  std::vector<std::unique_ptr<KernelPlan>> plans;
  for (int32_t node : nodes) {
    plans.push_back(plan_kernel(graph, node, cpu, strict));
    plans.back()->rounds_for_products = rounding[static_cast<size_t>(node)];
  }
  return plans;
}

}  // namespace sinter::codegen
