// A tensor: dense, row-major values in a shared, 64-byte aligned buffer. Copying a Tensor shares
// the buffer; clone() copies it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/dtype.h"
#include "core/number.h"
#include "core/shape.h"

namespace sinter {

class Tensor {
 public:
  /// A float32 scalar 0.
  Tensor() : Tensor(DType::kFloat32, Shape{}) {}
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  /// What was moved from has shape [0].
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  /// All zeros. `shape` must be static.
  Tensor(DType dtype, Shape shape);
  /// A view of memory owned by `owner` (a mapped file, a user's array); `data` must be aligned for
  /// the element type.
  Tensor(DType dtype, Shape shape, void* data, std::shared_ptr<const void> owner);

  /// A copy of `values`, row by row; raises ShapeError when the shape has another count.
  template <typename T>
  static Tensor from(Shape shape, std::span<const T> values) {
    return copy_of(dtype_of<T>, std::move(shape), values.data(), values.size());
  }
  template <typename T>
  static Tensor from(Shape shape, const std::vector<T>& values) {
    return copy_of(dtype_of<T>, std::move(shape), values.data(), values.size());
  }
  template <typename T>
  static Tensor scalar(T value) {
    return copy_of(dtype_of<T>, Shape{}, &value, 1);
  }
  /// All zeros, in memory that the system gives where it is touched: for values that are replaced
  /// before anybody needs them.
  static Tensor placeholder(DType dtype, Shape shape);
  /// A tensor of `dtype` filled with `value`, rounded for a floating dtype. ShapeError where an
  /// integer dtype or bool has no such element (0.5, 300 of uint8).
  static Tensor full(DType dtype, Shape shape, Number value);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  ValueType type() const { return {dtype_, shape_}; }
  int64_t elements() const { return shape_.elements(); }
  int64_t bytes() const { return elements() * dtype_size(dtype_); }

  void* raw() { return data_; }
  const void* raw() const { return data_; }
  /// Typed access; raises ShapeError when T is not the dtype.
  template <typename T>
  std::span<T> data() {
    check_dtype(dtype_of<T>);
    return {static_cast<T*>(data_), static_cast<size_t>(elements())};
  }
  template <typename T>
  std::span<const T> data() const {
    check_dtype(dtype_of<T>);
    return {static_cast<const T*>(data_), static_cast<size_t>(elements())};
  }
  /// Element `index` (flat) as double, whatever the dtype. Raises ShapeError when there is none.
  double at(int64_t index) const;
  /// The same with integers kept as they are, whatever their size.
  Number number(int64_t index) const;
  /// Converts `value` as cast does.
  void set(int64_t index, double value);

  Tensor clone() const;
  /// The same buffer under another shape with as many elements; raises ShapeError.
  Tensor reshaped(Shape shape) const;
  /// Values converted to `dtype` (a copy unless the dtype is the same) by convert_element: float to
  /// integer truncates toward zero and saturates, NaN becomes 0; to bool: != 0.
  Tensor cast(DType dtype) const;
  /// Rows begin..end-1 of the first dimension, sharing the buffer.
  Tensor rows(int64_t begin, int64_t end) const;
  /// Copies `source` (same dtype and shape) into this buffer.
  void copy_from(const Tensor& source);
  /// Same dtype, shape and bytes.
  bool identical(const Tensor& other) const;

 private:
  static Tensor copy_of(DType dtype, Shape shape, const void* values, size_t count);
  void check_dtype(DType wanted) const;

  DType dtype_ = DType::kFloat32;
  Shape shape_;
  std::shared_ptr<const void> owner_;
  void* data_ = nullptr;
};

}  // namespace sinter
