// Texts of errors that begin with lines of the user.
#pragma once

#include <regex>
#include <string>

#include "tests/support/error_of.h"

namespace sinter::testing {

/// The files that a text names with a line, but `own`.
inline std::string other_files(const std::string& text, const std::string& own) {
  std::string found;
  const std::regex place(R"(([A-Za-z0-9_.+-]+):[0-9]+)");
  for (std::sregex_iterator it(text.begin(), text.end(), place), end; it != end; ++it) {
    if ((*it)[1] != own) found += it->str() + " ";
  }
  return found;
}

}  // namespace sinter::testing
