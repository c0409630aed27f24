// Every function of the tool and of its plugins can be unwound: an exception that passes through it
// finds its handler.
#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <string>

#include "tests/support/process.h"

namespace sinter::testing {
namespace {

void expect_no_empty_range(const std::string& file) {
  SCOPED_TRACE(file);
  const ProcessResult frames =
      run_process({"/usr/bin/env", "readelf", "--debug-dump=frames-interp", file});
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
  EXPECT_GT(functions, 100);
  EXPECT_EQ(empty, 0);
}

// Of two entries at one address the linker keeps one, and it may be the empty one.
TEST(Unwind, NoEntryIsOfAnEmptyRange) {
  expect_no_empty_range(SINTER_BINARY_DIR "/sinter");
#if SINTER_WITH_LLVM
  expect_no_empty_range(SINTER_BINARY_DIR "/lib/libsinter_codegen.so");
#endif
#if SINTER_WITH_ONEDNN
  expect_no_empty_range(SINTER_BINARY_DIR "/lib/libsinter_dnnl.so");
#endif
}

}  // namespace
}  // namespace sinter::testing
