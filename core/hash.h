// A fast 64-bit hash of bytes: finds damage in files and content that is equal. Not for secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sinter {

/// The same on every machine. Two inputs of one length that differ within one aligned 8-byte word
/// always differ in their hash.
uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed = 0);

}  // namespace sinter
