// Packs and unpacks data of zlib, gzip and zip: the one door to zlib, and to libdeflate for what is
// in memory whole and of known size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sinter::datasets {

/// Nothing when the data is damaged, cut short, or unpacks to more than about `limit` bytes (a bomb
/// stops there).
std::optional<std::string> inflate(std::string_view packed, size_t limit);

/// Is this one zlib stream of exactly `to.size()` bytes, checksum and all? Unpacks them. Made for
/// many small streams: each thread keeps a decompressor for the next one.
bool inflate_exactly(std::string_view packed, std::span<uint8_t> to);

/// A gzip file unpacked piece by piece, with all its checksums looked at.
class GzipReader {
 public:
  /// Raises FileError for what cannot be read.
  explicit GzipReader(const std::string& path);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  /// The next bytes, valid until the next call; none at the end. Raises FileError for what is
  /// damaged or cut short.
  std::string_view next();
  /// Bytes of the file that were taken.
  int64_t consumed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Deflated bytes without a header, as zip files hold them, unpacked where they are wanted.
class RawInflater {
 public:
  /// `packed` stays with the caller.
  explicit RawInflater(std::string_view packed);
  ~RawInflater();
  RawInflater(const RawInflater&) = delete;
  /// The next `count` bytes. False for what is damaged or cut short.
  bool read(void* to, size_t count);
  /// Was everything read, with nothing left behind?
  bool at_end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The bytes deflated, without a header.
std::string raw_deflate(std::span<const std::string_view> pieces);

/// CRC-32 of zip and gzip, of what had `before` and these bytes behind.
uint32_t crc32_of(std::string_view bytes, uint32_t before = 0);

}  // namespace sinter::datasets
