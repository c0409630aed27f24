// The element types of tensors, their names and sizes.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string_view>

#include "core/bfloat16.h"
#include "core/source_location.h"

namespace sinter {

enum class DType : uint8_t { kFloat32, kFloat64, kInt32, kInt64, kBool, kUint8, kBFloat16 };

inline constexpr DType kAllDTypes[] = {DType::kFloat32, DType::kFloat64, DType::kInt32,
                                       DType::kInt64,   DType::kBool,    DType::kUint8,
                                       DType::kBFloat16};

/// "float32", "float64", "int32", "int64", "bool", "uint8", "bfloat16".
std::string_view dtype_name(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);
/// The inverse of dtype_name; raises NameError.
DType parse_dtype(std::string_view name, SourceLocation where = SourceLocation::current());
/// Bytes an element takes.
constexpr int64_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
    case DType::kInt64: return 8;
    case DType::kFloat32:
    case DType::kInt32: return 4;
    case DType::kBFloat16: return 2;
    case DType::kBool:
    case DType::kUint8: return 1;
  }
  return 0;
}
constexpr bool is_floating(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kBFloat16;
}
/// The dtype in which values of `dtype` are added and multiplied: float32 for bfloat16, else
/// itself.
constexpr DType arithmetic_dtype(DType dtype) {
  return dtype == DType::kBFloat16 ? DType::kFloat32 : dtype;
}

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kFloat32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kFloat64;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::kInt32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::kInt64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::kBool;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::kUint8;
};
template <>
struct DTypeOf<bfloat16> {
  static constexpr DType value = DType::kBFloat16;
};
template <typename T>
inline constexpr DType dtype_of = DTypeOf<T>::value;
template <typename T>
inline constexpr bool is_floating_type = is_floating(dtype_of<T>);

/// Calls `f` with a value of the C++ type that stores `dtype`: dispatch(d, [&](auto zero) { using T
/// = decltype(zero); ... }).
template <typename F>
decltype(auto) dispatch_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat64: return f(double{});
    case DType::kInt32: return f(int32_t{});
    case DType::kInt64: return f(int64_t{});
    case DType::kBool: return f(bool{});
    case DType::kUint8: return f(uint8_t{});
    case DType::kBFloat16: return f(bfloat16{});
    case DType::kFloat32: break;
  }
  return f(float{});
}

}  // namespace sinter
