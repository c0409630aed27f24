#include "runtime/counters.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sinter {
namespace {

int open_counter(const CounterEvent& event, int group) {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = event.type;
  attributes.config = event.config;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, 0, -1, group, PERF_FLAG_FD_CLOEXEC));
}

std::string explain_refusal(int error) {
  if (error == EACCES || error == EPERM) {
    std::string level;
    std::ifstream("/proc/sys/kernel/perf_event_paranoid") >> level;
    return fmt::format("this process may not count (perf_event_open: {}{})", std::strerror(error),
                       level.empty() ? "" : ", kernel.perf_event_paranoid is " + level);
  }
  if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV) {
    return fmt::format("this machine has none, as most virtual machines (perf_event_open: {})",
                       std::strerror(error));
  }
  return fmt::format("perf_event_open: {}", std::strerror(error));
}

}  // namespace

CounterEvents hardware_events() {
  return {{{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
           {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
           {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES}}};
}

ThreadCounters::ThreadCounters(const CounterEvents& events) {
  for (size_t i = 0; i < events.size(); ++i) {
    files_[i] = open_counter(events[i], files_[0]);
    if (files_[i] >= 0) continue;
    why_not_ = explain_refusal(errno);
    return;
  }
}

ThreadCounters::~ThreadCounters() {
  for (const int file : files_) {
    if (file >= 0) ::close(file);
  }
}

Counted ThreadCounters::read() const {
  struct {
    uint64_t count, enabled, running, values[3];
  } group = {};
  if (!why_not_.empty() || ::read(files_[0], &group, sizeof group) != sizeof group) return {};
  return {group.values[0], group.values[1], group.values[2], group.enabled, group.running};
}

}  // namespace sinter
