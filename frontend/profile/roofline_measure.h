// What this machine can do at most, measured: arithmetic by dtype, bandwidth by level of memory,
// and how long a cache line takes between two cores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/profile/roofline_loops.h"

namespace sinter::roofline {

struct Peak {
  std::string dtype, instruction;
  int threads = 1;
  double operations_per_second = 0;
};

/// A level of memory and a working set that lies well inside it.
struct Level {
  std::string name;     // L1, L2, L3, DRAM
  int64_t bytes = 0;    // of each core, or
  bool shared = false;  // of all cores: then the threads divide them
};

struct Bandwidth {
  Level level;
  std::string loop;  // read, copy, triad
  bool non_temporal = false;
  int threads = 1;
  double bytes_per_second = 0;  // asked for; fetching a line to overwrite it does not count
};

/// L1, L2, L3 as the system describes them, and DRAM.
std::vector<Level> memory_levels();

/// The best of many short repetitions within `seconds`; each thread stays on a core of its own.
Peak measure_peak(const PeakLoop& loop, int threads, double seconds);
Bandwidth measure_bandwidth(const StreamLoop& loop, const Level& level, int threads,
                            double seconds);

/// Seconds that a cache line takes from one core to another and back: two threads that answer each
/// other through an atomic, the median of many short batches. Nothing where this process may use
/// one core only.
std::optional<double> measure_line_round_trip(double seconds);

/// The CPU's name as the system has it.
std::string machine_name();
/// Today in UTC, as 2026-01-31.
std::string today();

}  // namespace sinter::roofline
