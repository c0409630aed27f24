// `contract` nodes, decoded: which dimensions of the two sides are what.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/attribute_value.h"
#include "core/shape.h"

namespace sinter {

class Graph;
struct Node;

/// What values of `dtype` are multiplied as: bfloat16 as it is, which gives float32, float16 as
/// float32, others as themselves.
constexpr DType factor_dtype(DType dtype) {
  return dtype == DType::kBFloat16 ? dtype : arithmetic_dtype(dtype);
}

/// result[batch.., lhs free.., rhs free..] = sum over the depth of lhs * rhs.
struct Contract {
  using Axes = std::vector<int>;  // counted from the first

  /// Axes of one operand. `batch` and `depth` go with those of the other side in their order,
  /// `free` are the rest, ascending.
  struct Side {
    Axes batch, free, depth;
  };
  Side lhs, rhs;

  /// Raises ShapeError for an axis that is out of range or stands twice on one side.
  static Contract of(const Shape& lhs, const Shape& rhs, const Attributes& attributes);
  static Contract of(const Graph& graph, const Node& node);
  /// The attributes of such a node.
  Attributes attributes() const;
  /// The same sum with its terms in the order of the left side's dimensions.
  void sort_depth();
  /// The result as a matrix: rows are all samples and the left side's free dimensions. Of static
  /// shapes.
  Shape matrix(const Shape& lhs_shape, const Shape& rhs_shape) const;
};

/// The extents of `axes`, in their order, and their product; the latter of static ones only.
std::vector<int64_t> extents(const Shape& shape, std::span<const int> axes);
int64_t extent(const Shape& shape, std::span<const int> axes);

}  // namespace sinter
