// What the processor counts while a thread works, by perf_event_open: for recordings of runs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace sinter {

/// Of one thread. Where the processor has fewer counters than asked for, the kernel takes turns and
/// these are scaled up.
struct Counted {
  int64_t cycles = 0, instructions = 0, cache_misses = 0;
  Counted operator-(const Counted& before) const {
    return {cycles - before.cycles, instructions - before.instructions,
            cache_misses - before.cache_misses};
  }
  Counted& operator+=(const Counted& more) {
    cycles += more.cycles;
    instructions += more.instructions;
    cache_misses += more.cache_misses;
    return *this;
  }
};

/// An event that perf_event_open knows: its type and its number.
struct CounterEvent {
  uint32_t type = 0;
  uint64_t config = 0;
};
/// Cycles, instructions, misses of the last cache, all outside of the kernel.
std::array<CounterEvent, 3> hardware_events();

/// Three events, counted for the thread that makes the object.
class ThreadCounters {
 public:
  explicit ThreadCounters(const std::array<CounterEvent, 3>& events);
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
