// Reads the project's own files, for the tests that keep the tree in order.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sinter::tree {

// One committed file. The path is relative to the repository root.
struct File {
  std::string path;
  std::string text;

  bool in(const std::string& folder) const { return path.starts_with(folder + "/"); }
  bool is_header() const { return path.ends_with(".h"); }
  bool is_cpp() const { return is_header() || path.ends_with(".cc"); }
};

struct Include {
  std::string target;
  int line;
  bool quoted;
};

// All text files under the root, sorted by path; build folders, .git and files with zero bytes are
// left out.
const std::vector<File>& files();

// Null when there is no such file.
const File* find(const std::string& path);

std::vector<Include> includes(const File& file);

// core, ops, passes, runtime, frontend, tests; empty for files at the root.
std::string layer(const std::string& path);

}  // namespace sinter::tree
