// Every function of the tool and of its plugins can be unwound: an exception that passes through it
// finds its handler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace sinter::testing {
namespace {

/// The functions of a file by their addresses, written as readelf writes them.
std::map<std::string, std::string> function_names(const std::string& file) {
  const ProcessResult symbols =
      run_process({"/usr/bin/env", "nm", "--demangle", "--defined-only", file});
  EXPECT_EQ(symbols.exit_code, 0) << symbols.err;
  const std::regex symbol(R"(([0-9a-f]+) [tTwW] (.*))");
  std::map<std::string, std::string> names;
  std::istringstream lines(symbols.out);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, symbol)) names.emplace(match[1], match[2]);
  }
  return names;
}

void expect_no_empty_range(const std::string& file) {
  SCOPED_TRACE(file);
  const ProcessResult frames =
      run_process({"/usr/bin/env", "readelf", "--debug-dump=frames-interp", file});
  ASSERT_EQ(frames.exit_code, 0) << frames.err;
  const std::regex range(R"(FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+))");
  std::istringstream lines(frames.out);
  std::map<std::string, std::string> names = function_names(file);
  int functions = 0;
  std::vector<std::string> hidden;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, range)) continue;
    ++functions;
    if (match[1] != match[2]) continue;
    const std::string& name = names[match[1].str()];
    // LLVM in the plugin is built without exceptions: none passes through its functions.
    if (name.find("llvm::") == std::string::npos && name.find("(anonymous namespace)") != 0)
      hidden.push_back(match[1].str() + " " + name);
  }
  EXPECT_GT(functions, 100);
  EXPECT_THAT(hidden, ::testing::IsEmpty());
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
