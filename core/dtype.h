// The element types of tensors: one table of what there is to know about each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>

#include "core/bfloat16.h"
#include "core/float16.h"
#include "core/source_location.h"

namespace sinter {

/// X(enumerator, C++ type, name, kind, digits, exponent bits, NumPy's code) of each: `digits` are
/// the bits of a value, without its sign; of a float, those of its significand with the leading 1.
/// NumPy has no bfloat16. Model files count them in this order: new ones go to the end.
#define SINTER_DTYPES(X)                                         \
  X(kFloat32, float, "float32", kFloating, 24, 8, "<f4")         \
  X(kFloat64, double, "float64", kFloating, 53, 11, "<f8")       \
  X(kInt32, int32_t, "int32", kSigned, 31, 0, "<i4")             \
  X(kInt64, int64_t, "int64", kSigned, 63, 0, "<i8")             \
  X(kBool, bool, "bool", kBool, 1, 0, "|b1")                     \
  X(kUint8, uint8_t, "uint8", kUnsigned, 8, 0, "|u1")            \
  X(kBFloat16, ::sinter::bfloat16, "bfloat16", kFloating, 8, 8, "") \
  X(kInt8, int8_t, "int8", kSigned, 7, 0, "|i1")                 \
  X(kFloat16, ::sinter::float16, "float16", kFloating, 11, 5, "<f2")

enum class DType : uint8_t {
#define SINTER_DTYPE(enumerator, ...) enumerator,
  SINTER_DTYPES(SINTER_DTYPE)
#undef SINTER_DTYPE
};

inline constexpr DType kAllDTypes[] = {
#define SINTER_DTYPE(enumerator, ...) DType::enumerator,
    SINTER_DTYPES(SINTER_DTYPE)
#undef SINTER_DTYPE
};

enum class DTypeKind : uint8_t { kBool, kUnsigned, kSigned, kFloating };

/// A row of the table.
struct DTypeRecord {
  std::string_view name;
  int64_t size;  // bytes of an element
  DTypeKind kind;
  int digits, exponent_bits;
  std::string_view numpy;
};

inline constexpr DTypeRecord kDTypeRecords[] = {
#define SINTER_DTYPE(enumerator, type, name, kind, digits, exponent, numpy) \
  {name, sizeof(type), DTypeKind::kind, digits, exponent, numpy},
    SINTER_DTYPES(SINTER_DTYPE)
#undef SINTER_DTYPE
};

/// The row of `dtype`.
constexpr const DTypeRecord& record_of(DType dtype) {
  return kDTypeRecords[static_cast<size_t>(dtype)];
}
/// "float32", "int8", ...
constexpr std::string_view dtype_name(DType dtype) { return record_of(dtype).name; }
std::ostream& operator<<(std::ostream& out, DType dtype);
/// The inverse of dtype_name; raises NameError.
DType parse_dtype(std::string_view name, SourceLocation where = SourceLocation::current());
/// Bytes an element takes.
constexpr int64_t dtype_size(DType dtype) { return record_of(dtype).size; }
constexpr bool is_floating(DType dtype) { return record_of(dtype).kind == DTypeKind::kFloating; }
/// Integers that have negative numbers.
constexpr bool is_signed_integer(DType dtype) {
  return record_of(dtype).kind == DTypeKind::kSigned;
}
/// The dtype in which values of `dtype` are added and multiplied: float32 for bfloat16 and float16,
/// else itself.
constexpr DType arithmetic_dtype(DType dtype) {
  return is_floating(dtype) && dtype_size(dtype) == 2 ? DType::kFloat32 : dtype;
}
/// Is there no arithmetic in it? bfloat16 and float16 have none.
constexpr bool is_for_storage(DType dtype) { return arithmetic_dtype(dtype) != dtype; }
/// Is every value of `from` one of `to`, so that it survives the way there and back?
constexpr bool holds_all_of(DType to, DType from) {
  const DTypeRecord &t = record_of(to), &f = record_of(from);
  if (to == from || f.kind == DTypeKind::kBool) return true;
  if (t.kind == DTypeKind::kBool || t.digits < f.digits) return false;
  if (f.kind == DTypeKind::kFloating)
    return t.kind == DTypeKind::kFloating && t.exponent_bits >= f.exponent_bits;
  return f.kind == DTypeKind::kUnsigned || t.kind != DTypeKind::kUnsigned;
}

template <typename T>
struct DTypeOf;
#define SINTER_DTYPE(enumerator, type, ...)           \
  template <>                                         \
  struct DTypeOf<type> {                              \
    static constexpr DType value = DType::enumerator; \
  };
SINTER_DTYPES(SINTER_DTYPE)
#undef SINTER_DTYPE
template <typename T>
inline constexpr DType dtype_of = DTypeOf<T>::value;
template <typename T>
inline constexpr bool is_floating_type = is_floating(dtype_of<T>);

/// Calls `f` with a value of the C++ type that stores `dtype`: dispatch(d, [&](auto zero) { using T
/// = decltype(zero); ... }).
template <typename F>
decltype(auto) dispatch_dtype(DType dtype, F&& f) {
  switch (dtype) {
#define SINTER_DTYPE(enumerator, type, ...) \
  case DType::enumerator: return f(type{});
    SINTER_DTYPES(SINTER_DTYPE)
#undef SINTER_DTYPE
  }
  return f(float{});
}

}  // namespace sinter
