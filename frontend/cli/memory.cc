// sinter memory: a bound of what a model needs of memory, before it is needed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/memory_limit.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/memory_report.h"
#include "frontend/model.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model;
  int64_t batch = 32;
  bool training = false;
  std::string budget;
  RunOptions run;
};

void show_memory(const Options& options) {
  options.run.apply();
  const Model model =
      open_model(options.model, options.training ? ModelUse::kTraining : ModelUse::kPrediction);
  if (options.training && !model.is_compiled())
    throw Error(fmt::format("'{}' is not compiled, so it has no training step", options.model));
  if (!options.budget.empty() && !options.training)
    throw UsageError("--budget is for a training step: add --training");
  const MemoryReport report =
      model.memory_report(options.batch, {.training = options.training}, {});
  if (options.budget.empty()) return print(report.to_string());
  CompileArguments arguments = model.compile_arguments();
  arguments.memory_budget = budget_of(options.budget);
  model.compile(arguments);
  print(model.memory_report(options.batch, {.training = true}, {}).to_string());
  print(fmt::format("without a budget: {}\n", memory_text(report.total())));
}

}  // namespace

Action add_memory(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "memory", "Print a bound of the memory that a model needs, by layer and kind");
  auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "A .sinter file or a .json architecture")
      ->type_name("MODEL")
      ->required();
  command->add_option("--batch", o->batch, "Rows of a batch")
      ->type_name("N")
      ->check(count_from(1))
      ->capture_default_str();
  command->add_flag("--training", o->training, "Of a training step instead of prediction");
  add_memory_budget(*command, "--budget", o->budget);
  o->run.add_to(*command);
  return [o] { show_memory(*o); };
}

}  // namespace sinter::cli
