// Keeps files short, and machine-specific text out of the repository.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "tests/tree/tree.h"

namespace sinter::tree {
namespace {

constexpr int kMaxLines = 600;

bool is_source(const File& file) {
  if (file.in("tests/data")) return false;
  for (const char* ending : {".h", ".cc", ".py", ".cmake", ".sh", ".fbs", "CMakeLists.txt"}) {
    if (file.path.ends_with(ending)) return true;
  }
  return false;
}

TEST(Files, AreShort) {
  std::vector<std::pair<int, std::string>> lengths;
  for (const File& file : files()) {
    if (!is_source(file)) continue;
    const int lines = static_cast<int>(std::ranges::count(file.text, '\n'));
    lengths.emplace_back(lines, file.path);
    EXPECT_LE(lines, kMaxLines) << file.path << ": is it still one subject?";
  }
  std::ranges::sort(lengths, std::greater<>());
  std::printf("The ten longest files:\n");
  for (size_t i = 0; i < lengths.size() && i < 10; ++i) {
    std::printf("%6d %s\n", lengths[i].first, lengths[i].second.c_str());
  }
}

TEST(Files, HeadersAreGuarded) {
  for (const File& file : files()) {
    if (file.is_header()) EXPECT_NE(file.text.find("#pragma once"), std::string::npos) << file.path;
  }
}

TEST(Files, NameNoMachine) {
  // Built from halves, so that this file does not find itself.
  const std::vector<std::string> forbidden = {
      std::string("/wo") + "rk/", std::string("/ro") + "ot/", std::string("../sha") + "red",
      std::string("/ho") + "me/"};
  for (const File& file : files()) {
    for (const std::string& text : forbidden) {
      const size_t position = file.text.find(text);
      EXPECT_EQ(position, std::string::npos)
          << file.path << ":"
          << std::count(file.text.begin(), file.text.begin() + std::min(position, file.text.size()),
                        '\n') +
                 1
          << " names " << text;
    }
  }
}

}  // namespace
}  // namespace sinter::tree
