// Tensor storage and conversions.
#include "core/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "core/convert.h"
#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "core/memory_limit.h"
#include "core/sizes.h"
#include "core/tensor_memory.h"

namespace sinter {
namespace {

void check_tensor_type(const ValueType& type) {
  if (!type.shape.is_static()) {
    throw ShapeError(
        fmt::format("a tensor needs a static shape, found {}", type.shape.to_string()));
  }
  check_type(type);
}

std::shared_ptr<void> memory_for(const ValueType& type, std::shared_ptr<void> (*get)(size_t)) {
  constexpr int64_t kSmall = int64_t{1} << 20;  // not worth a look at the limit
  const int64_t bytes = type.bytes();
  if (bytes > kSmall && bytes > memory_limit()) check_memory(bytes, type.to_string());
  try {
    return get(static_cast<size_t>(bytes));
  } catch (const std::bad_alloc&) {
    throw MemoryError(fmt::format("{} needs {} of memory, which the system does not give",
                                  type.to_string(), memory_text(bytes)));
  }
}

void check_index(const Tensor& tensor, int64_t index, SourceLocation where) {
  if (index >= 0 && index < tensor.elements()) return;
  throw ShapeError(with_line(
      where, fmt::format("there is no element {} in a tensor of shape {} ({})", index,
                         tensor.shape().to_string(), counted(tensor.elements(), "element"))));
}

int64_t flat_index(const Shape& shape, std::initializer_list<int64_t> index, SourceLocation where) {
  bool exists = static_cast<int64_t>(index.size()) == shape.rank();
  int64_t flat = 0;
  int axis = 0;
  for (const int64_t i : index) {
    if (!exists) break;
    const int64_t size = shape[axis++];
    exists = i >= 0 && i < size;
    flat = flat * size + i;
  }
  if (exists) return flat;
  throw ShapeError(
      with_line(where, fmt::format("there is no element {{{}}} in a tensor of shape {}",
                                   fmt::join(index, ", "), shape.to_string())));
}

}  // namespace

Tensor::Tensor(DType dtype, Shape shape, SourceLocation where)
    : dtype_(dtype), shape_(std::move(shape)) {
  at_line(where, [&] {
    check_tensor_type(type());
    std::shared_ptr<void> memory = memory_for(type(), allocate_tensor_memory);
    data_ = memory.get();
    owner_ = std::move(memory);
  });
}

Tensor::Tensor(DType dtype, Shape shape, void* data, std::shared_ptr<const void> owner,
               SourceLocation where)
    : dtype_(dtype), shape_(std::move(shape)), owner_(std::move(owner)), data_(data) {
  at_line(where, [&] {
    check_tensor_type(type());
    if (data == nullptr && elements() > 0)
      throw Error(fmt::format("{} was given no memory", type().to_string()));
    if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(dtype_size(dtype)) != 0)
      throw Error(fmt::format("{} was given memory at an address that is no multiple of {}",
                              type().to_string(), dtype_size(dtype)));
  });
}

Tensor Tensor::copy_of(DType dtype, Shape shape, const void* values, size_t count,
                       SourceLocation where) {
  Tensor result(dtype, std::move(shape), where);
  if (static_cast<int64_t>(count) != result.elements()) {
    throw ShapeError(
        with_line(where, fmt::format("shape {} has {}, but {} given", result.shape().to_string(),
                                     counted(result.elements(), "element"),
                                     counted(count, "value") + (count == 1 ? " was" : " were"))));
  }
  if (count > 0) std::memcpy(result.data_, values, static_cast<size_t>(result.bytes()));
  return result;
}

Tensor Tensor::from(Shape shape, const std::vector<bool>& values, SourceLocation where) {
  const std::vector<uint8_t> bytes(values.begin(), values.end());
  return copy_of(DType::kBool, std::move(shape), bytes.data(), bytes.size(), where);
}

void Tensor::put_row(size_t row, const void* values, size_t count, SourceLocation where) {
  const auto length = static_cast<size_t>(shape_.dim(-1));
  if (count != length) {
    throw ShapeError(
        with_line(where, fmt::format("row {} has {}, row 0 has {}: all rows are of one length", row,
                                     counted(count, "value"), length)));
  }
  const size_t bytes = length * static_cast<size_t>(dtype_size(dtype_));
  if (bytes > 0) std::memcpy(static_cast<std::byte*>(data_) + row * bytes, values, bytes);
}

Tensor::Tensor() : Tensor(DType::kFloat32, Shape{}) {}
Tensor::Tensor(const Tensor&) = default;
Tensor& Tensor::operator=(const Tensor&) = default;
Tensor::~Tensor() = default;
ValueType Tensor::type() const { return {dtype_, shape_}; }

Tensor::Tensor(Tensor&& other) noexcept
    : dtype_(other.dtype_),
      shape_(std::move(other.shape_)),
      owner_(std::move(other.owner_)),
      data_(std::exchange(other.data_, nullptr)) {
  other.shape_ = Shape{0};
}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  if (this == &other) return *this;
  dtype_ = other.dtype_;
  shape_ = std::move(other.shape_);
  owner_ = std::move(other.owner_);
  data_ = std::exchange(other.data_, nullptr);
  other.shape_ = Shape{0};
  return *this;
}

Tensor Tensor::placeholder(DType dtype, Shape shape) {
  const ValueType type{dtype, shape};
  check_tensor_type(type);
  std::shared_ptr<void> memory = memory_for(type, reserve_tensor_memory);
  void* const data = memory.get();
  return {dtype, std::move(shape), data, std::move(memory)};
}

Tensor Tensor::full(DType dtype, Shape shape, Number value, SourceLocation where) {
  const Number element = at_line(where, [&] { return require_element(dtype, value); });
  Tensor result(dtype, std::move(shape), where);
  if (element == Number(0) || element == Number(0.0)) return result;
  dispatch_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::ranges::fill(result.data<T>(), element.is_floating()
                                            ? convert_element<T>(element.as_double())
                                            : convert_element<T>(element.as_integer()));
  });
  return result;
}

void Tensor::check_dtype(DType wanted, SourceLocation where) const {
  if (wanted != dtype_) {
    throw ShapeError(with_line(
        where, fmt::format("tensor {} was read as {}", type().to_string(), dtype_name(wanted))));
  }
}

double Tensor::at(int64_t index, SourceLocation where) const {
  check_index(*this, index, where);
  return dispatch_dtype(dtype_, [&](auto zero) {
    return static_cast<double>(static_cast<const decltype(zero)*>(data_)[index]);
  });
}

double Tensor::at(std::initializer_list<int64_t> index, SourceLocation where) const {
  return at(flat_index(shape_, index, where), where);
}

Number Tensor::number(int64_t index, SourceLocation where) const {
  check_index(*this, index, where);
  return dispatch_dtype(dtype_, [&](auto zero) {
    using T = decltype(zero);
    const T value = static_cast<const T*>(data_)[index];
    if constexpr (is_floating_type<T>)
      return Number(static_cast<double>(value));
    else
      return Number(static_cast<int64_t>(value));
  });
}

void Tensor::set(int64_t index, double value, SourceLocation where) {
  check_index(*this, index, where);
  dispatch_dtype(dtype_, [&](auto zero) {
    using T = decltype(zero);
    static_cast<T*>(data_)[index] = convert_element<T>(value);
  });
}

void Tensor::set(std::initializer_list<int64_t> index, double value, SourceLocation where) {
  set(flat_index(shape_, index, where), value, where);
}

Tensor Tensor::clone() const {
  Tensor copy(dtype_, shape_);
  if (bytes() > 0) std::memcpy(copy.data_, data_, static_cast<size_t>(bytes()));
  return copy;
}

Tensor Tensor::reshaped(Shape shape, SourceLocation where) const {
  if (!shape.is_static() || shape.elements() != elements()) {
    throw ShapeError(
        with_line(where, fmt::format("cannot reshape {} ({}) to {}", shape_.to_string(),
                                     counted(elements(), "element"), shape.to_string())));
  }
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

Tensor Tensor::cast(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result(dtype, shape_);
  dispatch_dtype(dtype_, [&](auto from_zero) {
    using From = decltype(from_zero);
    dispatch_dtype(dtype, [&](auto to_zero) {
      using To = decltype(to_zero);
      const std::span<const From> source = data<From>();
      std::transform(source.begin(), source.end(), result.data<To>().begin(),
                     [](From value) { return convert_element<To>(value); });
    });
  });
  return result;
}

Tensor Tensor::rows(int64_t begin, int64_t end, SourceLocation where) const {
  if (shape_.rank() == 0 || begin < 0 || begin > end || end > shape_[0]) {
    throw ShapeError(with_line(where, fmt::format("rows {}..{} are out of range for shape {}",
                                                  begin, end, shape_.to_string())));
  }
  Tensor result = *this;
  const int64_t row_bytes = shape_[0] == 0 ? 0 : bytes() / shape_[0];
  result.shape_[0] = end - begin;
  result.data_ = static_cast<std::byte*>(data_) + begin * row_bytes;
  return result;
}

Tensor Tensor::columns(int64_t begin, int64_t end, SourceLocation where) const {
  if (shape_.rank() < 2 || begin < 0 || begin > end || end > shape_.dim(-1)) {
    throw ShapeError(with_line(where, fmt::format("columns {}..{} are out of range for shape {}",
                                                  begin, end, shape_.to_string())));
  }
  Shape shape = shape_;
  shape[shape.rank() - 1] = end - begin;
  Tensor result(dtype_, shape);
  const int64_t size = dtype_size(dtype_), from = shape_.dim(-1) * size, to = (end - begin) * size;
  if (to == 0) return result;
  const auto* source = static_cast<const std::byte*>(data_) + begin * size;
  auto* target = static_cast<std::byte*>(result.data_);
  for (int64_t row = 0; row < result.bytes() / to; ++row)
    std::memcpy(target + row * to, source + row * from, static_cast<size_t>(to));
  return result;
}

void Tensor::copy_from(const Tensor& source, SourceLocation where) {
  if (source.type() != type()) {
    throw ShapeError(with_line(where, fmt::format("cannot copy {} into {}",
                                                  source.type().to_string(), type().to_string())));
  }
  if (bytes() > 0) std::memmove(data_, source.data_, static_cast<size_t>(bytes()));
}

bool Tensor::identical(const Tensor& other) const {
  return type() == other.type() &&
         (bytes() == 0 || std::memcmp(data_, other.data_, static_cast<size_t>(bytes())) == 0);
}

}  // namespace sinter
