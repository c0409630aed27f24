// Private to Profile: what is known of the kernels of recorded programs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontend/profile/limits.h"
#include "frontend/profile/profile.h"
#include "runtime/executable.h"
#include "runtime/recording.h"

namespace sinter {

/// What does not change from run to run.
struct KernelFacts {
  ProfiledKernel told;        // without figures of runs
  KernelWork work;            // of one execution
  bool holds_others = false;  // micro-batches, whose steps are kernels themselves
};

/// Of each step of a program. Kept by the address of the program, which a recording keeps alive.
class ProgramFacts {
 public:
  const std::vector<KernelFacts>& of(const Program& program);

 private:
  std::map<const Program*, std::vector<KernelFacts>> known_;
};

/// What a run did of one step.
struct KernelRun {
  int64_t nanoseconds = 0;  // of all threads
  int threads = 0;
  int64_t executions = 0;  // one; of a step of micro-batches as many as there were
  Counted counted;
};
using KernelKey = std::pair<const Program*, int32_t>;
std::map<KernelKey, KernelRun> kernels_of(const RecordedRun& run);

/// The rate at which a run did a step.
KernelRate rate_of(const KernelFacts& facts, const KernelRun& run);

/// All runs of a program together.
struct ProfiledProgram {
  std::string name;
  int64_t runs = 0;
  double microseconds = 0;  // a run from beginning to end: the median
  std::vector<ProfiledKernel> kernels;
};
/// Programs and their kernels by time, longest first.
std::vector<ProfiledProgram> summarize(const Recording& recording, ProgramFacts& facts);

std::string profile_table(const ProfiledProgram& program, bool counted);
/// Chrome's trace-event format.
std::string trace_text(const Recording& recording, ProgramFacts& facts);

}  // namespace sinter
