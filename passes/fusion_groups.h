// What fuse_elementwise merges: groups of members over one space (core/region_form.h) that stay
// acyclic and of sensible size.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/graph.h"
#include "passes/partition.h"
#include "passes/readers.h"
#include "passes/region.h"

namespace sinter {

class FusionGroups {
 public:
  FusionGroups(const Graph& graph, int64_t whole_row_columns);

  /// A live node that may become part of a region.
  bool is_member(int32_t node) const {
    return members_[static_cast<size_t>(node)].has_value() && is_live(node);
  }
  const Member& member(int32_t node) const { return *members_[static_cast<size_t>(node)]; }
  bool is_live(int32_t node) const { return live_[static_cast<size_t>(node)]; }
  /// Runs before the steps; never in one region with what does not.
  bool is_prologue(int32_t node) const { return prologue_[static_cast<size_t>(node)]; }
  /// Computes one value a row of its group's space.
  bool is_lifted(int32_t node) const { return lifted_[static_cast<size_t>(node)]; }
  bool is_updated(ValueId id) const { return updated_[static_cast<size_t>(id.node)]; }
  /// By what members read, seen through what a region makes anew.
  const Readers& readers() const { return readers_; }

  const Partition& partition() const { return partition_; }
  int32_t find(int32_t node) const { return partition_.find(node); }
  const Space& space(int32_t group) const { return group_of(group).space; }
  void set_space(int32_t group, Space space) {
    groups_[static_cast<size_t>(group)].space = std::move(space);
  }
  /// Counts merges; when a group was last part of one.
  int64_t clock() const { return clock_; }
  int64_t merged_at(int32_t group) const { return group_of(group).merged_at; }
  bool is_read_outside(ValueId id, int32_t group) const {
    return is_read_outside(id, group, group);
  }

  /// Two groups over one space become one, if they may.
  bool join(int32_t a, int32_t b);
  /// Group `a`, over as many elements as `b` has rows of `row` elements, becomes row work of `b`,
  /// if it may.
  bool lift(int32_t a, int32_t b, int64_t row);
  /// `concat`, all of whose parts are results of the group, becomes one itself, if it may.
  bool take_concat(const Graph& graph, int32_t group, int32_t concat);

 private:
  // A value that a group reads from outside. One that waits is complete only when all rows are
  // done: never inside a region.
  struct Stream {
    ValueId source;
    bool waits = false;
    bool operator==(const Stream&) const = default;
    auto operator<=>(const Stream&) const = default;
  };
  struct Group {
    Space space;
    int64_t merged_at = 0;
    size_t instructions = 0;
    std::vector<Stream> inputs;    // sorted, each once
    std::vector<ValueId> results;  // that are read outside
  };

  const Group& group_of(int32_t group) const { return groups_[static_cast<size_t>(group)]; }
  void add_group(const Graph& graph, int32_t node);
  bool is_read_outside(ValueId id, int32_t a, int32_t b) const;
  bool merge(int32_t a, int32_t b, std::optional<Space> space);
  bool has_few_streams(int32_t a, int32_t b) const;
  std::optional<Group> fitted(int32_t a, int32_t b) const;

  std::vector<std::optional<Member>> members_;
  std::vector<std::vector<ValueId>> reads_;  // of each node, seen through what is made anew
  std::vector<bool> live_, prologue_, lifted_, updated_;
  Readers readers_;
  Partition partition_;
  std::vector<Group> groups_;
  int64_t clock_ = 0;
};

}  // namespace sinter
