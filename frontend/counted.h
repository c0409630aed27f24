// "1 input", "2 inputs": numbers of things in messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sinter {

inline std::string counted(size_t n, std::string_view noun) {
  std::string text = std::to_string(n);
  text += ' ';
  text += noun;
  if (n != 1) text += 's';
  return text;
}

}  // namespace sinter
