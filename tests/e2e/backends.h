// The backends that suites run on: all that this build has, or those named in SINTER_TEST_BACKENDS.
#pragma once

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/load.h"

namespace sinter {

inline std::vector<std::string> tested_backends() {
  const char* wanted = std::getenv("SINTER_TEST_BACKENDS");
  if (wanted == nullptr) return backend_names();
  std::vector<std::string> names;
  std::istringstream stream(wanted);
  for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
  return names;
}

}  // namespace sinter
