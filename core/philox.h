// Counter-based random bits: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
// as easy as 1, 2, 3", SC'11, section 3.3).
//
// Element e of a `random` node takes word w of block b, chosen so that 16 lanes of a vector need no
// shuffle:
//   e = 64 * group + 16 * w + lane,  b = 16 * group + lane.
// A node of distribution bits16 makes eight elements of a block: e is bits 16 * (e % 8) of block
// e / 8, its words in the order 1, 0, 3, 2 (a vector has the halves of a product side by side, the
// low one first).
// Counter = {low b, high b, low step, high step}; key = {low seed, high seed xor stream}.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sinter {

inline constexpr uint32_t kPhiloxM0 = 0xD2511F53, kPhiloxM1 = 0xCD9E8D57;
inline constexpr uint32_t kPhiloxW0 = 0x9E3779B9, kPhiloxW1 = 0xBB67AE85;
inline constexpr int kPhiloxRounds = 10;

constexpr void philox_round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t k0,
                            uint32_t k1) {
  const uint64_t p0 = uint64_t{kPhiloxM0} * c0;
  const uint64_t p1 = uint64_t{kPhiloxM1} * c2;
  c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
  c1 = static_cast<uint32_t>(p1);
  c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
  c3 = static_cast<uint32_t>(p0);
}

constexpr std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    philox_round(c[0], c[1], c[2], c[3], k0, k1);
    k0 += kPhiloxW0;
    k1 += kPhiloxW1;
  }
  return c;
}

constexpr std::array<uint32_t, 4> philox_block(int64_t seed, int64_t step, int64_t stream,
                                               uint64_t block) {
  const auto s = static_cast<uint64_t>(seed), t = static_cast<uint64_t>(step);
  return philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                     static_cast<uint32_t>(t), static_cast<uint32_t>(t >> 32)},
                    static_cast<uint32_t>(s),
                    static_cast<uint32_t>(s >> 32) ^ static_cast<uint32_t>(stream));
}

/// The 32 random bits of element `element`.
constexpr uint32_t philox_bits(int64_t seed, int64_t step, int64_t stream, int64_t element) {
  const auto e = static_cast<uint64_t>(element);
  return philox_block(seed, step, stream, e / 64 * 16 + e % 16)[e % 64 / 16];
}

/// The 16 random bits of element `element` of distribution bits16.
constexpr uint32_t philox_bits16(int64_t seed, int64_t step, int64_t stream, int64_t element) {
  const auto e = static_cast<uint64_t>(element);
  const uint32_t word = philox_block(seed, step, stream, e / 8)[(e % 8 / 2) ^ 1];
  return word >> (16 * (e % 2)) & 0xFFFF;
}

/// The bits of elements 64 * group to 64 * group + 63: what philox_bits gives one by one, 16 blocks
/// side by side.
inline std::array<uint32_t, 64> philox_group(int64_t seed, int64_t step, int64_t stream,
                                             int64_t group) {
  constexpr int kLanes = 16;
  std::array<uint32_t, 64> c;
  const uint64_t first = static_cast<uint64_t>(group) * kLanes;
  const auto t = static_cast<uint64_t>(step), s = static_cast<uint64_t>(seed);
  for (uint64_t lane = 0; lane < kLanes; ++lane) {
    c[lane] = static_cast<uint32_t>(first + lane);
    c[kLanes + lane] = static_cast<uint32_t>((first + lane) >> 32);
    c[2 * kLanes + lane] = static_cast<uint32_t>(t);
    c[3 * kLanes + lane] = static_cast<uint32_t>(t >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(s),
           k1 = static_cast<uint32_t>(s >> 32) ^ static_cast<uint32_t>(stream);
  for (int round = 0; round < kPhiloxRounds; ++round, k0 += kPhiloxW0, k1 += kPhiloxW1) {
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      philox_round(c[lane], c[kLanes + lane], c[2 * kLanes + lane], c[3 * kLanes + lane], k0, k1);
  }
  return c;
}

/// Uniform in [0, 1): the upper 24 bits, so that float32 and float64 give the same number.
constexpr double uniform_from_bits(uint32_t bits) { return (bits >> 8) * 0x1p-24; }

}  // namespace sinter
