// A number that is no tensor: what is written beside one (`x + 1`), and the literals of scalar
// expressions. Integers are kept as they are, whatever their size.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include "core/dtype.h"

namespace sinter {

class Number {
 public:
  enum class Kind : uint8_t { kBool, kInteger, kFloating };

  /// The integer 0.
  constexpr Number() = default;
  /// Unsigned integers of 2^63 and above are kept as floating numbers.
  template <typename T>
  requires std::is_arithmetic_v<T>
  constexpr Number(T value) {  // NOLINT: implicit, so that numbers stand beside tensors
    constexpr uint64_t largest = std::numeric_limits<int64_t>::max();
    bool floating = std::is_floating_point_v<T>;
    if constexpr (std::is_unsigned_v<T>) floating = uint64_t{value} > largest;
    if (floating) {
      bits_ = std::bit_cast<int64_t>(static_cast<double>(value));
      kind_ = Kind::kFloating;
    } else {
      bits_ = static_cast<int64_t>(value);
      kind_ = std::is_same_v<T, bool> ? Kind::kBool : Kind::kInteger;
    }
  }

  constexpr Kind kind() const { return kind_; }
  constexpr bool is_floating() const { return kind_ == Kind::kFloating; }
  constexpr double as_double() const {
    return is_floating() ? std::bit_cast<double>(bits_) : static_cast<double>(bits_);
  }
  /// The integer itself; a floating number by the rule of convert_element.
  int64_t as_integer() const;
  /// "3", "0.5", "nan", "-inf": the shortest text that reads back to the same number.
  std::string to_string() const;
  /// The same kind and the same bits: 0 and -0 differ, NaN is itself.
  constexpr bool operator==(const Number& other) const = default;

 private:
  int64_t bits_ = 0;
  Kind kind_ = Kind::kInteger;
};

/// `value` as an element of `dtype`: a floating number rounded to nearest (too large is infinity)
/// for floats, an integer for integers and bool. nullopt where an integer dtype or bool has no such
/// element: 0.5, 300 of uint8, NaN.
std::optional<Number> element_of(DType dtype, Number value);
/// The least and the greatest element: infinities of floats.
Number lowest_element(DType dtype);
Number highest_element(DType dtype);
/// element_of, or ShapeError: "300 is no uint8 (0 to 255)".
Number require_element(DType dtype, Number value);
/// "300 is no uint8 (0 to 255)".
std::string no_element_of(DType dtype, Number value);

}  // namespace sinter
