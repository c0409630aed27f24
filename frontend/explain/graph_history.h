// A graph before and after each pass, with nodes that keep their numbers: what a pass added, took
// away, fused and connected anew. `sinter dump --all-passes` and `sinter explain` show it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/graph.h"

namespace sinter {

/// What the step before a stage did to a node.
enum class NodeChange : uint8_t {
  kNone,
  kAdded,
  kFused,    // added, and a region of several ops
  kRewired,  // the same op on other operands
};

struct HistoryStage {
  struct Removed {
    int32_t number = -1;
    int32_t into = -1;  // the node that computes it now, where that is known
  };
  std::string name;  // "as built", or the pass
  Graph graph;
  std::vector<int32_t> numbers;  // of the nodes of `graph`
  std::vector<NodeChange> changes;
  std::vector<Removed> removed;
  bool unchanged = false;  // equal to the stage before
};

class GraphHistory {
 public:
  /// The graph after one more pass. Nodes with the same op, attributes, types and origin as one of
  /// the stage before have its number: the one with the same operands, else the one with most of
  /// them.
  void add(std::string name, Graph graph);
  const std::vector<HistoryStage>& stages() const { return stages_; }
  /// Of all nodes that any stage has.
  int32_t size() const { return next_; }

 private:
  std::vector<HistoryStage> stages_;
  int32_t next_ = 0;
};

/// "%12 = add(%3, %dense/bias) : float32[128] @ 'dense'": node `index` of a stage by the numbers of
/// the history; sources by name.
std::string line_of_node(const HistoryStage& stage, int32_t index);
/// What differs from the stage before, one line a node: "- " removed, "+ " added, "* " fused, "~ "
/// other operands; then outputs and updates that come from elsewhere.
std::string difference_text(const HistoryStage& before, const HistoryStage& after);

}  // namespace sinter
