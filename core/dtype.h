// The element types of tensors, their names and sizes.
#pragma once

#include <cstdint>
#include <string_view>

namespace sinter {

enum class DType : uint8_t { kFloat32, kFloat64, kInt32, kInt64, kBool, kUint8 };

inline constexpr DType kAllDTypes[] = {DType::kFloat32, DType::kFloat64, DType::kInt32,
                                       DType::kInt64,   DType::kBool,    DType::kUint8};

/// "float32", "float64", "int32", "int64", "bool", "uint8".
std::string_view dtype_name(DType dtype);
/// The inverse of dtype_name; raises NameError.
DType parse_dtype(std::string_view name);
/// Bytes an element takes.
constexpr int64_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
    case DType::kInt64: return 8;
    case DType::kFloat32:
    case DType::kInt32: return 4;
    case DType::kBool:
    case DType::kUint8: return 1;
  }
  return 0;
}
constexpr bool is_floating(DType dtype) { return dtype == DType::kFloat32 || dtype == DType::kFloat64; }

template <typename T> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::kFloat32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::kFloat64; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::kInt32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::kInt64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::kBool; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::kUint8; };
template <typename T> inline constexpr DType dtype_of = DTypeOf<T>::value;

/// Calls `f` with a value of the C++ type that stores `dtype`: dispatch(d, [&](auto zero) { using T = decltype(zero); ... }).
template <typename F> decltype(auto) dispatch_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat64: return f(double{});
    case DType::kInt32: return f(int32_t{});
    case DType::kInt64: return f(int64_t{});
    case DType::kBool: return f(bool{});
    case DType::kUint8: return f(uint8_t{});
    case DType::kFloat32: break;
  }
  return f(float{});
}

}  // namespace sinter
