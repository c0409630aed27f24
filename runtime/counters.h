// What the processor counts while a thread works, by perf_event_open: for recordings of runs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace sinter {

/// What there was of each event in the `running` nanoseconds of `enabled` in which it was counted:
/// where the processor has fewer counters than asked for, the kernel takes turns. Differences and
/// sums are of these; what they stand for is `whole`.
struct Counted {
  uint64_t cycles = 0, instructions = 0, cache_misses = 0;
  uint64_t enabled = 0, running = 0;

  Counted operator-(const Counted& before) const {
    return {cycles - before.cycles, instructions - before.instructions,
            cache_misses - before.cache_misses, enabled - before.enabled, running - before.running};
  }
  Counted& operator+=(const Counted& more) {
    cycles += more.cycles;
    instructions += more.instructions;
    cache_misses += more.cache_misses;
    enabled += more.enabled;
    running += more.running;
    return *this;
  }
  /// One of the values, as it would be of all of the time; 0 where none was counted.
  double whole(uint64_t value) const {
    if (running == 0 || running >= enabled) return static_cast<double>(value);
    return static_cast<double>(value) * static_cast<double>(enabled) / static_cast<double>(running);
  }
};

/// An event that perf_event_open knows: its type and its number.
struct CounterEvent {
  uint32_t type = 0;
  uint64_t config = 0;
};
using CounterEvents = std::array<CounterEvent, 3>;
/// Cycles, instructions, misses of the last cache, all outside of the kernel.
CounterEvents hardware_events();

/// Three events, counted for the thread that makes the object.
class ThreadCounters {
 public:
  explicit ThreadCounters(const CounterEvents& events);
  ~ThreadCounters();
  ThreadCounters(const ThreadCounters&) = delete;

  /// "" when all are counted, otherwise why not.
  const std::string& why_not() const { return why_not_; }
  /// So far; zeros when they are not counted. One system call.
  Counted read() const;

 private:
  std::array<int, 3> files_ = {-1, -1, -1};
  std::string why_not_;
};

}  // namespace sinter
