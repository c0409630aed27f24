// Campaigns of random graphs, and single cases: tests/fuzz/run --help.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "ops/ops.h"
#include "runtime/load.h"
#include "frontend/verify/case_file.h"
#include "tests/fuzz/derivatives.h"
#include "tests/fuzz/random_case.h"
#include "frontend/verify/shrink.h"

namespace sinter::fuzz {
namespace {

constexpr const char* kHelp =
    R"(usage: fuzz [--minutes M | --graphs N] [--seed S] [--mode compiled|passes|gradients]
            [--backend NAME]... [--elements N] [--steps N] [--views SHARE]
            [--windows SHARE] [--floats-only]
            [--keep FOLDER] [--no-shrink] [--first]
       fuzz --graph FILE...
       fuzz --print SEED

Runs random graphs and compares every result with the same graph in double, within bounds that
follow from the computation. Failures are made small and written to FOLDER (default: fuzz-failures)
as text, which --graph runs again.

  --mode compiled  (default) kernels of llvm, onednn and auto
  --mode passes    every pass, then the reference backend: fast
  --mode gradients gradients of first and second order against differences, in float64
  --first          stops at the first failure
SINTER_CPU=x86-64, x86-64-v3 picks the instruction set of generated code.
)";

struct Options {
  double minutes = 0;
  int64_t graphs = 0;
  uint64_t seed = 1;
  std::string mode = "compiled", folder = "fuzz-failures";
  std::vector<std::string> backends, files;
  Sizes sizes;
  bool shrinks = true, first_only = false;
  std::string print;
};

Options parse_options(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (++i >= argc) throw Error("no value after " + name);
      return argv[i];
    };
    if (name == "--minutes")
      o.minutes = std::stod(value());
    else if (name == "--graphs")
      o.graphs = std::stoll(value());
    else if (name == "--seed")
      o.seed = std::stoull(value());
    else if (name == "--mode")
      o.mode = value();
    else if (name == "--backend")
      o.backends.push_back(value());
    else if (name == "--elements")
      o.sizes.elements = std::stoll(value());
    else if (name == "--steps")
      o.sizes.steps = std::stoi(value());
    else if (name == "--views")
      o.sizes.views = std::stod(value());
    else if (name == "--windows")
      o.sizes.windows = std::stod(value());
    else if (name == "--keep")
      o.folder = value();
    else if (name == "--no-shrink")
      o.shrinks = false;
    else if (name == "--floats-only")
      o.sizes.floats_only = true;
    else if (name == "--first")
      o.first_only = true;
    else if (name == "--print")
      o.print = value();
    else if (name == "--graph")
      o.files.push_back(value());
    else if (!name.starts_with("-") && !o.files.empty())
      o.files.push_back(name);
    else
      throw Error(name == "--help" ? "" : "unknown option " + name);
  }
  return o;
}

// The instruction set is chosen once a process, so a case that names another one starts a new one.
void start_again_with(const std::string& cpu, char** argv) {
  const char* now = std::getenv("SINTER_CPU");
  if (cpu == (now == nullptr ? "" : now)) return;
  if (cpu.empty())
    ::unsetenv("SINTER_CPU");
  else
    ::setenv("SINTER_CPU", cpu.c_str(), 1);
  ::execv("/proc/self/exe", argv);
  throw Error("cannot start again");
}

int run_files(const Options& o, char** argv) {
  int failures = 0;
  for (const std::string& path : o.files) {
    const CaseFile file = read_case(path);
    for (const Configuration& k : file.runs) {
      if (o.files.size() == 1 && file.runs.size() == 1) start_again_with(k.cpu, argv);
      const Verdict v = check(file.c, k);
      fmt::print("{} {}: {}\n", path, k.to_string(), v.good() ? "good" : v.what);
      failures += v.good() ? 0 : 1;
    }
  }
  return failures == 0 ? 0 : 1;
}

class Campaign {
 public:
  explicit Campaign(const Options& o) : o_(o), start_(std::chrono::steady_clock::now()) {
    if (o.mode == "passes")
      backends_ = {"passes"};
    else if (!o.backends.empty())
      backends_ = o.backends;
    else {
      for (const std::string& name : backend_names()) {
        if (name == "reference") continue;
        backends_.push_back(name);
        if (name == "llvm") backends_.insert(backends_.end(), 3, name);
      }
      if (backends_.empty()) backends_ = {"reference"};
    }
  }

  int run() {
    double next_line = 10;
    for (uint64_t seed = o_.seed;; ++seed) {
      if (o_.graphs > 0 && graphs_ >= o_.graphs) break;
      if (o_.minutes > 0 && seconds() > o_.minutes * 60) break;
      one(seed);
      if (o_.first_only && failures_ > 0) break;
      if (seconds() < next_line) continue;
      next_line = seconds() + 10;
      line(seed);
    }
    line(o_.seed + static_cast<uint64_t>(graphs_));
    for (const auto& [text, count] : signatures_) fmt::print("{:6} {}\n", count, text);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  void line(uint64_t seed) {
    if (o_.mode == "gradients") {
      fmt::print(
          "{:8} graphs, {} failures; of {} with gradients {} judged, {} twice, {} not finite; seed "
          "{}\n",
          graphs_, failures_, derivatives_.graphs, derivatives_.judged_first,
          derivatives_.judged_second, derivatives_.not_finite, seed);
      std::fflush(stdout);
      return;
    }
    fmt::print(
        "{:8} graphs, {:7.1f} a second, {} failures of {} kinds; {:.2f} % of {:.3g} numbers "
        "unknown, {:.2f} % loose; seed {}\n",
        graphs_, static_cast<double>(graphs_) / seconds(), failures_, signatures_.size(),
        percent(counts_.unknown), static_cast<double>(counts_.elements), percent(counts_.loose),
        seed);
    std::fflush(stdout);
  }
  double percent(int64_t n) const {
    return counts_.elements == 0
               ? 0
               : 100.0 * static_cast<double>(n) / static_cast<double>(counts_.elements);
  }

  void one(uint64_t seed) {
    ++graphs_;
    if (o_.mode == "gradients") return one_gradient(seed);
    const RandomCase r =
        random_case(seed, o_.mode == "compiled" ? sizes_of(seed, o_.sizes) : o_.sizes);
    Configuration k = random_configuration(seed, backends_);
    if (const char* cpu = std::getenv("SINTER_CPU")) k.cpu = cpu;
    if (!r.fault.empty()) return report(seed, {r.c, k, {"building: " + r.fault}, {}, 0});
    const Verdict v = check(r.c, k, &counts_);
    if (v.good()) return;
    if (o_.shrinks && failures_ < 400)
      report(seed, shrink(r.c, k, v));
    else
      report(seed, {r.c, k, v, {}, 0});
  }

  void one_gradient(uint64_t seed) {
    std::string fault;
    try {
      fault = derivative_fault(seed, derivatives_);
    } catch (const std::exception& error) {
      fault = fmt::format("raises: {}", error.what());
    }
    if (fault.empty()) return;
    ++failures_;
    ++signatures_[fmt::format("seed {}", seed)];
    fmt::print("--- seed {}: {}\n", seed, fault);
  }

  void report(uint64_t seed, const Shrunk& s) {
    ++failures_;
    const std::string sign = signature(s);
    if (signatures_[sign]++ > 0) return;
    std::string passes;
    for (const std::string& p : s.guilty_passes) passes += " " + p;
    const std::string remark = fmt::format("{}\nseed {}; right without one of:{}", s.verdict.what,
                                           seed, passes.empty() ? " (no pass)" : passes);
    const std::string text = to_text(s.c, s.configuration, remark);
    std::filesystem::create_directories(o_.folder);
    const std::string path = fmt::format("{}/{}-{}.graph", o_.folder, o_.mode, seed);
    std::ofstream(path) << text;
    fmt::print("--- {} ({:.1f} s)\n{}\n", path, seconds(),
               text.size() < 6000 ? text : text.substr(0, 6000) + " ...");
    std::fflush(stdout);
  }

  const Options& o_;
  std::chrono::steady_clock::time_point start_;
  std::vector<std::string> backends_;
  int64_t graphs_ = 0, failures_ = 0;
  JudgeCounts counts_;
  DerivativeCounts derivatives_;
  std::map<std::string, int> signatures_;
};

int main_of(int argc, char** argv) {
  register_ops();
  ::setenv("SINTER_VERIFY_PASSES", "1", 1);
  ::setenv("SINTER_VERIFY_IR", "1", 1);
  try {
    Options o = parse_options(argc, argv);
    if (!o.files.empty()) return run_files(o, argv);
    if (!o.print.empty()) {
      const RandomCase r = random_case(std::stoull(o.print), o.sizes);
      fmt::print("{}\n",
                 to_text(r.c, random_configuration(std::stoull(o.print), {"llvm"}), r.fault));
      return 0;
    }
    if (o.minutes <= 0 && o.graphs <= 0) o.minutes = 1;
    return Campaign(o).run();
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n{}", error.what(), kHelp);
    return 2;
  }
}

}  // namespace
}  // namespace sinter::fuzz

int main(int argc, char** argv) { return sinter::fuzz::main_of(argc, argv); }
