// A tensor: dense, row-major values in a shared, 64-byte aligned buffer. Copying a Tensor shares
// the buffer; clone() copies it.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "core/dtype.h"
#include "core/number.h"
#include "core/shape.h"
#include "core/source_location.h"

namespace sinter {

class Tensor {
 public:
  /// A float32 scalar 0.
  Tensor();
  Tensor(const Tensor&);
  Tensor& operator=(const Tensor&);
  ~Tensor();
  /// What was moved from has shape [0].
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  /// All zeros. Raises ShapeError for a shape that is not static, MemoryError.
  Tensor(DType dtype, Shape shape, SourceLocation where = SourceLocation::current());
  /// A view of memory owned by `owner` (a mapped file, a user's array). Raises ShapeError for a
  /// shape that is not static, Error for memory that is null or not aligned for the elements.
  Tensor(DType dtype, Shape shape, void* data, std::shared_ptr<const void> owner,
         SourceLocation where = SourceLocation::current());

  /// A copy of `values`, row by row; raises ShapeError when the shape has another count. The dtype
  /// is that of the C++ type: of {0.5, 1.0} float64, of {0.5f, 1.0f} float32, of {0, 1} int32.
  template <typename T>
  static Tensor from(Shape shape, std::span<const T> values,
                     SourceLocation where = SourceLocation::current()) {
    return copy_of(kept_as<T>(), std::move(shape), values.data(), values.size(), where);
  }
  template <typename T>
  requires(!std::is_const_v<T>) static Tensor
      from(Shape shape, std::span<T> values, SourceLocation where = SourceLocation::current()) {
    return from(std::move(shape), std::span<const T>(values), where);
  }
  template <typename T>
  static Tensor from(Shape shape, const std::vector<T>& values,
                     SourceLocation where = SourceLocation::current()) {
    return copy_of(kept_as<T>(), std::move(shape), values.data(), values.size(), where);
  }
  template <typename T, size_t n>
  static Tensor from(Shape shape, const std::array<T, n>& values,
                     SourceLocation where = SourceLocation::current()) {
    return copy_of(kept_as<T>(), std::move(shape), values.data(), n, where);
  }
  template <typename T>
  static Tensor from(Shape shape, std::initializer_list<T> values,
                     SourceLocation where = SourceLocation::current()) {
    return copy_of(kept_as<T>(), std::move(shape), values.begin(), values.size(), where);
  }
  template <typename T, size_t n>
  static Tensor from(Shape shape, const T (&values)[n],
                     SourceLocation where = SourceLocation::current()) {
    return copy_of(kept_as<T>(), std::move(shape), values, n, where);
  }
  static Tensor from(Shape shape, const std::vector<bool>& values,
                     SourceLocation where = SourceLocation::current());
  /// The same with the shape that the values have: `from({{0, 0}, {0, 1}})` is [2, 2]. Raises
  /// ShapeError for rows of different lengths.
  template <typename T>
  static Tensor from(std::initializer_list<T> values) {
    return from(Shape{static_cast<int64_t>(values.size())}, values, {});
  }
  template <typename T>
  static Tensor from(const std::vector<T>& values) {
    return from(Shape{static_cast<int64_t>(values.size())}, values, {});
  }
  template <typename T, size_t n>
  static Tensor from(const std::array<T, n>& values) {
    return from(Shape{static_cast<int64_t>(n)}, values, {});
  }
  template <typename T, size_t n>
  requires(!std::is_array_v<T>) static Tensor from(const T (&values)[n]) {
    return copy_of(kept_as<T>(), Shape{static_cast<int64_t>(n)}, values, n, {});
  }
  template <typename T>
  static Tensor from(std::initializer_list<std::initializer_list<T>> rows,
                     SourceLocation where = SourceLocation::current()) {
    return stacked<T>(rows.begin(), rows.size(), where);
  }
  template <typename T>
  static Tensor from(const std::vector<std::vector<T>>& rows,
                     SourceLocation where = SourceLocation::current()) {
    return stacked<T>(rows.data(), rows.size(), where);
  }
  template <typename T, size_t n, size_t m>
  requires(!std::is_array_v<T>) static Tensor from(const T (&rows)[n][m]) {
    return copy_of(kept_as<T>(), Shape{static_cast<int64_t>(n), static_cast<int64_t>(m)}, rows,
                   n * m, {});
  }
  template <typename T, size_t n, size_t m, size_t k>
  static Tensor from(const T (&values)[n][m][k]) {
    return copy_of(kept_as<T>(),
                   Shape{static_cast<int64_t>(n), static_cast<int64_t>(m), static_cast<int64_t>(k)},
                   values, n * m * k, {});
  }
  template <typename T>
  static Tensor scalar(T value) {
    return copy_of(kept_as<T>(), Shape{}, &value, 1, {});
  }
  /// All zeros, in memory that the system gives where it is touched: for values that are replaced
  /// before anybody needs them.
  static Tensor placeholder(DType dtype, Shape shape);
  /// A tensor of `dtype` filled with `value`, rounded for a floating dtype. ShapeError where an
  /// integer dtype or bool has no such element (0.5, 300 of uint8).
  static Tensor full(DType dtype, Shape shape, Number value,
                     SourceLocation where = SourceLocation::current());

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  ValueType type() const;
  int64_t elements() const { return shape_.elements(); }
  int64_t bytes() const { return elements() * dtype_size(dtype_); }

  void* raw() { return data_; }
  const void* raw() const { return data_; }
  /// Typed access; raises ShapeError when T is not the dtype.
  template <typename T>
  std::span<T> data(SourceLocation where = SourceLocation::current()) {
    check_dtype(dtype_of<T>, where);
    return {static_cast<T*>(data_), static_cast<size_t>(elements())};
  }
  template <typename T>
  std::span<const T> data(SourceLocation where = SourceLocation::current()) const {
    check_dtype(dtype_of<T>, where);
    return {static_cast<const T*>(data_), static_cast<size_t>(elements())};
  }
  /// Element `index` (flat) as double, whatever the dtype. Raises ShapeError when there is none.
  double at(int64_t index, SourceLocation where = SourceLocation::current()) const;
  /// The element at one index for each axis, `at({2, 0})`. Raises ShapeError when there is none.
  double at(std::initializer_list<int64_t> index,
            SourceLocation where = SourceLocation::current()) const;
  /// The same with integers kept as they are, whatever their size.
  Number number(int64_t index, SourceLocation where = SourceLocation::current()) const;
  /// Converts `value` as cast does.
  void set(int64_t index, double value, SourceLocation where = SourceLocation::current());
  void set(std::initializer_list<int64_t> index, double value,
           SourceLocation where = SourceLocation::current());

  Tensor clone() const;
  /// Does another tensor, or whoever gave the memory, hold the buffer too?
  bool is_shared() const { return owner_.use_count() != 1; }
  /// The same buffer under another shape with as many elements; raises ShapeError.
  Tensor reshaped(Shape shape, SourceLocation where = SourceLocation::current()) const;
  /// Values converted to `dtype` (a copy unless the dtype is the same) by convert_element: float to
  /// integer truncates toward zero and saturates, NaN becomes 0; to bool: != 0.
  Tensor cast(DType dtype) const;
  /// Rows begin..end-1 of the first dimension, sharing the buffer.
  Tensor rows(int64_t begin, int64_t end, SourceLocation where = SourceLocation::current()) const;
  /// Columns begin..end-1 of the last dimension, as a copy: x and y of one table. Raises ShapeError
  /// where there is only one dimension.
  Tensor columns(int64_t begin, int64_t end,
                 SourceLocation where = SourceLocation::current()) const;
  /// Copies `source` (same dtype and shape) into this buffer.
  void copy_from(const Tensor& source, SourceLocation where = SourceLocation::current());
  /// Same dtype, shape and bytes.
  bool identical(const Tensor& other) const;

 private:
  /// dtype_of, and of `long long` too, which is another type than int64_t, though of its size.
  template <typename T>
  static constexpr DType kept_as() {
    static_assert(
        std::is_same_v<T, long long> || requires { DTypeOf<T>::value; },
        "tensors hold float, double, int8_t, int32_t, int64_t, uint8_t, bool, bfloat16 and float16");
    if constexpr (std::is_same_v<T, long long>) {
      return dtype_of<int64_t>;
    } else {
      return dtype_of<T>;
    }
  }
  template <typename T, typename Row>
  static Tensor stacked(const Row* rows, size_t count, SourceLocation where) {
    const size_t length = count == 0 ? 0 : rows[0].size();
    Tensor result(kept_as<T>(), {static_cast<int64_t>(count), static_cast<int64_t>(length)});
    for (size_t i = 0; i < count; ++i) result.put_row(i, std::data(rows[i]), rows[i].size(), where);
    return result;
  }
  static Tensor copy_of(DType dtype, Shape shape, const void* values, size_t count,
                        SourceLocation where);
  void put_row(size_t row, const void* values, size_t count, SourceLocation where);
  void check_dtype(DType wanted, SourceLocation where) const;

  DType dtype_ = DType::kFloat32;
  Shape shape_;
  std::shared_ptr<const void> owner_;
  void* data_ = nullptr;
};

/// As NumPy prints arrays: rows in brackets, columns below each other, floats with the digits that
/// tell them apart, 8 at most. Of more than 1000 elements only the first and last 3 along each
/// axis.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace sinter
