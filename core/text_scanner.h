// Reading a graph's text: tokens, and where a mistake is.
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace sinter {

/// Blanks and comments stand between tokens.
class TextScanner {
 protected:
  explicit TextScanner(std::string_view text) : text_(text) {}
  /// Raises ParseError "graph text, line 2, column 5: expected `wanted`, found ...".
  [[noreturn]] void fail(const std::string& wanted) const;
  void skip();
  /// Is `token` next? Then it is behind.
  bool accept(std::string_view token);
  void expect(std::string_view token);
  bool peek(std::string_view token);
  /// Letters, digits and `extra`.
  std::string word(std::string_view extra = "_");
  std::string quoted();
  template <typename T>
  T number(const char* what) {
    skip();
    T value{};
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) fail(what);
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace sinter
