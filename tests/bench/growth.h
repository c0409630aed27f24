// How time grows with a size: each size is measured in a process of its own, with an empty code
// cache, and a row of the table shows seconds, the exponents between successive sizes, and memory.
#pragma once

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sinter {

/// Seconds by stage of one case at one size.
class Stages {
 public:
  /// What `work` gives; its time is that of `stage`.
  template <typename F>
  auto time(const std::string& stage, F work) {
    const auto start = std::chrono::steady_clock::now();
    struct Note {
      Stages& stages;
      const std::string& stage;
      std::chrono::steady_clock::time_point start;
      ~Note() {
        const std::chrono::duration<double> d = std::chrono::steady_clock::now() - start;
        stages.note(stage, d.count());
      }
    } note{*this, stage, start};
    return work();
  }
  void note(const std::string& stage, double seconds) {
    if (!seconds_.contains(stage)) order_.push_back(stage);
    seconds_[stage] += seconds;
  }
  const std::vector<std::string>& order() const { return order_; }
  double seconds(const std::string& stage) const {
    const auto found = seconds_.find(stage);
    return found == seconds_.end() ? std::nan("") : found->second;
  }

 private:
  std::vector<std::string> order_;
  std::map<std::string, double> seconds_;
};

struct GrowthOptions {
  std::vector<int64_t> sizes = {250, 500, 1000, 2000, 4000};
  std::string only = "";    // names of cases that hold this
  unsigned limit = 60;      // seconds; a case that takes longer is not tried at greater sizes
  double no_matter = 0.03;  // seconds below which no exponent is printed
};

/// GrowthOptions from "[ONLY] [SIZE ...]".
inline GrowthOptions growth_options(int argc, char** argv) {
  GrowthOptions options;
  if (argc > 1) options.only = argv[1];
  if (argc > 2) options.sizes.clear();
  for (int i = 2; i < argc; ++i) options.sizes.push_back(std::atoll(argv[i]));
  return options;
}

/// Runs `work` in a child. Its peak of memory in MiB is stage "MiB"; empty when it failed or took
/// too long.
inline Stages measured_apart(const std::function<void(Stages&)>& work, unsigned limit) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::alarm(limit);
    char folder[] = "/tmp/sinter-growth-XXXXXX";
    if (::mkdtemp(folder) == nullptr) std::abort();
    ::setenv("SINTER_CACHE_DIR", folder, 1);
    Stages stages;
    try {
      work(stages);
    } catch (const std::exception& e) {
      fmt::print(stderr, "{}\n", e.what());
      ::_exit(1);
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    stages.note("MiB", double(usage.ru_maxrss) / 1024);
    std::string text;
    for (const std::string& s : stages.order())
      text += fmt::format("{}\t{}\n", s, stages.seconds(s));
    if (::write(ends[1], text.data(), text.size()) < 0) std::abort();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    ::_exit(0);
  }
  ::close(ends[1]);
  Stages stages;
  if (std::FILE* file = ::fdopen(ends[0], "r")) {
    char stage[128];
    double seconds = 0;
    while (std::fscanf(file, " %127[^\t]\t%lf", stage, &seconds) == 2) stages.note(stage, seconds);
    std::fclose(file);
  }
  ::waitpid(child, nullptr, 0);
  return stages;
}

inline void print_growth_header(const GrowthOptions& options) {
  fmt::print("| case | stage |");
  for (const int64_t n : options.sizes) fmt::print(" {} |", n);
  fmt::print(" exponents of growth |\n| --- | --- |");
  for (size_t i = 0; i < options.sizes.size(); ++i) fmt::print(" --- |");
  fmt::print(" --- |\n");
}

/// One row a stage. An exponent above 1.3 is marked.
inline void measure_growth(const std::string& name, const GrowthOptions& options,
                           const std::function<void(int64_t n, Stages&)>& work) {
  if (!options.only.empty() && name.find(options.only) == std::string::npos) return;
  std::vector<Stages> by_size;
  for (const int64_t n : options.sizes) {
    by_size.push_back(measured_apart([&](Stages& s) { work(n, s); }, options.limit));
    if (by_size.back().order().empty()) break;
  }
  for (const std::string& stage : by_size.front().order()) {
    fmt::print("| {} | {} |", name, stage);
    std::string exponents;
    for (size_t i = 0; i < options.sizes.size(); ++i) {
      const double s = i < by_size.size() ? by_size[i].seconds(stage) : std::nan("");
      if (std::isnan(s)) {
        fmt::print(" - |");
        continue;
      }
      fmt::print(" {:.{}f} |", s, stage == "MiB" ? 0 : 3);
      const double before = i == 0 ? std::nan("") : by_size[i - 1].seconds(stage);
      if (std::isnan(before) || (stage != "MiB" && s < options.no_matter)) continue;
      const double exponent =
          std::log(s / before) / std::log(double(options.sizes[i]) / double(options.sizes[i - 1]));
      exponents += fmt::format(" {:.2f}{}", exponent, exponent > 1.3 ? "!" : "");
    }
    fmt::print("{} |\n", exponents);
  }
  if (by_size.front().order().empty()) fmt::print("| {} | fails |\n", name);
  std::fflush(stdout);
}

/// The program: each case on each backend, where `use(case, backend, n, stages)` is the work.
template <typename Case, typename Use>
int growth_main(int argc, char** argv, const std::vector<Case>& cases, const Use& use) {
  const GrowthOptions options = growth_options(argc, argv);
  print_growth_header(options);
  for (const Case& c : cases)
    for (const std::string backend : {"reference", "llvm", "auto"})
      measure_growth(fmt::format("{}, {}", c.name, backend), options,
                     [&](int64_t n, Stages& s) { use(c, backend, n, s); });
  return 0;
}

}  // namespace sinter
