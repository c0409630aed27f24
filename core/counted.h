// "1 input", "2 inputs", "3 entries", "4 classes": numbers of things in messages.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace sinter {

std::string counted_text(std::string number, std::string_view noun);

template <std::integral T>
std::string counted(T n, std::string_view noun) {
  return counted_text(std::to_string(n), noun);
}

}  // namespace sinter
