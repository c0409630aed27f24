#include "core/utf8.h"

#include <fmt/format.h>

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

}  // namespace

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
