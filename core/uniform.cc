// Constants are compared bit by bit.
#include "core/uniform.h"

#include <cmath>

namespace sinter {

std::optional<Number> uniform_number(const Graph& graph, ValueId id) {
  while (graph.node(id).is(KernelOp::kBroadcast) || graph.node(id).is(KernelOp::kReshape)) {
    id = graph.node(id).inputs[0];
  }
  const Node& node = graph.node(id);
  if (!node.is(KernelOp::kConstant)) return std::nullopt;
  const Tensor& value = node.attributes.get<Tensor>("value");
  if (value.elements() == 0 || value.elements() > 4096) return std::nullopt;
  const Number first = value.number(0);
  for (int64_t i = 1; i < value.elements(); ++i) {
    if (value.number(i) != first) return std::nullopt;  // 0 and -0 differ
  }
  return first;
}

std::optional<double> uniform_value(const Graph& graph, ValueId id) {
  const std::optional<Number> number = uniform_number(graph, id);
  if (!number || (!number->is_floating() && std::fabs(number->as_double()) > 0x1p53))
    return std::nullopt;
  return number->as_double();
}

}  // namespace sinter
