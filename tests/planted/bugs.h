// The table of planted faults, bugs.txt.
#pragma once

#include <string>
#include <vector>

namespace sinter::planted_bugs {

struct Bug {
  std::string name, file, at, from, to;
  std::string graph;  // of models.h
  std::string blame;  // how the text of the culprit begins
  int nodes = 5;      // of the small graph, at most
};
std::vector<Bug> read_bugs(const std::string& path);

}  // namespace sinter::planted_bugs
