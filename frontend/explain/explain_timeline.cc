// One run as it was: which piece of which kernel each thread worked on, and when.
#include <algorithm>
#include <map>

#include "frontend/explain/explain_data.h"
#include "runtime/recording.h"

namespace sinter {
namespace {

int64_t nanoseconds(const RecordedRun& run) { return run.end - run.begin; }

}  // namespace

Config describe_timeline(const Recording& recording, const Program& program) {
  std::vector<const RecordedRun*> runs;
  for (const RecordedRun& run : recording.runs) {
    if (run.program.get() == &program) runs.push_back(&run);
  }
  if (runs.empty()) return {};
  const auto median = runs.begin() + static_cast<std::ptrdiff_t>(runs.size() / 2);
  std::ranges::nth_element(
      runs, median, [](const auto* a, const auto* b) { return nanoseconds(*a) < nanoseconds(*b); });
  const RecordedRun& run = **median;
  std::map<int32_t, int64_t> threads = {{run.thread, 0}};  // lanes; the caller's is the first
  ConfigList slices;
  for (const RecordedSlice& s : run.slices) {
    if (s.program != &program || s.step < 0) continue;
    const auto lane = threads.try_emplace(s.thread, static_cast<int64_t>(threads.size())).first;
    slices.emplace_back(ConfigValue::ints(
        {s.step, s.phase, s.piece, lane->second, s.begin - run.begin, s.end - run.begin}));
  }
  return {{"runs", static_cast<int64_t>(runs.size())},
          {"nanoseconds", nanoseconds(run)},
          {"threads", static_cast<int64_t>(threads.size())},
          {"slices", std::move(slices)}};
}

}  // namespace sinter
