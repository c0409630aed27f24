// How long each kernel takes inside its runs: what `sinter bench --profile` prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sinter {

class Executable;

/// Whether runs that begin from now on are timed kernel by kernel. Off by default; a timed run
/// reads the clock once a phase, some 30 ns.
void set_profiling(bool on);
bool profiling();

/// What has been measured so far, as a text: for each executable its kernels in the order they run,
/// with the median time in microseconds from barrier to barrier. Clears it.
std::string take_profile();
/// Of one executable: for each step of its program the median microseconds of its runs so far; ends
/// what take_profile() would say of them. Empty when none was timed.
std::vector<double> take_step_times(const Executable& executable);

/// Adds one run of an executable: nanoseconds of each phase, in order. Thread-safe.
void add_to_profile(const Executable& executable, std::span<const int64_t> nanoseconds);
/// The executable goes: its lines are kept as text.
void leave_profile(const Executable& executable);

}  // namespace sinter
