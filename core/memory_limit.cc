// The limit from the environment, the control group and the machine.
#include "core/memory_limit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

#include "core/error.h"

namespace sinter {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

}  // namespace

int64_t memory_amount(std::string_view text, std::string_view what) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  constexpr std::string_view kUnits = "KMGT";
  if (!unit.empty() && kUnits.find(unit[0]) != std::string_view::npos) {
    amount *= std::exp2(10 * static_cast<double>(kUnits.find(unit[0]) + 1));
    unit.remove_prefix(1);
  }
  if (error != std::errc() || !unit.empty() || !(amount >= 1) || amount > 0x1p62) {
    throw Error(fmt::format("{} is '{}', but must be an amount of memory such as 512M or 1.5G",
                            what, text));
  }
  return static_cast<int64_t>(amount);
}

namespace {

int64_t machine_memory() {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? pages * size : kNoLimit;
}

// A file of one number; "max", or no such file, is no limit.
int64_t number_in(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  return file >> number && number > 0 ? number : kNoLimit;
}

// Of this process's control group and of those around it, in version 2 and 1 of the interface.
int64_t group_memory() {
  std::ifstream groups("/proc/self/cgroup");
  int64_t least = kNoLimit;
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    const bool unified = controllers.empty();
    if (!unified && controllers.find("memory") == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string file = unified ? "/memory.max" : "/memory.limit_in_bytes";
    if (path == "/") path.clear();
    while (true) {
      least = std::min(least, number_in(root + path + file));
      if (path.empty()) break;
      path.resize(std::min(path.rfind('/'), path.size()));
    }
  }
  return least;
}

}  // namespace

int64_t memory_limit() {
  if (const char* text = std::getenv("SINTER_MEMORY_LIMIT"); text != nullptr && *text != '\0')
    return memory_amount(text, "SINTER_MEMORY_LIMIT");
  static const int64_t limit = std::min(machine_memory(), group_memory());
  return limit;
}

std::string memory_text(int64_t bytes) {
  double amount = static_cast<double>(bytes);
  const char* const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < std::size(units); ++unit) amount /= 1024;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", amount, units[unit]);
}

void check_memory(int64_t bytes, std::string_view what) {
  const int64_t limit = memory_limit();
  if (bytes <= limit) return;
  throw MemoryError(
      fmt::format("{} needs {} of memory, but the limit is {} (the memory of this machine or its "
                  "control group; "
                  "SINTER_MEMORY_LIMIT sets another)",
                  what, memory_text(bytes), memory_text(limit)));
}

}  // namespace sinter
