// Private to the model file: its header, and the names and limits that writer and reader share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/hash.h"

namespace sinter {

inline constexpr int64_t kWeightAlignment = 64;

/// The first 64 bytes, little-endian. The magic starts with a byte that no text has and ends with a
/// line end that a text transfer would change.
struct ModelFileHeader {
  static constexpr char kMagic[8] = {'\x89', 'S', 'I', 'N', 'T', 'E', 'R', '\n'};

  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t table_bytes;
  uint64_t weights_offset;
  uint64_t weights_bytes;
  uint64_t table_hash;
  uint64_t reserved;
  uint64_t header_hash;  // of the 56 bytes before it

  uint64_t computed_hash() const {
    return hash_bytes(
        std::as_bytes(std::span(this, 1)).first(offsetof(ModelFileHeader, header_hash)));
  }
};
static_assert(sizeof(ModelFileHeader) == 64);

}  // namespace sinter
