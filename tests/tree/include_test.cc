// Who may include whom: tests, frontend -> runtime -> passes -> ops -> core, and third-party
// headers only at home.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/tree/tree.h"

namespace sinter::tree {
namespace {

const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"core", {"core"}},
    {"ops", {"core", "ops"}},
    {"passes", {"core", "ops", "passes"}},
    {"runtime", {"core", "runtime"}},
    {"frontend", {"core", "ops", "passes", "runtime", "frontend"}},
    {"tests", {"core", "ops", "passes", "runtime", "frontend", "tests"}},
};

std::string at(const File& file, const Include& include) {
  return file.path + ":" + std::to_string(include.line) + " includes " + include.target;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

// Inside runtime only compile.cc and its helpers see the optimiser.
bool is_compile_file(const std::string& path) { return path.starts_with("runtime/compile"); }

bool is_llvm(const Include& include) {
  return starts_with_any(include.target, {"llvm/", "llvm-c/"});
}

bool is_onednn(const Include& include) {
  return starts_with_any(include.target, {"oneapi/", "dnnl"}) || include.target == "omp.h";
}

TEST(Includes, LayersPointOneWay) {
  int seen = 0;
  for (const File& file : files()) {
    const auto rule = kMayInclude.find(layer(file.path));
    if (!file.is_cpp() || rule == kMayInclude.end()) continue;
    for (const Include& include : includes(file)) {
      if (!include.quoted) continue;
      ++seen;
      const std::string target = layer(include.target);
      const bool allowed = rule->second.contains(target) ||
                           (is_compile_file(file.path) && (target == "passes" || target == "ops"));
      EXPECT_TRUE(allowed) << at(file, include);
    }
  }
  EXPECT_GT(seen, 0);
}

// The rooms of the code generator build on one another: IR of values, loops, products, Winograd's
// algorithm around products. Of the folder itself they see what knows no room.
TEST(Includes, RoomsOfTheCodeGeneratorPointOneWay) {
  const std::vector<std::string> rooms = {"emit", "loops", "matmul", "winograd"};
  const std::string folder = "runtime/llvm/";
  const auto room = [&](const std::string& path) {
    const auto slash = path.find('/', folder.size());
    return slash == std::string::npos ? "" : path.substr(folder.size(), slash - folder.size());
  };
  const auto level = [&](const std::string& name) { return std::ranges::find(rooms, name); };
  int seen = 0;
  for (const File& file : files()) {
    if (!file.is_cpp() || !file.in("runtime/llvm")) continue;
    const auto own = level(room(file.path));
    if (own == rooms.end()) continue;
    for (const Include& include : includes(file)) {
      if (!include.quoted || !include.target.starts_with(folder)) continue;
      ++seen;
      const std::string other = room(include.target);
      if (!other.empty()) {
        EXPECT_LE(level(other) - rooms.begin(), own - rooms.begin()) << at(file, include);
        continue;
      }
      const File* header = find(include.target);
      ASSERT_NE(header, nullptr) << at(file, include);
      for (const Include& further : includes(*header)) {
        EXPECT_TRUE(!further.target.starts_with(folder) || room(further.target).empty())
            << at(file, include) << ", which knows a room: " << at(*header, further);
      }
    }
  }
  EXPECT_GT(seen, 0);
}

TEST(Includes, QuotedPathsStartAtTheRoot) {
  for (const File& file : files()) {
    if (!file.is_cpp()) continue;
    for (const Include& include : includes(file)) {
      if (!include.quoted || include.target == "core/model_generated.h") continue;
      EXPECT_NE(find(include.target), nullptr) << at(file, include);
    }
  }
}

TEST(Includes, BackendLibrariesStayInTheirFolders) {
  for (const File& file : files()) {
    if (!file.is_cpp()) continue;
    for (const Include& include : includes(file)) {
      if (is_llvm(include)) {
        EXPECT_TRUE(file.in("runtime/llvm") || file.in("runtime/export")) << at(file, include);
      }
      if (is_onednn(include))  // the benchmarks also run oneDNN by itself
        EXPECT_TRUE(file.in("runtime/onednn") || file.in("tests/bench")) << at(file, include);
    }
  }
}

// Headers are read by users and by every other file: nothing heavy in any of them, directly or
// through another.
TEST(Includes, HeadersNameNoThirdPartyLibrary) {
  const std::vector<std::string> heavy = {
      "fmt/",      "flatbuffers/", "nlohmann/",    "CLI/",   "cairo",  "png.h",      "jpeglib.h",
      "archive.h", "zlib.h",       "libdeflate.h", "gtest/", "gmock/", "rapidcheck", "benchmark/"};
  for (const File& file : files()) {
    if (!file.is_header() || file.in("tests")) continue;
    for (const Include& include : includes(file)) {
      EXPECT_FALSE(starts_with_any(include.target, heavy)) << at(file, include);
      EXPECT_NE(include.target, "core/model_generated.h") << at(file, include);
    }
  }
}

// A header of a backend that includes LLVM or oneDNN itself is that backend's own affair.
TEST(Includes, NobodyReachesBackendLibrariesThroughAHeader) {
  for (const File& file : files()) {
    if (!file.is_cpp() || file.in("runtime/llvm") || file.in("runtime/onednn") ||
        file.in("runtime/export") || file.in("tests/bench"))
      continue;
    std::set<std::string> seen;
    std::vector<const File*> open = {&file};
    while (!open.empty()) {
      const File* next = open.back();
      open.pop_back();
      for (const Include& include : includes(*next)) {
        EXPECT_FALSE(is_llvm(include) || is_onednn(include))
            << file.path << " reaches " << at(*next, include);
        const File* header = include.quoted ? find(include.target) : nullptr;
        if (header && seen.insert(header->path).second) open.push_back(header);
      }
    }
  }
}

// What only one subject of the frontend needs is seen by one file, so it can be replaced there.
TEST(Includes, FrontendLibrariesHaveOneHome) {
  std::map<std::string, std::set<std::string>> homes;
  for (const File& file : files()) {
    if (!file.is_cpp() || file.in("tests")) continue;
    for (const Include& include : includes(file)) {
      for (const char* library :
           {"cairo", "png.h", "jpeglib.h", "archive.h", "zlib.h", "libdeflate.h"}) {
        if (include.target.starts_with(library)) homes[library].insert(file.path);
      }
      if (starts_with_any(include.target, {"cairo", "png.h", "jpeglib.h", "archive.h", "zlib.h",
                                           "libdeflate.h", "nlohmann/"})) {
        EXPECT_TRUE(file.in("frontend")) << at(file, include);
      }
      if (include.target.starts_with("CLI/"))
        EXPECT_TRUE(file.in("frontend/cli") || file.in("frontend/glyphs")) << at(file, include);
    }
  }
  for (const auto& [library, users] : homes) {
    EXPECT_EQ(users.size(), 1u) << library << " is included by " << *users.begin() << " and "
                                << *users.rbegin();
  }
}

}  // namespace
}  // namespace sinter::tree
