// What the subcommands of the tool share: how one is added, options that several have, and mistakes
// in usage.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sinter::cli {

/// Options that do not go together, or are missing: exit code 2, where sinter::Error gives 1.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs a subcommand after its options were parsed.
using Action = std::function<void()>;

/// Each adds one subcommand and returns its action.
Action add_train(CLI::App& app);
Action add_predict(CLI::App& app);
Action add_evaluate(CLI::App& app);
Action add_diff(CLI::App& app);
Action add_export(CLI::App& app);
Action add_dump(CLI::App& app);
Action add_explain(CLI::App& app);
Action add_summary(CLI::App& app);
Action add_memory(CLI::App& app);
Action add_passes(CLI::App& app);
Action add_bench(CLI::App& app);
Action add_profile(CLI::App& app);
Action add_replay(CLI::App& app);
Action add_roofline(CLI::App& app);
Action add_verify(CLI::App& app);
Action add_bisect(CLI::App& app);

/// --backend, --threads and --tune.
struct RunOptions {
  std::string backend = "auto";
  int threads = 0;  // 0: the default of the runtime
  bool tune = false;

  void add_to(CLI::App& command);
  /// Makes them hold for this process.
  void apply() const;
};

/// --mixed-precision, which overrides what a model was compiled with.
void add_mixed_precision(CLI::App& command, std::string& name);

/// How many bytes a training step may need, "64M" say; the same.
void add_memory_budget(CLI::App& command, const char* option, std::string& amount);
/// Raises Error for what is no amount.
int64_t budget_of(const std::string& amount);

/// A file that a command reads or writes, and the option that names it.
struct FileArgument {
  std::string option, path;
};
/// Raises UsageError when a file to write would replace one that is read, or another one that is
/// written. What is no regular file (a pipe, /dev/null) may be named more than once.
void check_files(const std::vector<FileArgument>& read, const std::vector<FileArgument>& written);

/// For numbers of an option: from `least` to `most`, and no NaN.
std::function<std::string(const std::string&)> number_within(double least, double most);
/// For whole numbers of an option: from `least` to `most`, or to the most that `Integer` holds.
std::function<std::string(const std::string&)> count_within(int64_t least, int64_t most);
template <typename Integer = int64_t>
std::function<std::string(const std::string&)> count_from(int64_t least) {
  return count_within(least, std::numeric_limits<Integer>::max());
}

/// Writes to standard output. Raises FileError when that fails (a full disk, say).
void print(const std::string& text);

}  // namespace sinter::cli
