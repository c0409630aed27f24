// Shapes: a list of dimensions, of which some may be the symbolic batch dimension.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace sinter {

/// The symbolic batch dimension: one unknown number a graph, replaced by specialize().
inline constexpr int64_t kBatch = -1;

/// Few dimensions lie in the shape itself: compiling copies shapes all the time.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims);
  explicit Shape(const std::vector<int64_t>& dims);
  explicit Shape(std::span<const int64_t> dims);

  int rank() const { return rank_; }
  /// The dimension at `axis`; a negative axis counts from the end. Raises ShapeError when out of
  /// range.
  int64_t dim(int axis) const;
  /// As dim().
  int64_t operator[](int axis) const { return begin()[place(axis)]; }
  int64_t& operator[](int axis) { return const_cast<int64_t*>(begin())[place(axis)]; }
  std::vector<int64_t> dims() const;
  const int64_t* begin() const { return rank_ <= kNear ? near_ : far_.data(); }
  const int64_t* end() const { return begin() + rank_; }

  bool is_static() const;
  /// Number of elements; the shape must be static.
  int64_t elements() const;
  /// The product of the static dimensions, so that elements = static_elements * batch^(number of
  /// batch dimensions).
  int64_t static_elements() const;
  /// `axis` in 0..rank-1; raises ShapeError when out of range.
  int normalize_axis(int axis) const;
  /// This shape with every symbolic dimension replaced by `batch`.
  Shape specialized(int64_t batch) const;
  /// Row-major strides in elements; the shape must be static.
  std::vector<int64_t> strides() const;

  /// "[batch,784]".
  std::string to_string() const;
  bool operator==(const Shape& other) const;

 private:
  int place(int axis) const { return axis >= 0 && axis < rank_ ? axis : normalize_axis(axis); }

  static constexpr int kNear = 4;
  int rank_ = 0;
  int64_t near_[kNear] = {};
  std::vector<int64_t> far_;  // when there are more
};

/// As to_string().
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// NumPy's broadcasting rule for two shapes, nullopt when they do not fit. kBatch fits kBatch
/// and 1.
std::optional<Shape> broadcast_shapes(const Shape& a, const Shape& b);

/// Type of a value in a graph: element type and shape.
struct ValueType {
  DType dtype = DType::kFloat32;
  Shape shape;
  /// "float32[batch,784]".
  std::string to_string() const;
  /// Bytes of a static type.
  int64_t bytes() const { return shape.elements() * dtype_size(dtype); }
  bool operator==(const ValueType& other) const;
};

}  // namespace sinter
