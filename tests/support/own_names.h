// Names that tests register in the process: those of the user's own have a package, "mine>SGD".
#pragma once

#include <string>
#include <vector>

namespace sinter {

/// Those of `names` that are the library's, whatever tests ran before in this process.
inline std::vector<std::string> names_of_library(std::vector<std::string> names) {
  std::erase_if(names, [](const std::string& name) { return name.find('>') != name.npos; });
  return names;
}

}  // namespace sinter
