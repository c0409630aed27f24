// How an operand is read: an affine map from an iteration space to the elements of a dense value.
// Slices, transposes, broadcasts, overlapping windows and most reshapes are views, and views
// compose: any chain of them reads the elements of the first value, without a copy between.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/graph.h"

namespace sinter {

/// At `index` of the iteration space, element `offset + sum index[d] * strides[d]` of a dense value
/// in row-major order.
struct View {
  std::vector<int64_t> extents;  // of the iteration space
  std::vector<int64_t> strides;  // in elements; 0: the same all along the dimension
  int64_t offset = 0;

  /// A value of this shape, which must be static, as it is.
  static View dense(const Shape& shape);
  int64_t elements() const;

  /// Dimension d is dimension perm[d] of this view.
  View transposed(std::span<const int64_t> perm) const;
  /// Dimension dims[i] is dimension i of this view; it may be longer where that is 1.
  View broadcast(const Shape& shape, std::span<const int64_t> dims) const;
  /// Dimension d begins at begin[d] and goes on in steps of step[d].
  View sliced(std::span<const int64_t> begin, std::span<const int64_t> step,
              const Shape& shape) const;
  /// As many elements in the same order, over other dimensions. nullopt where no strides say where
  /// they lie.
  std::optional<View> reshaped(std::span<const int64_t> to) const;

  /// The dimensions `axes` alone, from the same element on.
  View along(std::span<const int> axes) const;
  /// Without dimensions of 1; neighbours that are walked as one are one.
  View merged() const;
  /// Does it read all `count` elements of its value, those along dimensions of stride 0 left out,
  /// in their order?
  bool is_in_order(int64_t count) const;
  bool operator==(const View&) const = default;
};

/// A reshape, transpose, broadcast, slice or as_strided: it says where elements are read.
bool is_move(const Node& node);
/// The value before the reshapes of `id`, which has the same elements in the same order.
ValueId before_reshapes(const Graph& graph, ValueId id);
/// What a reshape, transpose, broadcast, slice or as_strided gives, whose operand is read through
/// `operand`. nullopt for other ops, and where the result is no view.
std::optional<View> view_through(const Graph& graph, const Node& node, const View& operand);

}  // namespace sinter
