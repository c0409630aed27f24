// What each format gives and takes: the samples of a picture as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Samples of 0 to `maximum`, row by row: in `bytes`, or in `words` where they may exceed 255.
struct RawImage {
  int64_t height = 0, width = 0;
  int channels = 0;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
  uint32_t maximum = 255;
  std::vector<uint8_t> bytes;
  std::vector<uint16_t> words;

  /// Makes room. Raises FileError, with the name, for no pixels and for more than kMostImageBytes.
  void allocate(const std::string& name);
  bool is_wide() const { return maximum > 255; }
  size_t samples() const {
    return static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(channels);
  }
};

inline constexpr int64_t kMostImageBytes = int64_t{512} << 20;

/// "cannot read 'a.png': text" as a FileError.
[[noreturn]] void raise_unreadable(const std::string& name, const std::string& text);

RawImage decode_png(std::string_view bytes, const std::string& name);
RawImage decode_jpeg(std::string_view bytes, const std::string& name);
RawImage decode_pnm(std::string_view bytes, const std::string& name);

std::string encode_png(const RawImage& image);
std::string encode_jpeg(const RawImage& image, int quality);
std::string encode_pnm(const RawImage& image);

}  // namespace sinter
