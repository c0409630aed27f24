#include "runtime/recording.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "core/fork.h"
#include "runtime/executable.h"

namespace sinter {
namespace {

constexpr int64_t kMostSlices = 1'000'000;  // 100 MB

struct Recorder {
  std::atomic<bool> on{false}, counters{false};
  std::atomic<int64_t> slices{0}, left_out{0};
  std::atomic<int64_t> number{0};  // of the recording
  CounterEvents events;
  ForkMutex mutex;
  int64_t since = 0;
  Recording recording;
};

Recorder& recorder() {
  // Never destroyed: threads of static objects may still run something.
  static auto* instance = new Recorder;
  return *instance;
}

// Made where a recording first asks for it, and again in a child: they count the thread that they
// were made in.
const ThreadCounters& counters_of_thread() {
  thread_local std::optional<ThreadCounters> counters;
  thread_local int32_t thread = 0;
  thread_local int64_t number = 0;
  Recorder& r = recorder();
  if (thread != recording_thread() || number != r.number.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(r.mutex);
    counters.emplace(r.events);
    thread = recording_thread();
    number = r.number.load(std::memory_order_relaxed);
  }
  return *counters;
}

// Sums over threads of which one counts nothing mean nothing.
void stop_counting(const std::string& why_not) {
  Recorder& r = recorder();
  const std::lock_guard lock(r.mutex);
  if (!r.counters.exchange(false)) return;
  r.recording.counts = false;
  r.recording.why_not_counted = why_not;
}

bool start(const CounterEvents* events) {
  Recorder& r = recorder();
  const std::lock_guard lock(r.mutex);
  if (r.on.load()) return false;
  r.recording = {};
  r.number.fetch_add(1);
  if (events != nullptr) {
    r.events = *events;
    r.recording.why_not_counted = ThreadCounters(*events).why_not();
    r.recording.counts = r.recording.why_not_counted.empty();
  }
  r.counters.store(r.recording.counts);
  r.slices.store(0);
  r.left_out.store(0);
  r.since = recording_clock();
  r.on.store(true);
  return true;
}

// Were the counters another's for all of the time? Zeros would then look like numbers.
bool never_counted(const Recording& recording) {
  Counted sum;
  for (const RecordedRun& run : recording.runs) {
    for (const RecordedSlice& slice : run.slices) sum += slice.counted;
  }
  return sum.enabled > 0 && sum.running == 0;
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
  const CounterEvents events = hardware_events();
  return start(counters ? &events : nullptr);
}
bool start_recording(const CounterEvents& events) { return start(&events); }

bool is_recording() { return recorder().on.load(std::memory_order_relaxed); }

Recording stop_recording() {
  Recorder& r = recorder();
  const std::lock_guard lock(r.mutex);
  r.on.store(false);
  r.counters.store(false);
  Recording& recording = r.recording;
  recording.left_out = r.left_out.load();
  if (recording.counts && never_counted(recording)) {
    recording.counts = false;
    recording.why_not_counted = "the processor's counters were never free";
  }
  if (!recording.counts) {
    for (RecordedRun& run : recording.runs) {
      for (RecordedSlice& slice : run.slices) slice.counted = {};
    }
  }
  return std::exchange(recording, {});
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
    : slices_(slices),
      before_(current_slices()),
      counters_(recorder().counters.load() ? &counters_of_thread() : nullptr) {
  current_slices() = &slices;
  slice_ = {&program, step, phase, piece, recording_thread(), 0, 0, {}};
  if (counters_ != nullptr) {
    if (!counters_->why_not().empty()) stop_counting(counters_->why_not());
    slice_.counted = counters_->read();
  }
  slice_.begin = recording_clock();
}

SliceTimer::~SliceTimer() {
  slice_.end = recording_clock();
  if (counters_ != nullptr) slice_.counted = counters_->read() - slice_.counted;
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
