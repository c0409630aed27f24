// Cutting out the middle of a text.
#include "core/shorten.h"

#include <fmt/format.h>

#include <algorithm>

namespace sinter {

std::string shortened(std::string_view text, size_t longest) {
  if (text.size() <= longest) return std::string(text);
  const auto continues = [&](size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80;
  };
  const size_t kept = (std::max<size_t>(longest, 100) - 40) / 2;
  size_t head = kept, tail = text.size() - kept;
  while (head > kept - 4 && continues(head)) --head;
  while (tail < text.size() - kept + 4 && continues(tail)) ++tail;
  return fmt::format("{} ...({} bytes)... {}", text.substr(0, head), tail - head,
                     text.substr(tail));
}

}  // namespace sinter
