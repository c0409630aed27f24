// Where the values of a region lie in one common iteration space: the first half of building a
// cluster.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/graph.h"
#include "runtime/llvm/loops/build.h"

namespace sinter::codegen {

using DimSet = uint64_t;  // of dimensions of the space

/// Values that are read by address (slices and other views, gathers, random states) are no part of
/// the space.
bool reads_raw(const Node& n, size_t input);

class ClusterSpace {
 public:
  explicit ClusterSpace(const Region& region) : region_(region), graph_(*region.graph) {}

  /// Values with the most elements, those of different shapes first. The space may be that of any
  /// of them, but not every one of them tells where the others lie: a reduction of a dimension of 1
  /// keeps the element count, yet only its input places its result.
  static std::vector<ValueId> candidates(const Region& region);

  /// Takes the dimensions (other than 1) of `root` as the space and places every value of the
  /// region in it. False when they do not fit.
  bool place(ValueId root);

  const std::vector<int64_t>& dims() const { return dims_; }
  bool has(ValueId v) const { return placed_.contains(v); }
  /// For each dimension of the value: which of the space it is, -1 where its size is 1.
  const std::vector<int>& axes(ValueId v) const { return placed_.at(v); }
  DimSet dims_of(ValueId v) const;
  /// The dimensions of the space that a reduce node reduces.
  DimSet reduced_by(const Node& n) const;
  /// Does the region gather many rows of few columns, as pixels of three channels? Then lanes
  /// should hold rows side by side: columns fill no vector, and what is gathered differs by row.
  bool gathers_pixels(int rows, int columns) const;

 private:
  const std::vector<int>* find(ValueId v) const;
  void set(ValueId v, const std::vector<int>& axes);
  void place_node(int32_t i);
  void place_map(int32_t i);
  void place_broadcast(int32_t i);
  void place_reduce(int32_t i);
  void place_transpose(int32_t i);
  void place_reshape(ValueId from, ValueId to);
  bool all_placed() const;
  const Shape& shape(ValueId v) const { return graph_.type(v).shape; }

  const Region& region_;
  const Graph& graph_;
  std::vector<int64_t> dims_;
  std::map<ValueId, std::vector<int>> placed_;
  bool changed_ = false, conflict_ = false;
};

}  // namespace sinter::codegen
