// Four independent lanes, so that hashing keeps up with memory.
#include "core/hash.h"

#include <bit>
#include <cstring>

namespace sinter {
namespace {

uint64_t load_word(const std::byte* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed) {
  uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 32; at += 32, left -= 32) {
    for (size_t lane = 0; lane < 4; ++lane)
      lanes[lane] = hash_word(lanes[lane], load_word(at + 8 * lane));
  }
  uint64_t hash = bytes.size();
  for (uint64_t lane : lanes) hash = hash_word(hash, lane);
  for (; left >= 8; at += 8, left -= 8) hash = hash_word(hash, load_word(at));
  if (left > 0) {
    std::byte tail[8] = {};
    std::memcpy(tail, at, left);
    hash = hash_word(hash, load_word(tail));
  }
  // Spread what came last over all bits.
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  hash ^= hash >> 32;
  return hash;
}

}  // namespace sinter
