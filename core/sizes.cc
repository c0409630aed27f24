// Checked arithmetic on sizes.
#include "core/sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace sinter {

std::string dimension_text(int64_t dimension) {
  return dimension == kBatch ? "batch" : std::to_string(dimension);
}

int64_t checked_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw ShapeError(fmt::format("{} + {} is more than 64 bits can count", a, b));
  return sum;
}

int64_t checked_product(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    throw ShapeError(fmt::format("{} * {} is more than 64 bits can count", a, b));
  return product;
}

int checked_axis(const Shape& shape, int64_t axis) {
  if (axis < 0 || axis >= shape.rank()) {
    throw ShapeError(fmt::format("axis {} is out of range for shape {} of rank {}", axis,
                                 shape.to_string(), shape.rank()));
  }
  return static_cast<int>(axis);
}

std::vector<int64_t> checked_axes(const Shape& shape, std::span<const int64_t> axes) {
  std::vector<int64_t> result;
  for (const int64_t given : axes) {
    const int64_t axis = checked_axis(shape, given);
    if (std::ranges::find(result, axis) != result.end())
      throw ShapeError(fmt::format("axis {} is given twice", axis));
    result.push_back(axis);
  }
  return result;
}

void check_type(const ValueType& type) {
  if (type.shape.rank() > kMaxValueRank) {
    throw ShapeError(fmt::format("a shape of rank {}: at most {} are possible", type.shape.rank(),
                                 kMaxValueRank));
  }
  int64_t bytes = dtype_size(type.dtype);
  for (int64_t d : type.shape) {
    if (d < kBatch)
      throw ShapeError(fmt::format("shape {} has a negative dimension", type.shape.to_string()));
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(d, 1), &bytes) || bytes > kMaxValueBytes) {
      throw ShapeError(
          fmt::format("{} is too large: a value has at most 2^48 bytes", type.to_string()));
    }
  }
}

}  // namespace sinter
