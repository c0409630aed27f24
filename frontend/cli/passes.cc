// sinter passes: the passes and the pipelines that order them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "frontend/cli/command.h"
#include "passes/pass.h"

namespace sinter::cli {
namespace {

void list_passes() {
  size_t width = 0;
  for (const Pass& pass : all_passes()) width = std::max(width, pass.name.size());
  std::string text;
  for (const Pass& pass : all_passes()) {
    text += fmt::format("{:<{}}  {}{}\n", pass.name, width, pass.description,
                        pass.required ? " (always runs)" : "");
  }
  for (const char* name : {"training", "inference"}) {
    text += fmt::format("\n{}:", name);
    for (const Pass* pass : find_pipeline(name).passes) text += " " + pass->name;
  }
  print(text + "\n");
}

}  // namespace

Action add_passes(CLI::App& app) {
  app.add_subcommand("passes", "List the passes and the pipelines they stand in");
  return list_passes;
}

}  // namespace sinter::cli
