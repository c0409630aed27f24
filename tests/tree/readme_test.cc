// The C++ of the README is code that is compiled: each block stands in an example or in the
// library, white space aside.
#include <gtest/gtest.h>

#include <cctype>
#include <string>

#include "tests/tree/tree.h"

namespace sinter::tree {
namespace {

std::string without_space(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (!std::isspace(static_cast<unsigned char>(c))) result += c;
  }
  return result;
}

TEST(Readme, CodeIsCompiled) {
  std::string readme, sources;
  for (const File& file : files()) {
    if (file.path == "README.md") readme = file.text;
    const bool compiled = file.in("frontend/examples") || file.in("ops") || file.in("tests/link");
    if (compiled && file.path.ends_with(".cc")) sources += without_space(file.text) + "\n";
  }
  ASSERT_FALSE(readme.empty());
  const std::string open = "```cpp\n";
  int blocks = 0;
  for (size_t at = readme.find(open); at != std::string::npos; at = readme.find(open, at)) {
    at += open.size();
    const std::string code = readme.substr(at, readme.find("```", at) - at);
    EXPECT_NE(sources.find(without_space(code)), std::string::npos) << code;
    ++blocks;
  }
  EXPECT_GE(blocks, 8);
}

}  // namespace
}  // namespace sinter::tree
