// bfloat16: the upper half of a float32, for storage; arithmetic on it is done in float32.
#pragma once

#include <bit>
#include <cstdint>

namespace sinter {

/// 1 sign, 8 exponent and 7 fraction bits. Conversion rounds to nearest, ties to even; NaN stays
/// NaN.
struct bfloat16 {
  uint16_t bits = 0;

  constexpr bfloat16() = default;
  constexpr explicit bfloat16(float value) : bits(round(value)) {}
  /// By way of float32, so rounded twice.
  template <typename T>
  constexpr explicit bfloat16(T value) : bfloat16(static_cast<float>(value)) {}
  constexpr operator float() const {
    return std::bit_cast<float>(uint32_t{bits} << 16);
  }  // NOLINT: exact

 private:
  static constexpr uint16_t round(float value) {
    const auto word = std::bit_cast<uint32_t>(value);
    if (value != value)
      return static_cast<uint16_t>((word >> 16) | 0x40);  // a quiet NaN, whatever is cut off
    return static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
  }
};

}  // namespace sinter
