#include "core/text_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/error.h"

namespace sinter {

void TextScanner::fail(const std::string& wanted) const {
  const size_t line =
      1 + static_cast<size_t>(
              std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
  const size_t start = text_.substr(0, at_).rfind('\n');
  const size_t column = at_ - (start == std::string_view::npos ? 0 : start + 1) + 1;
  const std::string found =
      at_ < text_.size()
          ? fmt::format("'{}'",
                        text_.substr(at_, std::min<size_t>(20, text_.find('\n', at_) - at_)))
          : "the end of the text";
  throw ParseError(fmt::format("graph text, line {}, column {}: expected {}, found {}", line,
                               column, wanted, found));
}

void TextScanner::skip() {
  while (at_ < text_.size()) {
    if (std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
    else if (text_.substr(at_, 2) == "//")
      at_ = std::min(text_.size(), text_.find('\n', at_));
    else
      break;
  }
}

bool TextScanner::accept(std::string_view token) {
  skip();
  if (text_.substr(at_, token.size()) != token) return false;
  at_ += token.size();
  return true;
}

void TextScanner::expect(std::string_view token) {
  if (!accept(token)) fail(fmt::format("'{}'", token));
}

bool TextScanner::peek(std::string_view token) {
  skip();
  return text_.substr(at_, token.size()) == token;
}

std::string TextScanner::word(std::string_view extra) {
  skip();
  const size_t start = at_;
  while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                extra.find(text_[at_]) != std::string_view::npos))
    ++at_;
  if (start == at_) fail("a name");
  return std::string(text_.substr(start, at_ - start));
}

std::string TextScanner::quoted() {
  expect("\"");
  std::string result;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
      ++at_;
      result += text_[at_] == 'n' ? '\n' : text_[at_] == '0' ? '\0' : text_[at_];
    } else {
      result += text_[at_];
    }
    ++at_;
  }
  if (at_ == text_.size()) fail("a closing '\"'");
  ++at_;
  return result;
}

}  // namespace sinter
