// Four independent lanes, so that hashing keeps up with memory; every step is invertible in the
// word it takes, so a single damaged word can never cancel out.
#include "core/hash.h"

#include <bit>
#include <cstring>

namespace sinter {
namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio, odd

uint64_t load_word(const std::byte* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

uint64_t step(uint64_t state, uint64_t word) { return std::rotl((state ^ word) * kMultiplier, 29); }

}  // namespace

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed) {
  uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 32; at += 32, left -= 32) {
    for (size_t lane = 0; lane < 4; ++lane)
      lanes[lane] = step(lanes[lane], load_word(at + 8 * lane));
  }
  uint64_t hash = bytes.size();
  for (uint64_t lane : lanes) hash = step(hash, lane);
  for (; left >= 8; at += 8, left -= 8) hash = step(hash, load_word(at));
  if (left > 0) {
    std::byte tail[8] = {};
    std::memcpy(tail, at, left);
    hash = step(hash, load_word(tail));
  }
  // Spread what came last over all bits.
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  hash ^= hash >> 32;
  return hash;
}

}  // namespace sinter
