// float16: IEEE 754 binary16, for storage; arithmetic on it is done in float32.
#pragma once

#include <bit>
#include <cstdint>

namespace sinter {

/// 1 sign, 5 exponent and 10 fraction bits: up to 65504, from 2^-24 on. Conversion rounds to
/// nearest, ties to even; from 65520 on it gives infinity; NaN stays NaN.
struct float16 {
  uint16_t bits = 0;

  constexpr float16() = default;
  constexpr explicit float16(float value) : bits(round(value)) {}
  /// By way of float32, so rounded twice.
  template <typename T>
  constexpr explicit float16(T value) : float16(static_cast<float>(value)) {}
  constexpr operator float() const {  // NOLINT: exact
    const uint32_t sign = uint32_t{bits & 0x8000u} << 16, magnitude = bits & 0x7fffu;
    if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | magnitude << 13);
    // Its exponent is 112 below that of a float of the same value, subnormal numbers included.
    const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }

 private:
  static constexpr uint16_t round(float value) {
    const auto word = std::bit_cast<uint32_t>(value);
    const uint32_t sign = word >> 16 & 0x8000, magnitude = word & 0x7fffffff;
    uint32_t rounded = 0;
    if (magnitude > 0x7f800000)
      rounded = 0x7e00 | (magnitude >> 13 & 0x3ff);  // a quiet NaN, whatever is cut off
    else if (magnitude >= 0x47800000)
      rounded = 0x7c00;  // from 2^16 on
    else if (magnitude < 0x38800000)
      // Below 2^-14: beside 1/2 a float's last bit is 2^-24, so the sum rounds as it should.
      rounded = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000;
    else
      rounded = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    return static_cast<uint16_t>(sign | rounded);
  }
};

}  // namespace sinter
