// Options that several subcommands have, and checked printing.
#include "frontend/cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "core/error.h"
#include "core/file_io.h"
#include "core/memory_limit.h"
#include "frontend/session.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"

namespace sinter::cli {

void RunOptions::add_to(CLI::App& command) {
  std::string known;
  for (const std::string& name : backend_names()) known += (known.empty() ? "" : ", ") + name;
  command.add_option("--backend", backend, "Who runs the model: " + known)
      ->type_name("NAME")
      ->capture_default_str();
  command
      .add_option("--threads", threads, "Threads to use (default: the cores this process may use)")
      ->type_name("N")
      ->check(count_within(1, kMaxThreads));
  command.add_flag(
      "--tune", tune,
      "Where auto has a choice, measure instead of estimating; the cache keeps the result");
}

void RunOptions::apply() const {
  set_backend(backend);
  set_tuning(tune);
  if (threads > 0) set_threads(threads);
}

void add_mixed_precision(CLI::App& command, std::string& name) {
  command
      .add_option("--mixed-precision", name,
                  "bfloat16: what the products of a model multiply in, instead of what it says")
      ->type_name("NAME")
      ->check(CLI::IsMember({"bfloat16"}));
}

void add_memory_budget(CLI::App& command, const char* option, std::string& amount) {
  command
      .add_option(option, amount,
                  "Bytes that a training step may need, such as 64M: values are computed again "
                  "rather than kept (instead of what the model says)")
      ->type_name("BYTES");
}

int64_t budget_of(const std::string& amount) { return memory_amount(amount, "the memory budget"); }

void check_files(const std::vector<FileArgument>& read, const std::vector<FileArgument>& written) {
  std::vector<FileArgument> taken = read;
  for (const FileArgument& file : written) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(file.path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) continue;
    for (const FileArgument& other : taken) {
      if (is_same_file(file.path, other.path))
        throw UsageError(fmt::format("{} '{}' would replace the file of {}", file.option, file.path,
                                     other.option));
    }
    taken.push_back(file);
  }
}

std::function<std::string(const std::string&)> number_within(double least, double most) {
  return [=](const std::string& text) -> std::string {
    double value = NAN;
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most) return "";
    return fmt::format("{} is no number from {} to {}", text, least, most);
  };
}

std::function<std::string(const std::string&)> count_within(int64_t least, int64_t most) {
  return [=](const std::string& text) -> std::string {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most)
      return "";
    return fmt::format("{} is no whole number from {} to {}", text, least, most);
  };
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw FileError("cannot write the output: " + std::generic_category().message(errno));
  }
}

}  // namespace sinter::cli
