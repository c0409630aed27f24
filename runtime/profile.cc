// Times of kernels, gathered over runs.
#include "runtime/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <vector>

#include "core/fork.h"
#include "runtime/executable.h"
#include "runtime/micro_batches.h"

namespace sinter {
namespace {

constexpr size_t kMostSamples = 20'000;  // later runs are counted, but not kept

struct Times {
  int64_t runs = 0;
  std::vector<std::vector<int64_t>> samples;  // a phase: nanoseconds of each run
};

double median_microseconds(std::vector<int64_t> samples) {
  const auto middle = samples.begin() + static_cast<int64_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return static_cast<double>(*middle) / 1000;
}

struct Profile {
  std::atomic<bool> on{false};
  ForkMutex mutex;
  std::map<const Executable*, Times> running;
  std::string finished;
};

Profile& profile() {
  static Profile instance;
  return instance;
}

std::string line_of(const Program& program, size_t s, double us, double all) {
  const Step& step = program.steps[s];
  const Node& node = program.graph.node(step.node);
  std::string text =
      fmt::format("  {:8.2f}  {:4.1f}%  {} on {}", us, 100 * us / std::max(all, 1e-9),
                  kernel_label(program.graph, step.node), step.backend);
  if (!step.kernel->description().empty()) text += ", " + step.kernel->description();
  if (node.origin && !node.origin->layer.empty()) text += " @ " + node.origin->layer;
  return text + "\n";
}

// Of all micro-batches of a run together, on however many threads: means.
std::string to_text(const MicroBatchKernel& parts, int64_t runs) {
  std::vector<double> of_step;
  double all = 0;
  for (const int64_t nanoseconds : parts.take_step_times()) {
    of_step.push_back(static_cast<double>(nanoseconds) / 1000 / static_cast<double>(runs));
    all += of_step.back();
  }
  std::string text;
  for (size_t s = 0; s < of_step.size(); ++s) {
    if (!parts.program().steps[s].prologue) text += line_of(parts.program(), s, of_step[s], all);
  }
  return text;
}

// Median microseconds of each phase, in the order they run.
std::vector<double> medians_of(const Times& times) {
  std::vector<double> phases;
  for (const std::vector<int64_t>& samples : times.samples)
    phases.push_back(median_microseconds(samples));
  return phases;
}

std::vector<double> by_step(const Program& program, std::span<const double> phases) {
  std::vector<double> of_step(program.steps.size(), 0);
  size_t k = 0;
  for (const std::vector<StepPhase>& stage : program.stages) {
    for (const StepPhase& at : stage) of_step[static_cast<size_t>(at.step)] += phases[k++];
  }
  return of_step;
}

std::string to_text(const Executable& executable, const Times& times) {
  const Program& program = executable.program();
  const std::vector<double> phases = medians_of(times);
  const double all = std::accumulate(phases.begin(), phases.end(), 0.0);
  std::string text = fmt::format(
      "executable \"{}\": {} runs, {:.1f} us a run in kernels (medians)\n        us  share\n",
      executable.graph().name(), times.runs, all);
  if (const MicroBatchKernel* parts = micro_batches_of(program))
    return text + fmt::format("  {:8.2f}  {}\n", all, parts->description()) +
           to_text(*parts, times.runs);
  const std::vector<double> of_step = by_step(program, phases);
  for (const std::vector<StepPhase>& stage : program.stages) {
    for (const StepPhase& at : stage) {
      if (at.phase == 0)
        text += line_of(program, static_cast<size_t>(at.step),
                        of_step[static_cast<size_t>(at.step)], all);
    }
  }
  return text;
}

}  // namespace

void set_profiling(bool on) { profile().on.store(on, std::memory_order_relaxed); }

bool profiling() { return profile().on.load(std::memory_order_relaxed); }

void add_to_profile(const Executable& executable, std::span<const int64_t> nanoseconds) {
  Profile& p = profile();
  const std::lock_guard lock(p.mutex);
  Times& times = p.running[&executable];
  times.samples.resize(nanoseconds.size());
  ++times.runs;
  for (size_t k = 0; k < nanoseconds.size(); ++k) {
    if (times.samples[k].size() < kMostSamples) times.samples[k].push_back(nanoseconds[k]);
  }
}

void leave_profile(const Executable& executable) {
  Profile& p = profile();
  const std::lock_guard lock(p.mutex);
  const auto it = p.running.find(&executable);
  if (it == p.running.end()) return;
  p.finished += to_text(executable, it->second);
  p.running.erase(it);
}

std::string take_profile() {
  Profile& p = profile();
  const std::lock_guard lock(p.mutex);
  std::string text = std::move(p.finished);
  p.finished.clear();
  for (const auto& [executable, times] : p.running) text += to_text(*executable, times);
  p.running.clear();
  return text;
}

std::vector<double> take_step_times(const Executable& executable) {
  Profile& p = profile();
  const std::lock_guard lock(p.mutex);
  const auto it = p.running.find(&executable);
  if (it == p.running.end()) return {};
  std::vector<double> result = by_step(executable.program(), medians_of(it->second));
  p.running.erase(it);
  return result;
}

}  // namespace sinter
