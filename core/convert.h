// Conversion of elements between dtypes: the one rule that tensors, scalar expressions and every
// backend follow.
#pragma once

#include <limits>
#include <type_traits>

#include "core/dtype.h"

namespace sinter {

template <typename T>
inline constexpr bool is_storage_type = is_for_storage(dtype_of<T>);

/// Floats to integers: toward zero, NaN becomes 0, and what is out of range (infinities too) the
/// nearest value in range. Integers to narrower ones: modulo 2^n. Anything to bool: != 0 (true for
/// NaN). To a float: to nearest, ties to even; too large is infinity; to bfloat16 and float16 by
/// way of float32.
template <typename To, typename From>
constexpr To convert_element(From value) {
  if constexpr (is_storage_type<From>) {
    return convert_element<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (is_storage_type<To>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    constexpr double low = static_cast<double>(Limits::min());
    constexpr double above = static_cast<double>(Limits::max() / 2 + 1) * 2;  // exact: 2^n
    const auto wide = static_cast<double>(value);
    if (wide != wide) return 0;
    return wide >= above ? Limits::max() : wide <= low ? Limits::min() : static_cast<To>(wide);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace sinter
