// Unpacks zlib and gzip data: the one door to zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sinter::datasets {

/// Nothing when the data is damaged, cut short, or unpacks to more than about `limit` bytes (a bomb
/// stops there).
std::optional<std::string> inflate(std::string_view packed, size_t limit);

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

}  // namespace sinter::datasets
