// A case and a run as text that can be read, mailed, edited and run again:
//
//   // run: backend=llvm pipeline=training threads=1
//   // value w0: -2 1 0.5
//   graph "fuzz" { ... }
#pragma once

#include <string>

#include "frontend/verify/check.h"

namespace sinter::verification {

/// `remark`: a line about what is wrong, or "".
std::string to_text(const Case& c, const Configuration& configuration, const std::string& remark);

struct CaseFile {
  Case c;
  std::vector<Configuration> runs;  // one a `run:` line
};
/// Raises Error, ParseError.
CaseFile parse_case(const std::string& text);
CaseFile read_case(const std::string& path);

}  // namespace sinter::verification
