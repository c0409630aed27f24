// Options that several subcommands have, and checked printing.
#include "frontend/cli/command.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/error.h"
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
      ->check(CLI::Range(1, 1024));
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

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw FileError("cannot write the output: " + std::generic_category().message(errno));
  }
}

}  // namespace sinter::cli
