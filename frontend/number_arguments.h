// Numbers as arguments, of the kind that is meant: C++ would make 2 of Dense(2.5), a momentum of 1
// of SGD(0.1, true) and 97 units of Dense('a'). Neither compiles.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/one_of.h"

namespace sinter {

/// Numbers, and unscoped enumerators, which name constants.
template <typename T>
concept RealArgument = (std::is_arithmetic_v<T> &&
                        !OneOf<T, bool, char, wchar_t, char8_t, char16_t, char32_t>) ||
                       (std::is_enum_v<T> && std::convertible_to<T, int64_t>);

class WholeNumber {
 public:
  template <RealArgument T>
  requires(!std::is_floating_point_v<T>) constexpr WholeNumber(T value)
      : value_(static_cast<int64_t>(value)) {}           // NOLINT
  constexpr operator int64_t() const { return value_; }  // NOLINT
  /// The nearest int, so that what is out of range stays out of it.
  constexpr int nearest_int() const {
    constexpr int64_t least = std::numeric_limits<int>::min();
    constexpr int64_t most = std::numeric_limits<int>::max();
    return static_cast<int>(value_ < least ? least : value_ > most ? most : value_);
  }

 private:
  int64_t value_;
};

class RealNumber {
 public:
  template <RealArgument T>
  constexpr RealNumber(T value)  // NOLINT
      : value_(static_cast<double>(value)), is_whole_(!std::is_floating_point_v<T>) {}
  constexpr operator double() const { return value_; }  // NOLINT
  /// 0 of whole numbers, as 1 / 2 is.
  constexpr bool is_whole_zero() const { return is_whole_ && value_ == 0; }

 private:
  double value_;
  bool is_whole_;
};

}  // namespace sinter
