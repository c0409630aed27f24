// PNGs of the plain kind, several times as fast as by libpng, which takes longer to make ready than
// small pictures to decode (W3C, Portable Network Graphics, 5: chunks, 9: filters).
#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <utility>

#include "frontend/data/image_codecs.h"
#include "frontend/data/inflate.h"

namespace sinter {
namespace {

constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
constexpr size_t kHeaderBytes = 13, kMostPieces = 256, kMostPixelBytes = size_t{64} << 20;

uint32_t big_endian(const char* bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

struct Chunk {
  std::string_view type, data;
};

/// The next chunk, taken from the front of `bytes`. False where it is cut short or its checksum is
/// another one.
bool take_chunk(std::string_view& bytes, Chunk& chunk) {
  if (bytes.size() < 12) return false;
  const size_t length = big_endian(bytes.data());
  if (length > bytes.size() - 12) return false;
  chunk = {bytes.substr(4, 4), bytes.substr(8, length)};
  if (datasets::crc32_of(bytes.substr(4, 4 + length)) != big_endian(bytes.data() + 8 + length))
    return false;
  bytes.remove_prefix(12 + length);
  return true;
}

/// The pieces of the packed pixels.
struct Packed {
  std::array<std::string_view, kMostPieces> pieces;
  size_t count = 0;
};

bool read_chunks(std::string_view bytes, RawImage& image, Packed& packed) {
  Chunk chunk;
  if (!bytes.starts_with(kSignature)) return false;
  bytes.remove_prefix(kSignature.size());
  if (!take_chunk(bytes, chunk) || chunk.type != "IHDR" || chunk.data.size() != kHeaderBytes)
    return false;
  image.width = big_endian(chunk.data.data());
  image.height = big_endian(chunk.data.data() + 4);
  const char depth = chunk.data[8], colour = chunk.data[9];
  const bool plain = depth == 8 && chunk.data.substr(10) == std::string_view("\0\0\0", 3);
  image.channels = colour == 0 ? 1 : colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 0;
  image.maximum = 255;
  if (!plain || image.channels == 0 || image.width < 1 || image.height < 1 ||
      std::max(image.width, image.height) > kMostPixelsASide)
    return false;
  bool ended = false;
  while (take_chunk(bytes, chunk)) {
    if (chunk.type == "IEND") return packed.count > 0;
    if (chunk.type == "IDAT") {
      if (ended || packed.count == kMostPieces) return false;
      packed.pieces[packed.count++] = chunk.data;
      continue;
    }
    ended = packed.count > 0;
    // What a reader must know begins with a capital; of the others transparency changes values.
    const bool may_be_skipped = chunk.type[0] >= 'a' && chunk.type[0] <= 'z';
    if (!may_be_skipped || chunk.type == "tRNS") return false;
  }
  return false;
}

uint8_t paeth(int left, int above, int corner) {
  const int from_left = std::abs(above - corner), from_above = std::abs(left - corner),
            from_corner = std::abs(left + above - 2 * corner);
  return static_cast<uint8_t>(from_left <= from_above && from_left <= from_corner ? left
                              : from_above <= from_corner                         ? above
                                                                                  : corner);
}

/// One row: `from` are differences, `above` is the row before, of zeros for the first one.
bool unfilter(int filter, const uint8_t* from, const uint8_t* above, size_t length, size_t pixel,
              uint8_t* to) {
  const auto sum = [](int a, int b) { return static_cast<uint8_t>(a + b); };
  switch (filter) {
    case 0: std::copy_n(from, length, to); return true;
    case 1:
      std::copy_n(from, pixel, to);
      for (size_t i = pixel; i < length; ++i) to[i] = sum(from[i], to[i - pixel]);
      return true;
    case 2:
      for (size_t i = 0; i < length; ++i) to[i] = sum(from[i], above[i]);
      return true;
    case 3:
      for (size_t i = 0; i < pixel; ++i) to[i] = sum(from[i], above[i] / 2);
      for (size_t i = pixel; i < length; ++i) to[i] = sum(from[i], (to[i - pixel] + above[i]) / 2);
      return true;
    case 4:
      for (size_t i = 0; i < pixel; ++i) to[i] = sum(from[i], above[i]);
      for (size_t i = pixel; i < length; ++i)
        to[i] = sum(from[i], paeth(to[i - pixel], above[i], above[i - pixel]));
      return true;
    default: return false;
  }
}

}  // namespace

bool decode_plain_png(std::string_view bytes, RawImage& image) {
  Packed packed;
  if (!read_chunks(bytes, image, packed)) return false;
  const auto height = static_cast<size_t>(image.height),
             pixel = static_cast<size_t>(image.channels),
             length = static_cast<size_t>(image.width) * pixel;
  // Sides are below 2^32, and deflate packs 1032 bytes into one at most.
  if (length > kMostPixelBytes / height || height * length / 1032 > bytes.size()) return false;
  static thread_local std::vector<uint8_t> rows;
  // Before the first row there is one of zeros.
  rows.resize(length + height * (length + 1));
  std::fill_n(rows.begin(), length, uint8_t{0});
  const std::span<uint8_t> filtered = std::span(rows).subspan(length);
  std::string joined;
  if (packed.count > 1) {
    for (size_t i = 0; i < packed.count; ++i) joined += packed.pieces[i];
  }
  if (!datasets::inflate_exactly(packed.count > 1 ? joined : packed.pieces[0], filtered))
    return false;
  image.bytes.resize(height * length);
  const uint8_t* from = filtered.data();
  const uint8_t* above = rows.data();
  uint8_t* to = image.bytes.data();
  for (size_t y = 0; y < height; ++y, from += length + 1) {
    if (!unfilter(from[0], from + 1, above, length, pixel, to)) return false;
    above = std::exchange(to, to + length);
  }
  // Much that was taken for one large picture is not kept.
  if (rows.capacity() > (size_t{1} << 20)) rows = {};
  return true;
}

}  // namespace sinter
