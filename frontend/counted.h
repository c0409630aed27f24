// "1 input", "2 inputs", "3 entries": numbers of things in messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sinter {

inline std::string counted(size_t n, std::string_view noun) {
  std::string text = std::to_string(n);
  text += ' ';
  const bool is_ies = n != 1 && noun.ends_with('y');
  text += is_ies ? noun.substr(0, noun.size() - 1) : noun;
  if (n != 1) text += is_ies ? "ies" : "s";
  return text;
}

}  // namespace sinter
