// Texts of errors without the line of the call, which tests/errors/lines_test.cc looks at.
#pragma once

#include <string>

namespace sinter::testing {

/// "fit: y has 5 rows" of "fit_test.cc:23: fit: y has 5 rows".
inline std::string without_line(const std::string& text) {
  const size_t file = text.find("_test.cc:"), end = text.find(": ", file);
  const bool begins = file < text.find(' ') && end < text.size();
  return begins ? text.substr(end + 2) : text;
}

}  // namespace sinter::testing
