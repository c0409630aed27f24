// A fast 64-bit hash of bytes: finds damage in files and content that is equal. Not for secrets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sinter {

/// 2^64 / golden ratio, odd.
inline constexpr uint64_t kGoldenRatio = 0x9E3779B97F4A7C15u;

/// A hash with one word more. Invertible in `word`: a single damaged word can never cancel out. The
/// product's high bits, which depend on most of both, become the low ones, which tables use.
constexpr uint64_t hash_word(uint64_t hash, uint64_t word) {
  return std::rotl((hash ^ word) * kGoldenRatio, 29);
}

/// The same on every machine. Two inputs of one length that differ within one aligned 8-byte word
/// always differ in their hash.
uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed = 0);

}  // namespace sinter
