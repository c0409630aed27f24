// Constants are compared bit by bit.
#include "passes/uniform.h"

#include <bit>
#include <cmath>

namespace sinter {

std::optional<double> uniform_value(const Graph& graph, ValueId id) {
  while (graph.node(id).is("broadcast") || graph.node(id).is("reshape")) {
    id = graph.node(id).inputs[0];
  }
  const Node& node = graph.node(id);
  if (!node.is("constant")) return std::nullopt;
  const Tensor& value = node.attributes.get<Tensor>("value");
  if (value.elements() == 0 || value.elements() > 4096) return std::nullopt;
  const double first = value.at(0);
  if (value.dtype() == DType::kInt64 && std::fabs(first) > 0x1p53) return std::nullopt;
  for (int64_t i = 1; i < value.elements(); ++i) {
    // By bits, so that 0 and -0 differ.
    if (std::bit_cast<int64_t>(value.at(i)) != std::bit_cast<int64_t>(first)) return std::nullopt;
  }
  return first;
}

}  // namespace sinter
