#include "tests/tree/tree.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace sinter::tree {
namespace fs = std::filesystem;
namespace {

std::vector<File> read_all() {
  const fs::path root = SINTER_SOURCE_DIR;
  std::vector<File> found;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory()) {
      if (name == "build" || name == ".git" || name == ".cache" || name == "__pycache__") {
        it.disable_recursion_pending();
      }
      continue;
    }
    if (!it->is_regular_file()) continue;
    std::ifstream in(it->path(), std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    if (text.find('\0') != std::string::npos) continue;
    found.push_back({fs::relative(it->path(), root).generic_string(), std::move(text)});
  }
  std::ranges::sort(found, {}, &File::path);
  return found;
}

}  // namespace

const std::vector<File>& files() {
  static const std::vector<File> all = read_all();
  return all;
}

const File* find(const std::string& path) {
  auto it = std::ranges::lower_bound(files(), path, {}, &File::path);
  return it != files().end() && it->path == path ? &*it : nullptr;
}

std::vector<Include> includes(const File& file) {
  static const std::regex pattern(R"(^\s*#\s*include\s*(["<])([^">]+)[">])");
  std::vector<Include> found;
  std::istringstream lines(file.text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (line.find("#") != std::string::npos && std::regex_search(line, match, pattern)) {
      found.push_back({match[2], number, match[1] == "\""});
    }
  }
  return found;
}

std::string layer(const std::string& path) {
  const auto slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace sinter::tree
