// The `sinter` tool: parses the command line, runs one subcommand, and turns what went wrong into
// one line and an exit code.
//
// Exit codes: 0 done, 1 sinter::Error, 2 usage.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>
#include <vector>

#include "core/error.h"
#include "core/shorten.h"
#include "frontend/cli/command.h"

namespace sinter::cli {
namespace {

/// A text of the library begins with the function that was called, "fit: y has 5 rows" or "fit
/// (validation_data): ...", which the user of the tool has not: the command stands there already.
std::string without_call(const std::string& text) {
  for (const std::string_view call : {"compile", "fit", "evaluate", "predict"}) {
    if (!text.starts_with(call)) continue;
    const std::string rest = text.substr(call.size());
    if (rest.starts_with(": ")) return rest.substr(2);
    const size_t end = rest.find("): ");
    if (rest.starts_with(" (") && end < rest.size())
      return rest.substr(2, end - 2) + rest.substr(end + 1);
  }
  return text;
}

/// Errors are one line, whatever they quote, and begin with the command.
int report(const std::string& prefix, std::string text, int code) {
  text = shortened(without_call(text), 4000);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  std::fputs(fmt::format("{}: {}\n", prefix, text).c_str(), stderr);
  return code;
}

/// "there is no command 'trian'; did you mean 'train'?" for the first word that is no command or no
/// option of the chosen one; else what CLI11 says.
std::string usage_error(const CLI::App& app, int argc, char** argv, const std::string& otherwise) {
  const auto chosen = app.get_subcommands();
  const CLI::App& at = chosen.empty() ? app : *chosen[0];
  std::vector<std::string> commands, options;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(command->get_name());
  for (const CLI::Option* option : at.get_options()) {
    for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  }
  for (int i = 1; i < argc; ++i) {
    const std::string whole = argv[i], word = whole.substr(0, whole.find('='));
    const bool is_option = word.starts_with("--") && word.size() > 2;
    if (!is_option && (i > 1 || !chosen.empty() || word.starts_with('-'))) continue;
    const std::vector<std::string>& known = is_option ? options : commands;
    if (std::ranges::find(known, word) != known.end()) continue;
    const std::string near = nearest_name(word, known);
    return fmt::format("there is no {} '{}'{}", is_option ? "option" : "command", word,
                       near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
  }
  return otherwise;
}

int run(int argc, char** argv) {
  CLI::App app("Trains, runs and inspects models.", "sinter");
  app.set_version_flag("--version", "sinter " SINTER_VERSION);
  app.require_subcommand(1);
  app.footer(
      "'sinter COMMAND --help' says more about a command. Exit codes: 0 done, 1 error, 2 wrong "
      "usage.");
  app.get_formatter()->column_width(34);
  std::vector<Action> actions;
  for (Action (*add)(CLI::App&) :
       {add_train, add_predict, add_evaluate, add_export, add_diff, add_dump, add_explain,
        add_summary, add_memory, add_passes, add_bench, add_profile, add_replay, add_roofline,
        add_verify, add_bisect}) {
    actions.push_back(add(app));
  }
  std::string name = "sinter";
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const auto chosen = app.get_subcommands();
    if (!chosen.empty()) name += " " + chosen[0]->get_name();
    return report(
        name, fmt::format("{} (see '{} --help')", usage_error(app, argc, argv, error.what()), name),
        2);
  }
  const std::vector<CLI::App*> all = app.get_subcommands([](CLI::App*) { return true; });
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i]->parsed()) continue;
    name += " " + all[i]->get_name();
    try {
      actions[i]();
      print("");  // flushes: a full disk shows here
      return 0;
    } catch (const UsageError& error) {
      return report(name, fmt::format("{} (see '{} --help')", error.what(), name), 2);
    } catch (const Error& error) {
      return report(name, error.what(), 1);
    } catch (const std::bad_alloc&) {
      return report(name, "out of memory", 1);
    } catch (const std::exception& error) {
      return report(name, fmt::format("internal error, please report it: {}", error.what()), 1);
    }
  }
  return 2;
}

}  // namespace
}  // namespace sinter::cli

int main(int argc, char** argv) { return sinter::cli::run(argc, argv); }
