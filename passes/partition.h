// Groups over an acyclic graph that stay acyclic: what fusion decides with. A group is a set of
// nodes that will become one.
//
// Groups stand in a list in which each comes after all it needs (Pearce and Kelly 2007, A dynamic
// topological sort algorithm). A path between two of them keeps to the part of the list between
// them, so searches are as long as that part, not as the graph; and a search from both ends ends
// with the shorter one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sinter {

class Partition {
 public:
  /// Every node a group of its own; dependencies[i] are the nodes that i needs. They must be
  /// acyclic.
  explicit Partition(std::vector<std::vector<int32_t>> dependencies);

  /// Makes `later` wait for `earlier`, unless `earlier` needs `later`.
  void add_order(int32_t earlier, int32_t later);
  int32_t find(int32_t node) const { return group_[static_cast<size_t>(node)]; }
  const std::vector<int32_t>& members(int32_t group) const {
    return members_[static_cast<size_t>(group)];
  }
  /// Is there a path between two groups that leaves them both? Then merging them would close a
  /// cycle. Says yes too where the answer takes more than some thousand steps: what is not found
  /// out is not merged.
  bool would_cycle(int32_t a, int32_t b);
  /// Makes two groups one, `a`, unless would_cycle(a, b); says whether it did. Members are in order
  /// of their numbers.
  bool merge(int32_t a, int32_t b);
  /// The groups, each after all it needs; among those that are ready, the one with the smallest
  /// last member comes first.
  std::vector<int32_t> order() const;

 private:
  enum class Answer : uint8_t { kPath, kNoPath, kLong };
  // Groups that a search has come by, and edges that it may still follow.
  struct Search {
    std::vector<int32_t> found;
    size_t next = 0;
  };

  void number_trees();
  bool tree_path(int32_t low, int32_t high) const;
  Answer search(int32_t low, int32_t high, bool direct, size_t steps);
  Answer advance(Search& search, bool forward, int32_t low, int32_t high, bool direct,
                 size_t& steps);
  template <typename Visit>
  void each_neighbour(int32_t group, bool forward, const Visit& visit) const;
  void move_beside(std::vector<int32_t> groups, int32_t group, bool after);
  void unlink(int32_t group);
  void number_all();

  std::vector<std::vector<int32_t>> needs_;
  std::vector<std::vector<int32_t>> users_;
  std::vector<int32_t> group_;
  std::vector<std::vector<int32_t>> members_;
  // The list: neighbours, and numbers that grow along it.
  std::vector<int32_t> previous_, next_;
  std::vector<int64_t> place_;
  // Of each node in a depth-first tree: its number and the last number below it.
  std::vector<int32_t> number_, last_;
  std::vector<uint32_t> visited_;  // 2 k by the k-th search forward, 2 k + 1 backward
  uint32_t visit_ = 0;
  Search forward_, backward_;
};

}  // namespace sinter
