// Times of kernels, gathered over runs.
#include "runtime/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "runtime/executable.h"

namespace sinter {
namespace {

struct Times {
  int64_t runs = 0;
  std::vector<int64_t> total, least;  // a phase, in nanoseconds
};

struct Profile {
  std::atomic<bool> on{false};
  std::mutex mutex;
  std::map<const Executable*, Times> running;
  std::string finished;
};

Profile& profile() {
  static Profile instance;
  return instance;
}

std::string to_text(const Executable& executable, const Times& times) {
  const Program& program = executable.program();
  const auto microseconds = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
  int64_t all = 0, all_least = 0;
  for (size_t k = 0; k < times.total.size(); ++k) {
    all += times.total[k];
    all_least += times.least[k];
  }
  std::string text = fmt::format(
      "executable \"{}\": {} runs, {:.1f} us a run in kernels ({:.1f} us if each took its least)\n"
      "   mean us  least us  share  kernel\n",
      executable.graph().name(), times.runs, microseconds(all) / static_cast<double>(times.runs),
      microseconds(all_least));
  size_t k = 0;
  for (const Step& step : program.steps) {
    if (step.prologue) continue;
    int64_t total = 0, least = 0;
    for (int phase = 0; phase < step.kernel->phases(); ++phase, ++k) {
      total += times.total[k];
      least += times.least[k];
    }
    const Node& node = executable.graph().node(step.node);
    std::string line =
        fmt::format("  {:8.2f}  {:8.2f}  {:4.1f}%  %{} {}", microseconds(total) / static_cast<double>(times.runs),
                    microseconds(least), 100.0 * static_cast<double>(total) / static_cast<double>(std::max<int64_t>(all, 1)),
                    step.node, node.op->name);
    for (const ValueType& t : node.types) line += " " + t.to_string();
    line += fmt::format(" on {}", step.backend);
    if (!step.kernel->description().empty()) line += ", " + step.kernel->description();
    if (node.origin && !node.origin->layer.empty()) line += " @ " + node.origin->layer;
    text += line + "\n";
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
  times.total.resize(nanoseconds.size(), 0);
  times.least.resize(nanoseconds.size(), INT64_MAX);
  ++times.runs;
  for (size_t k = 0; k < nanoseconds.size(); ++k) {
    times.total[k] += nanoseconds[k];
    times.least[k] = std::min(times.least[k], nanoseconds[k]);
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

}  // namespace sinter
