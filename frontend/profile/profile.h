// Profile: what a program's models really do while it runs, kernel by kernel.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "core/source_location.h"

namespace sinter {

struct ProfileOptions {
  /// Also what the processor counts: cycles, instructions, misses of the last cache. A microsecond
  /// more a piece of work. Not every system allows it: counters() says so then.
  bool counters = false;
};

/// A kernel of a program (a step of training, a prediction for so many rows).
struct ProfiledKernel {
  std::string program;  // the graph's name
  std::string layer;    // names with '+' between them where layers are fused; empty for none
  std::string line;     // "net.cc:42", the call that made the layer, where it is known
  std::string part;     // forward, backward, update
  std::string op;       // "%4 fusion float32[128,128]", as `sinter dump --kernels` has it
  std::string backend, description;
  int64_t runs = 0;         // of the program
  double microseconds = 0;  // a run: the median, of all threads together, without waiting
  int threads = 1;          // that worked on it at most
  int64_t flops = 0;        // arithmetic operations a run, as the graph says: Winograd needs fewer
  int64_t bytes = 0;        // of operands and results, each once
  double gflops = 0, gb_per_s = 0;  // while it ran, on `threads` threads
  /// What bounds it: "arithmetic", or the smallest memory that holds its values ("L1", "L2", "L3",
  /// "DRAM"), as measured with so many threads. Empty where this machine cannot be measured.
  std::string limit;
  double share = 0;  // of that limit
  /// A run, of all threads; 0 unless they were counted.
  double cycles = 0, instructions = 0, cache_misses = 0;
};

/// Records all runs of all models of this process, from its construction until it is first asked
/// for something; runs cost some 50 ns more for each piece of work then. What is recorded is what
/// happens: pieces of kernels on the threads that take them.
///
///   Profile profile;
///   model.fit(x, y);
///   std::cout << profile;              // a table, what takes longest first
///   profile.save_trace("fit.json");    // for ui.perfetto.dev or chrome://tracing
class Profile {
 public:
  /// Raises Error while another one records.
  explicit Profile(ProfileOptions options = {}, SourceLocation where = SourceLocation::current());
  ~Profile();
  Profile(const Profile&) = delete;

  /// By time, longest first. The first question measures what the machine can do, in some tenths of
  /// a second.
  const std::vector<ProfiledKernel>& kernels();
  /// Runs that were recorded, and those beyond the million slices that are kept.
  int64_t runs();
  int64_t runs_left_out();
  /// "" when hardware counters were not asked for, "cycles, instructions, cache misses" when they
  /// are there, otherwise why they are not.
  std::string counters();
  /// A table for each program, by time.
  std::string to_string();
  /// Chrome's trace-event format: a slice for each piece of work, thread by thread, within that of
  /// its run, with layer, line, part, op, backend, GFLOP/s or GB/s and the share of the limit.
  /// Raises FileError.
  void save_trace(const std::string& path, SourceLocation where = SourceLocation::current());

 private:
  struct State;
  State& stopped();
  std::unique_ptr<State> state_;
};

std::ostream& operator<<(std::ostream& stream, Profile& profile);

}  // namespace sinter
