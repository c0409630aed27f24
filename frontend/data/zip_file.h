// Zip files, as far as .npz needs them: entries by the list at the end, stored or deflated.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_io.h"

namespace sinter {

struct ZipEntry {
  std::string name;
  std::string_view bytes;  // as they stand in the file
  bool is_deflated = false;
  uint64_t size = 0;  // unpacked
  uint32_t crc = 0;   // of the unpacked bytes
};

/// The entries of a zip file in memory, in their order, without folders; `bytes` stay with the
/// caller. Nothing is unpacked. Raises FileError, with `path`, for what is no zip file, is damaged,
/// encrypted, split over several files or packed in another way, for entries that overlap, and for
/// those that claim more than deflate can hold.
std::vector<ZipEntry> zip_entries(std::string_view bytes, const std::string& path);

/// Writes a zip file, atomically.
class ZipWriter {
 public:
  /// From `large` on sizes and places are written as zip64 has them.
  explicit ZipWriter(const std::string& path, uint64_t large = 0xffffffff);
  /// One entry of these bytes, one piece after the other. The name is UTF-8 of at most 65535 bytes.
  void add(const std::string& name, std::span<const std::string_view> pieces, bool deflated);
  void commit();

 private:
  struct Written {
    ZipEntry entry;
    uint64_t packed = 0, at = 0;
  };
  AtomicFile file_;
  uint64_t large_;
  std::vector<Written> written_;
};

}  // namespace sinter
