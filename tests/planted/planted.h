// Which of the faults of bugs.txt is switched on in this process: the one that the environment's
// SINTER_PLANTED names.
#pragma once

#include <cstdlib>
#include <cstring>

namespace sinter {

inline bool planted(const char* name) {
  static const char* const wanted = std::getenv("SINTER_PLANTED");
  return wanted != nullptr && std::strcmp(wanted, name) == 0;
}

}  // namespace sinter
