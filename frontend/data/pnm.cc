// PBM, PGM and PPM, as text or as bytes (netpbm's man pages pbm, pgm and ppm).
#include <fmt/format.h>

#include <algorithm>

#include "frontend/data/image_codecs.h"

namespace sinter {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class PnmReader {
 public:
  PnmReader(std::string_view rest, const std::string& name) : rest_(rest), name_(name) {}

  /// A number of 0 to `most`, after white space and comments.
  uint32_t number(uint32_t most, const char* what) {
    skip_space();
    if (rest_.empty()) raise_unreadable(name_, "the file ends too early");
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9' && value <= most)
      value = value * 10 + static_cast<uint64_t>(rest_[digits++] - '0');
    if (digits == 0 || value > most)
      raise_unreadable(name_, fmt::format("the {} is no number of 0 to {}", what, most));
    rest_.remove_prefix(digits);
    return static_cast<uint32_t>(value);
  }

  /// One digit of a bitmap as text, which white space need not divide.
  bool bit() {
    skip_space();
    if (rest_.empty()) raise_unreadable(name_, "the file ends too early");
    const char digit = rest_.front();
    if (digit != '0' && digit != '1') raise_unreadable(name_, "a bitmap holds 0 and 1");
    rest_.remove_prefix(1);
    return digit == '1';
  }

  /// What follows the one white space behind the header.
  std::string_view bytes(uint64_t count) {
    if (rest_.empty() || !is_space(rest_.front()))
      raise_unreadable(name_, "no white space ends the header");
    rest_.remove_prefix(1);
    if (rest_.size() < count) raise_unreadable(name_, "the file ends too early");
    return rest_.substr(0, count);
  }
  size_t left() const { return rest_.size(); }

 private:
  void skip_space() {
    while (!rest_.empty() && (is_space(rest_.front()) || rest_.front() == '#')) {
      if (rest_.front() == '#')
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      else
        rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  const std::string& name_;
};

}  // namespace

RawImage decode_pnm(std::string_view bytes, const std::string& name) {
  const char kind = bytes[1];
  const bool is_text = kind <= '3', is_bitmap = kind == '1' || kind == '4';
  PnmReader reader(bytes.substr(2), name);
  RawImage image;
  image.width = reader.number(INT32_MAX, "width");
  image.height = reader.number(INT32_MAX, "height");
  image.channels = kind == '3' || kind == '6' ? 3 : 1;
  if (is_bitmap) {
    // The image of a bitmap is black where it is 1.
    const uint64_t row = (static_cast<uint64_t>(image.width) + 7) / 8,
                   all = is_text ? static_cast<uint64_t>(image.width) : row;
    if (image.height > 0 && all > reader.left() / static_cast<uint64_t>(image.height) + 1)
      raise_unreadable(name, "the file ends too early");
    image.allocate(name);
    if (is_text) {
      for (uint8_t& value : image.bytes) value = reader.bit() ? 0 : 255;
      return image;
    }
    const std::string_view packed = reader.bytes(row * static_cast<uint64_t>(image.height));
    for (size_t i = 0; i < image.bytes.size(); ++i) {
      const size_t y = i / static_cast<size_t>(image.width),
                   x = i % static_cast<size_t>(image.width);
      const auto eight = static_cast<uint8_t>(packed[y * row + x / 8]);
      image.bytes[i] = (eight >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
    return image;
  }
  image.maximum = reader.number(65535, "largest value");
  if (image.maximum == 0) raise_unreadable(name, "the largest value is 0");
  const uint64_t width = image.is_wide() && !is_text ? 2 : 1;
  const uint64_t pixels = static_cast<uint64_t>(image.width) * static_cast<uint64_t>(image.height);
  // Before memory is taken for values that cannot be there. Two numbers below 2^31: no overflow.
  if (pixels > reader.left() / (width * static_cast<uint64_t>(image.channels)))
    raise_unreadable(name, "the file ends too early");
  image.allocate(name);
  const auto put = [&](size_t i, uint32_t value) {
    if (value > image.maximum)
      raise_unreadable(name,
                       fmt::format("it holds {}, the largest value is {}", value, image.maximum));
    if (image.is_wide())
      image.words[i] = static_cast<uint16_t>(value);
    else
      image.bytes[i] = static_cast<uint8_t>(value);
  };
  if (is_text) {
    for (size_t i = 0; i < image.samples(); ++i) put(i, reader.number(65535, "value"));
    return image;
  }
  const std::string_view values = reader.bytes(image.samples() * width);
  for (size_t i = 0; i < image.samples(); ++i) {
    const auto byte = [&](size_t at) { return uint32_t{static_cast<uint8_t>(values[at])}; };
    put(i, width == 2 ? byte(2 * i) << 8 | byte(2 * i + 1) : byte(i));
  }
  return image;
}

std::string encode_pnm(const RawImage& image) {
  std::string result = fmt::format("P{}\n{} {}\n{}\n", image.channels == 1 ? 5 : 6, image.width,
                                   image.height, image.maximum);
  result.append(image.bytes.begin(), image.bytes.end());
  for (const uint16_t value : image.words) {
    result += static_cast<char>(value >> 8);
    result += static_cast<char>(value & 255);
  }
  return result;
}

}  // namespace sinter
