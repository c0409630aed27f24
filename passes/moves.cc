#include "passes/moves.h"

namespace sinter {
namespace {

constexpr size_t kMostMoves = 32;

}  // namespace

std::vector<int32_t> moves_before(const Graph& graph, ValueId operand) {
  std::vector<int32_t> nodes = {operand.node};
  while (nodes.size() <= kMostMoves && is_move(graph.node(nodes.back())))
    nodes.push_back(graph.node(nodes.back()).inputs[0].node);
  return nodes;
}

std::optional<View> view_along(const Graph& graph, std::span<const int32_t> nodes, View view) {
  for (size_t k = nodes.size() - 1; k-- > 0;) {
    std::optional<View> next = view_through(graph, graph.node(nodes[k]), view);
    if (!next) return std::nullopt;
    view = std::move(*next);
  }
  return view;
}

}  // namespace sinter
