// The edges of a graph: what each node needs, and who reads each value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/graph.h"
#include "passes/partition.h"

namespace sinter {

/// Of each node the nodes that it reads, once for each value.
std::vector<std::vector<int32_t>> dependencies(const Graph& graph);

class Readers {
 public:
  explicit Readers(const Graph& graph);
  /// Of a graph seen otherwise: node i reads `reads[i]`, and nothing where it is not live.
  Readers(const Graph& graph, const std::vector<std::vector<ValueId>>& reads,
          const std::vector<bool>& live);

  /// In order of their numbers; a node that reads the value twice is there twice.
  std::span<const int32_t> of(ValueId id) const;
  /// Is it an output of the graph or the new value of a variable?
  bool is_kept(ValueId id) const { return kept_[slot(id)]; }

 private:
  size_t slot(ValueId id) const {
    return first_[static_cast<size_t>(id.node)] + static_cast<size_t>(id.result);
  }
  template <typename EachRead>
  void fill(const Graph& graph, const EachRead& each_read);

  std::vector<size_t> first_;  // slot of result 0 of a node
  std::vector<size_t> begin_;  // of a slot, in readers_; one more at the end
  std::vector<int32_t> readers_;
  std::vector<bool> kept_;  // by slot
};

/// Whatever reads a variable comes before its new value is made: then the update can be done in
/// place.
void order_updates(Partition& partition, const Graph& graph, const Readers& readers);

}  // namespace sinter
