// Graphs whole: nodes with their attributes and the records of their ops, and what is done with
// graphs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/attribute_value.h"
#include "core/op_record.h"
#include "core/shape.h"
#include "core/symbol.h"

namespace sinter {

class OriginScope {
 public:
  OriginScope(Graph& graph, std::shared_ptr<const Origin> origin)
      : graph_(graph), saved_(graph.origin()) {
    graph.set_origin(std::move(origin));
  }
  OriginScope(const OriginScope&) = delete;
  ~OriginScope() { graph_.set_origin(saved_); }

 private:
  Graph& graph_;
  std::shared_ptr<const Origin> saved_;
};

/// Same nodes, attributes, types, names, outputs and updates (origins are not compared).
bool equal_graphs(const Graph& a, const Graph& b);

/// Raises InternalError when the graph is not legal: order, arity, types as inferred, unique names
/// of inputs and variables, at most one update a variable. `stage` is named in the message.
void verify(const Graph& graph, std::string_view stage);

/// The graph for a fixed batch size: every symbolic dimension is replaced, types are inferred
/// again, `size` nodes become constants.
Graph specialize(const Graph& graph, int64_t batch);
/// Every float32 becomes float64: the same mathematics as a double reference.
Graph widened(const Graph& graph);
/// Does any shape in the graph hold the symbolic batch dimension?
bool has_symbolic_batch(const Graph& graph);

/// 64-bit content hash over ops, attributes, types, wiring, outputs and updates (not names of plain
/// nodes, not origins).
uint64_t hash_graph(const Graph& graph);

}  // namespace sinter
