// sinter evaluate: loss and metrics of a model on labelled data, as one JSON line.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/error.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/interop/json.h"
#include "frontend/model.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> x, y, sample_weight;
  int64_t batch_size = 32;
  RunOptions run;
};

void evaluate(const Options& options) {
  options.run.apply();
  const Model model = open_model(options.model, ModelUse::kTraining);
  if (!model.is_compiled()) {
    throw Error(fmt::format(
        "'{0}' does not say which loss and metrics to evaluate: train it with them first, 'sinter "
        "train {0} --x FILE --y FILE --loss NAME --metrics NAME --output m.sinter', and evaluate "
        "m.sinter",
        options.model));
  }
  EvaluateOptions how{.batch_size = options.batch_size, .verbose = 0};
  if (!options.sample_weight.empty()) how.sample_weight = load_data(options.sample_weight);
  Config line;
  for (const auto& [name, value] :
       model.evaluate(load_data(options.x), load_data(options.y), how).values)
    line.set(name, value);
  print(to_json_text(line) + "\n");
}

}  // namespace

Action add_evaluate(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "evaluate", "Print loss and metrics of a compiled model on labelled data, as JSON");
  auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "A .sinter file with compile settings")
      ->type_name("MODEL")
      ->required();
  command->add_option("--x", o->x, "Input, .npy or .csv; once for each input of the model")
      ->type_name("FILE")
      ->required()
      ->expected(1)
      ->take_all();
  command->add_option("--y", o->y, "Labels, .npy or .csv; once for each output")
      ->type_name("FILE")
      ->required()
      ->expected(1)
      ->take_all();
  command->add_option("--sample-weight", o->sample_weight, "Weight of each row, .npy or .csv")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  command->add_option("--batch-size", o->batch_size, "Rows at a time")
      ->type_name("N")
      ->check(count_from(1))
      ->capture_default_str();
  o->run.add_to(*command);
  return [o] { evaluate(*o); };
}

}  // namespace sinter::cli
