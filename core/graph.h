// Graphs whole: nodes with their attributes and the records of their ops, and what is done with
// graphs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/attribute_value.h"
#include "core/hashed_places.h"
#include "core/op_record.h"
#include "core/shape.h"
#include "core/symbol.h"

namespace sinter {

enum class KernelOp : uint8_t;

struct Node {
  const OpRecord* op = nullptr;
  std::vector<ValueId> inputs;
  Attributes attributes;
  std::vector<ValueType> types;          // one for each result
  std::string name;                      // of inputs and variables: unique; of others: may be empty
  std::shared_ptr<const Origin> origin;  // may be null

  bool is(KernelOp kernel_op) const;
  bool is(std::string_view op_name) const;  // composites and elementwise ops
};

struct Graph::Content {
  std::vector<Node> nodes;
  std::vector<int32_t> inputs;
  std::vector<int32_t> variables;
  std::vector<Output> outputs;
  std::vector<Update> updates;
  HashedPlaces named, output_names, updated;  // nodes, outputs and updates by what is unique
};

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
