// Arithmetic on shapes, with overflow checked where a product could come from a file.
#include "core/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/sizes.h"

namespace sinter {

Shape::Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  if (rank_ <= kNear) {
    std::ranges::copy(dims, near_);
  } else {
    far_.assign(dims.begin(), dims.end());
  }
}

Shape::Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}

Shape::Shape(const std::vector<int64_t>& dims) : Shape(std::span(dims)) {}

std::vector<int64_t> Shape::dims() const { return {begin(), end()}; }

bool Shape::operator==(const Shape& other) const { return std::ranges::equal(*this, other); }

int64_t Shape::dim(int axis) const { return (*this)[axis]; }

bool Shape::is_static() const {
  return std::all_of(begin(), end(), [](int64_t d) { return d >= 0; });
}

int64_t Shape::elements() const {
  SINTER_CHECK(is_static(), to_string());
  return static_elements();
}

int64_t Shape::static_elements() const {
  int64_t product = 1;
  for (int64_t d : *this) {
    if (d < 0) continue;
    if (__builtin_mul_overflow(product, d, &product)) {
      throw ShapeError(
          fmt::format("shape {} has more elements than 64 bits can count", to_string()));
    }
  }
  return product;
}

int Shape::normalize_axis(int axis) const {
  const int positive = axis < 0 ? axis + rank() : axis;
  if (positive < 0 || positive >= rank()) {
    throw ShapeError(
        fmt::format("axis {} is out of range for shape {} of rank {}", axis, to_string(), rank()));
  }
  return positive;
}

Shape Shape::specialized(int64_t batch) const {
  Shape result = *this;
  for (int d = 0; d < rank_; ++d) {
    if (result[d] == kBatch) result[d] = batch;
  }
  return result;
}

std::vector<int64_t> Shape::strides() const {
  std::vector<int64_t> result(static_cast<size_t>(rank_));
  int64_t stride = 1;
  for (int i = rank_; i-- > 0;) {
    result[static_cast<size_t>(i)] = stride;
    stride *= (*this)[i];
  }
  return result;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ',';
    text += dimension_text((*this)[i]);
  }
  return text + "]";
}

std::optional<Shape> broadcast_shapes(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank());
    const int ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia];
    const int64_t db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1) return std::nullopt;
    dims[static_cast<size_t>(i)] = da == 1 ? db : da;
  }
  return Shape(std::move(dims));
}

bool ValueType::operator==(const ValueType& other) const = default;

std::string ValueType::to_string() const {
  return fmt::format("{}{}", dtype_name(dtype), shape.to_string());
}

}  // namespace sinter
