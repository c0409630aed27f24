#include "core/warning.h"

#include <cstdio>
#include <functional>
#include <mutex>
#include <set>

#include "core/shorten.h"

namespace sinter {

void warn_once(std::string_view kind, const std::string& text) {
  // Never destroyed: threads may warn while the process ends.
  static auto* mutex = new std::mutex;
  static auto* told = new std::set<std::string, std::less<>>;
  {
    const std::lock_guard lock(*mutex);
    if (!told->emplace(kind).second) return;
  }
  (void)std::fputs(("sinter: " + shortened(text) + "\n").c_str(), stderr);
}

}  // namespace sinter
