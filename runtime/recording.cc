#include "runtime/recording.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>

#include "core/fork.h"
#include "runtime/executable.h"

namespace sinter {
namespace {

constexpr int64_t kMostSlices = 1'000'000;  // 100 MB

struct Recorder {
  std::atomic<bool> on{false}, counters{false};
  std::atomic<int64_t> slices{0}, left_out{0};
  ForkMutex mutex;
  int64_t since = 0;
  Recording recording;
};

Recorder& recorder() {
  // Never destroyed: threads of static objects may still run something.
  static auto* instance = new Recorder;
  return *instance;
}

// Made where it is first asked for; the system counts on, which costs nothing until it is read.
const ThreadCounters& counters_of_thread() {
  thread_local const ThreadCounters counters(hardware_events());
  return counters;
}

}  // namespace

int64_t recording_clock() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int32_t recording_thread(bool anew) {
  thread_local int32_t number = 0;
  if (number == 0 || anew) number = static_cast<int32_t>(::syscall(SYS_gettid));
  return number;
}

bool start_recording(bool counters) {
  Recorder& r = recorder();
  const std::lock_guard lock(r.mutex);
  if (r.on.load()) return false;
  r.recording = {};
  if (counters) {
    r.recording.why_not_counted = counters_of_thread().why_not();
    r.recording.counts = r.recording.why_not_counted.empty();
  }
  r.counters.store(r.recording.counts);
  r.slices.store(0);
  r.left_out.store(0);
  r.since = recording_clock();
  r.on.store(true);
  return true;
}

bool is_recording() { return recorder().on.load(std::memory_order_relaxed); }

Recording stop_recording() {
  Recorder& r = recorder();
  const std::lock_guard lock(r.mutex);
  r.on.store(false);
  r.recording.left_out = r.left_out.load();
  return std::exchange(r.recording, {});
}

bool takes_run() {
  Recorder& r = recorder();
  if (r.slices.load(std::memory_order_relaxed) < kMostSlices) return true;
  r.left_out.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void add_run(RecordedRun run) {
  Recorder& r = recorder();
  const std::lock_guard lock(r.mutex);
  if (!r.on.load() || run.begin < r.since) return;  // another recording began meanwhile
  run.end = recording_clock();
  run.thread = recording_thread();
  r.slices.fetch_add(static_cast<int64_t>(run.slices.size()), std::memory_order_relaxed);
  r.recording.runs.push_back(std::move(run));
}

std::vector<RecordedSlice>*& current_slices() {
  thread_local std::vector<RecordedSlice>* slices = nullptr;
  return slices;
}

SliceTimer::SliceTimer(std::vector<RecordedSlice>& slices, const Program& program, int32_t step,
                       int32_t phase, int32_t piece)
    : slices_(slices), before_(current_slices()) {
  current_slices() = &slices;
  slice_ = {&program, step, phase, piece, recording_thread(), 0, 0, {}};
  if (recorder().counters.load(std::memory_order_relaxed))
    slice_.counted = counters_of_thread().read();
  slice_.begin = recording_clock();
}

SliceTimer::~SliceTimer() {
  slice_.end = recording_clock();
  if (recorder().counters.load(std::memory_order_relaxed))
    slice_.counted = counters_of_thread().read() - slice_.counted;
  slices_.push_back(slice_);
  current_slices() = before_;
}

std::vector<double> step_microseconds(const Recording& recording, const Program& program) {
  std::vector<std::vector<int64_t>> samples(program.steps.size());  // of each step: runs
  for (const RecordedRun& run : recording.runs) {
    if (run.program.get() != &program) continue;
    for (std::vector<int64_t>& of_step : samples) of_step.push_back(0);
    for (const RecordedSlice& slice : run.slices) {
      if (slice.program == &program && slice.step >= 0)
        samples[static_cast<size_t>(slice.step)].back() += slice.end - slice.begin;
    }
  }
  std::vector<double> result;
  for (std::vector<int64_t>& of_step : samples) {
    if (of_step.empty()) return {};
    const auto middle = of_step.begin() + static_cast<int64_t>(of_step.size() / 2);
    std::ranges::nth_element(of_step, middle);
    result.push_back(static_cast<double>(*middle) / 1000);
  }
  return result;
}

}  // namespace sinter
