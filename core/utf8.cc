#include "core/utf8.h"

#include <fmt/format.h>
#include <wchar.h>

#include <algorithm>
#include <clocale>
#include <cstdint>
#include <string>

#include "core/error.h"

namespace sinter {
namespace {

// Bytes of the character that `text` begins with, 0 where it begins with none.
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first < 0xC2   ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0) return 0;
  const unsigned lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

/// The widths of the C library, whose tables follow Unicode, whatever the locale of the program is.
class Widths {
 public:
  Widths() : before_(utf8() == locale_t{} ? locale_t{} : ::uselocale(utf8())) {}
  Widths(const Widths&) = delete;
  ~Widths() {
    if (before_ != locale_t{}) ::uselocale(before_);
  }
  /// Of the `length` bytes of a character, 0: no character.
  size_t of(std::string_view character, size_t length) const {
    if (length <= 1 || before_ == locale_t{}) return 1;
    auto code = static_cast<unsigned char>(character[0]) & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; ++i)
      code = code << 6 | (static_cast<unsigned char>(character[i]) & 0x3FU);
    return static_cast<size_t>(std::max(::wcwidth(static_cast<wchar_t>(code)), 0));
  }

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return locale;
  }
  locale_t before_;
};

/// The bytes of `text` that fit in `columns`, which become what is left of them.
size_t bytes_within(std::string_view text, size_t& columns) {
  const Widths widths;
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    const size_t length = character_length(rest), width = widths.of(rest, length);
    if (width > columns) break;
    columns -= width;
    at += std::max<size_t>(length, 1);
  }
  return at;
}

}  // namespace

size_t columns_of(std::string_view text) {
  size_t left = 2 * text.size();
  bytes_within(text, left);
  return 2 * text.size() - left;
}

std::string_view first_columns(std::string_view text, size_t columns) {
  return text.substr(0, bytes_within(text, columns));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check_name(std::string_view what, std::string_view name) {
  if (is_utf8(name)) return;
  std::string shown;
  while (!name.empty()) {
    const size_t length = character_length(name);
    if (length == 0)
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[0]));
    else
      shown += name.substr(0, length);
    name.remove_prefix(length == 0 ? 1 : length);
  }
  throw Error(
      fmt::format("{}: the name '{}' is not UTF-8, as which files keep names", what, shown));
}

}  // namespace sinter
