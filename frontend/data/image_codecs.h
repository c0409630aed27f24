// What each format gives and takes: the samples of a picture as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"

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
inline constexpr uint32_t kMostPixelsASide = 1'000'000;  // of a PNG

/// "cannot read 'a.png': text" as a FileError.
[[noreturn]] void raise_unreadable(const std::string& name, const std::string& text);

/// The chunk that a PNG ends with.
inline constexpr std::string_view kPngEnding{"\0\0\0\0IEND\xae\x42\x60\x82", 12};

RawImage decode_png(std::string_view bytes, const std::string& name);
/// The plain kind of PNG, which most are: 8 bits a value, grey or colours, no interlacing, nothing
/// that changes values. False, and `image` is anything, for all others and for what is in any way
/// wrong: libpng says what.
bool decode_plain_png(std::string_view bytes, RawImage& image);
RawImage decode_jpeg(std::string_view bytes, const std::string& name);
RawImage decode_pnm(std::string_view bytes, const std::string& name);

/// Any of these, by its first bytes.
RawImage decode_raw(std::string_view bytes, const std::string& name);
/// The values of a picture with `channels` channels, float32 of 0 to 1 or uint8, as read_image()
/// gives them, to `to`, which has room for them.
void put_values(const RawImage& image, int channels, DType dtype, void* to);
/// Raises Error, which starts with `call`, for other channels and dtypes than read_image() takes.
void check_read_options(const char* call, int channels, DType dtype);

std::string encode_png(const RawImage& image);
std::string encode_jpeg(const RawImage& image, int quality);
std::string encode_pnm(const RawImage& image);

}  // namespace sinter
