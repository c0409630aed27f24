// Copies a graph node by node while a pass substitutes values: the tool every pass is made with.
#pragma once

#include <functional>
#include <vector>

#include "core/graph.h"

namespace sinter {

class Rewriter {
 public:
  explicit Rewriter(const Graph& source);
  Rewriter(const Rewriter&) = delete;
  const Graph& source() const { return source_; }
  Graph& target() { return target_; }

  /// What `old` of the source has become; must have been copied or replaced before.
  Symbol map(ValueId old);
  bool mapped(ValueId old) const { return map_[place(old)].valid(); }
  std::vector<Symbol> map_inputs(const Node& node);
  void replace(ValueId old, ValueId value) { map_[place(old)] = value; }
  void replace(ValueId old, Symbol value) { replace(old, value.id()); }
  /// Copies node `index` with mapped inputs; its types are inferred again.
  void copy(int32_t index);
  /// Sets outputs and updates through the map and gives the new graph.
  Graph finish();

 private:
  size_t place(ValueId old) const {
    return static_cast<size_t>(first_[static_cast<size_t>(old.node)] + old.result);
  }

  const Graph& source_;
  Graph target_;
  std::vector<int32_t> first_;  // where the results of each node begin in map_
  std::vector<ValueId> map_;
};

/// Walks the nodes in order. `visit` returns true when it has replaced all results of the node;
/// otherwise the node is copied. New nodes get the origin of the node that is visited.
Graph rewrite(const Graph& source, const std::function<bool(Rewriter&, int32_t)>& visit);

/// Copies `region`'s nodes into `target`, its inputs replaced by `arguments`; returns the symbols
/// of its outputs.
std::vector<Symbol> inline_graph(Graph& target, const Graph& region,
                                 std::span<const Symbol> arguments);

}  // namespace sinter
