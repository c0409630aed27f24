// How symbols know their graph: by a number, under which nothing is found once the graph is gone.
#pragma once

#include <cstdint>

namespace sinter {

class Graph;

/// Names one graph among all that there are and were.
struct GraphId {
  uint32_t slot = 0, generation = 0;  // odd while the graph lives; 0: no graph
  bool valid() const { return generation != 0; }
  bool operator==(const GraphId&) const = default;
};

/// The graph, or null when it is gone.
Graph* find_graph(GraphId id);

/// Belongs to a graph where it lies: a copy is another graph, and so is what was moved from, moved
/// to or assigned.
class GraphAnchor {
 public:
  GraphAnchor() = default;
  GraphAnchor(const GraphAnchor&) noexcept {}
  GraphAnchor(GraphAnchor&& other) noexcept { other.clear(); }
  GraphAnchor& operator=(const GraphAnchor& other) noexcept {
    if (this != &other) clear();
    return *this;
  }
  GraphAnchor& operator=(GraphAnchor&& other) noexcept {
    clear();
    other.clear();
    return *this;
  }
  ~GraphAnchor() { clear(); }

  /// The number of `graph`, which holds this anchor.
  GraphId id(Graph* graph) {
    if (!id_.valid()) take(graph);
    return id_;
  }

 private:
  void take(Graph* graph);
  void release();
  void clear() {
    if (id_.valid()) release();
  }
  GraphId id_;
};

}  // namespace sinter
