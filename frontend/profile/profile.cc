#include "frontend/profile/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>

#include "core/counted.h"
#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "frontend/profile/profile_data.h"

namespace sinter {

struct Profile::State {
  ProfileOptions options;
  bool records = true;
  Recording recording;
  ProgramFacts facts;
  std::optional<std::vector<ProfiledProgram>> programs;
  std::optional<std::vector<ProfiledKernel>> kernels;

  const std::vector<ProfiledProgram>& summary() {
    if (!programs) programs = summarize(recording, facts);
    return *programs;
  }
};

Profile::Profile(ProfileOptions options, SourceLocation where) {
  if (!start_recording(options.counters))
    throw Error(with_line(where, "Profile: another one records, and there may be one at a time"));
  state_ = std::make_unique<State>();
  state_->options = options;
}

Profile::~Profile() {
  if (state_->records) (void)stop_recording();
}

Profile::State& Profile::stopped() {
  if (std::exchange(state_->records, false)) state_->recording = stop_recording();
  return *state_;
}

const std::vector<ProfiledKernel>& Profile::kernels() {
  State& state = stopped();
  if (!state.kernels) {
    state.kernels.emplace();
    for (const ProfiledProgram& program : state.summary())
      state.kernels->insert(state.kernels->end(), program.kernels.begin(), program.kernels.end());
    std::ranges::stable_sort(*state.kernels, std::greater(), [](const ProfiledKernel& k) {
      return k.microseconds * static_cast<double>(k.runs);
    });
  }
  return *state.kernels;
}

int64_t Profile::runs() { return static_cast<int64_t>(stopped().recording.runs.size()); }

int64_t Profile::runs_left_out() { return stopped().recording.left_out; }

std::string Profile::counters() {
  const State& state = stopped();
  if (!state.options.counters) return "";
  return state.recording.counts ? "cycles, instructions, cache misses"
                                : state.recording.why_not_counted;
}

std::string Profile::to_string() {
  State& state = stopped();
  std::string text;
  for (const ProfiledProgram& program : state.summary()) {
    if (program.kernels.empty()) continue;  // it only hands values on
    if (!text.empty()) text += "\n";
    text += profile_table(program, state.recording.counts);
  }
  if (text.empty()) text = "nothing ran while this profile recorded\n";
  if (state.recording.left_out > 0)
    text += fmt::format("{} more left out: a profile keeps a million slices\n",
                        counted(state.recording.left_out, "run"));
  if (state.options.counters && !state.recording.counts)
    text += fmt::format("no hardware counters: {}\n", state.recording.why_not_counted);
  return text;
}

void Profile::save_trace(const std::string& path, SourceLocation where) {
  State& state = stopped();
  at_line(where, [&] { write_file_atomically(path, trace_text(state.recording, state.facts)); });
}

std::ostream& operator<<(std::ostream& stream, Profile& profile) {
  return stream << profile.to_string();
}

}  // namespace sinter
