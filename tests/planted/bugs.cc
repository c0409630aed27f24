#include "tests/planted/bugs.h"

#include <fstream>
#include <stdexcept>

namespace sinter::planted_bugs {

std::vector<Bug> read_bugs(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot read " + path);
  std::vector<Bug> bugs;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find(' ');
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    if (key == "bug") bugs.emplace_back().name = value;
    Bug& bug = bugs.at(bugs.size() - 1);
    if (key == "file") bug.file = value;
    if (key == "at") bug.at = value;
    if (key == "-") bug.from = value;
    if (key == "+") bug.to = value;
    if (key == "in") bug.graph = value;
    if (key == "blame") bug.blame = value;
    if (key == "nodes") bug.nodes = std::stoi(value);
  }
  return bugs;
}

}  // namespace sinter::planted_bugs
