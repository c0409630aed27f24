// Groups over an acyclic graph that stay acyclic: what fusion decides with. A group is a set of
// nodes that will become one.
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
  int32_t find(int32_t node) const;
  const std::vector<int32_t>& members(int32_t group) const {
    return members_[static_cast<size_t>(group)];
  }
  /// Is there a path between two groups that leaves them both? Then merging them would close a
  /// cycle.
  bool would_cycle(int32_t a, int32_t b);
  /// Makes one group of two; returns it. Members are in order of their numbers.
  int32_t merge(int32_t a, int32_t b);
  /// The groups, each after all it needs; among those that are ready, the one with the smallest
  /// last member comes first.
  std::vector<int32_t> order() const;

 private:
  bool reaches_around(int32_t from, int32_t to);

  std::vector<std::vector<int32_t>> needs_;
  std::vector<std::vector<int32_t>> users_;
  std::vector<int32_t> group_;
  std::vector<std::vector<int32_t>> members_;
  std::vector<uint32_t> visited_;
  uint32_t visit_ = 0;
};

}  // namespace sinter
