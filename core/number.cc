// Numbers beside tensors, and what they are as elements of a dtype.
#include "core/number.h"

#include <fmt/format.h>

#include <cmath>

#include "core/convert.h"
#include "core/error.h"

namespace sinter {

int64_t Number::as_integer() const {
  return is_floating() ? convert_element<int64_t>(as_double()) : bits_;
}

std::string Number::to_string() const {
  if (!is_floating()) return fmt::format("{}", bits_);
  const double value = as_double();
  if (std::isnan(value)) return std::signbit(value) ? "-nan" : "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return fmt::format("{}", value);
}

std::optional<Number> element_of(DType dtype, Number value) {
  return dispatch_dtype(dtype, [&](auto zero) -> std::optional<Number> {
    using T = decltype(zero);
    if constexpr (is_floating_type<T>) {
      // An integer goes there directly: by way of double it would be rounded twice.
      const T element = value.is_floating() ? convert_element<T>(value.as_double())
                                            : convert_element<T>(value.as_integer());
      return Number(static_cast<double>(element));
    } else {
      const int64_t integer = value.as_integer();
      const T element = convert_element<T>(integer);
      if (static_cast<int64_t>(element) != integer) return std::nullopt;
      // 2^63 saturates, and a fraction is cut: neither is the number that was written.
      if (value.is_floating() &&
          (static_cast<double>(integer) != value.as_double() || value.as_double() >= 0x1p63))
        return std::nullopt;
      return Number(integer);
    }
  });
}

Number lowest_element(DType dtype) {
  return dispatch_dtype(dtype, [](auto zero) -> Number {
    using T = decltype(zero);
    if constexpr (is_floating_type<T>) return -std::numeric_limits<double>::infinity();
    return static_cast<int64_t>(std::numeric_limits<T>::lowest());
  });
}

Number highest_element(DType dtype) {
  return dispatch_dtype(dtype, [](auto zero) -> Number {
    using T = decltype(zero);
    if constexpr (is_floating_type<T>) return std::numeric_limits<double>::infinity();
    return static_cast<int64_t>(std::numeric_limits<T>::max());
  });
}

std::string no_element_of(DType dtype, Number value) {
  const std::string range = dispatch_dtype(dtype, [&](auto zero) -> std::string {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, bool>) return "0 or 1";
    if constexpr (is_floating_type<T>) return "it overflows to infinity";
    return fmt::format("{} to {}", lowest_element(dtype).to_string(),
                       highest_element(dtype).to_string());
  });
  return fmt::format("{} is no {} ({})", value.to_string(), dtype_name(dtype), range);
}

Number require_element(DType dtype, Number value) {
  const std::optional<Number> element = element_of(dtype, value);
  if (!element) throw ShapeError(no_element_of(dtype, value));
  return *element;
}

}  // namespace sinter
