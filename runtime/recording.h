// What runs do and when: each piece of each kernel, on the thread that ran it. What `Profile` and
// `sinter explain --measure` are made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/counters.h"

namespace sinter {

struct Program;

/// One piece of a phase of a step, as one thread ran it. Of a micro-batch (runtime/micro_batches.h)
/// also each of its steps, whole, within the slice of the micro-batch.
struct RecordedSlice {
  const Program* program = nullptr;  // that has the step
  int32_t step = -1;                 // -1: what follows from the weights alone was made anew
  int32_t phase = 0, piece = 0;
  int32_t thread = 0;          // as the system numbers them
  int64_t begin = 0, end = 0;  // recording_clock()
  Counted counted;             // zeros unless the recording counts
};

struct RecordedRun {
  std::shared_ptr<const Program> program;
  int32_t thread = 0;  // that called
  int64_t begin = 0, end = 0;
  std::vector<RecordedSlice> slices;  // thread by thread, each in the order it ran them
};

struct Recording {
  std::vector<RecordedRun> runs;
  int64_t left_out = 0;         // runs, when too much was recorded already
  bool counts = false;          // what the processor counted is in the slices
  std::string why_not_counted;  // where it was asked for in vain, for one thread or for all
};

/// From now on, runs of all executables are kept, until there are a million slices; with
/// `counters`, what the processor counts too, which takes a microsecond more a slice. False when a
/// recording is on already.
bool start_recording(bool counters = false);
/// With counters of these events in the places of cycles, instructions and cache misses.
bool start_recording(const CounterEvents& events);
bool is_recording();
/// What there was since start_recording(); runs that are under way are not in it.
Recording stop_recording();

/// Nanoseconds.
int64_t recording_clock();
/// The number of the calling thread, kept from the first time on: `anew` where the thread may be
/// one that forked.
int32_t recording_thread(bool anew = false);

/// Median microseconds of each step of a program in its runs, of all threads together: waiting is
/// not in it. Empty when the program did not run.
std::vector<double> step_microseconds(const Recording& recording, const Program& program);

// --- for those who run kernels
/// May the next run be kept? Counts it as left out otherwise.
bool takes_run();
void add_run(RecordedRun run);
/// Where the calling thread puts slices of what it runs for a kernel that it is in; null when it is
/// in none or nothing is recorded.
std::vector<RecordedSlice>*& current_slices();

/// Times a piece: from construction to destruction.
class SliceTimer {
 public:
  SliceTimer(std::vector<RecordedSlice>& slices, const Program& program, int32_t step,
             int32_t phase, int32_t piece);
  ~SliceTimer();
  SliceTimer(const SliceTimer&) = delete;

 private:
  std::vector<RecordedSlice>& slices_;
  std::vector<RecordedSlice>* const before_;
  RecordedSlice slice_;
  const ThreadCounters* counters_;  // of the thread, where the recording counts
};

}  // namespace sinter
