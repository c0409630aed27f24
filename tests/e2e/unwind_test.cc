// Every function of the tool can be unwound: an exception that passes through it finds its handler.
#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>

#include "tests/support/process.h"

namespace sinter::testing {
namespace {

// Of two entries at one address the linker keeps one, and it may be the empty one.
TEST(Unwind, NoEntryIsOfAnEmptyRange) {
  const ProcessResult frames = run_process(
      {"/usr/bin/env", "readelf", "--debug-dump=frames-interp", SINTER_BINARY_DIR "/sinter"});
  ASSERT_EQ(frames.exit_code, 0) << frames.err;
  const std::regex range(R"(FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+))");
  std::istringstream lines(frames.out);
  int functions = 0, empty = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, range)) continue;
    ++functions;
    if (match[1] == match[2]) ++empty;
  }
  EXPECT_GT(functions, 1000);
  EXPECT_EQ(empty, 0);
}

}  // namespace
}  // namespace sinter::testing
