// sinter explain: what became of a model, as a page for a browser.
#include "frontend/explain/explain.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model, html;
  ExplainOptions how;
  RunOptions run;
};

void write_page(const Options& o) {
  check_files({{"MODEL", o.model}}, {{"--html", o.html}});
  o.run.apply();
  const bool training = o.how.graph.empty() || o.how.graph == "training";
  const Model model = open_model(o.model, training ? ModelUse::kTraining : ModelUse::kPrediction);
  explain(model, o.html, o.how, SourceLocation());
  print(fmt::format("wrote {}\n", o.html));
}

}  // namespace

Action add_explain(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "explain", "Write a page that shows what became of a model, down to the machine code");
  auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "A .sinter file or a .json architecture")
      ->type_name("MODEL")
      ->required();
  command->add_option("--html", o->html, "The page, one file that needs nothing but a browser")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--graph", o->how.graph,
                   "forward (as the layers build it), inference (compiled), training (the whole "
                   "step; default where the model is compiled)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"forward", "training", "inference"}));
  command->add_option("--batch", o->how.batch, "Rows that are compiled for")
      ->type_name("N")
      ->check(count_from(1))
      ->capture_default_str();
  command->add_flag("--measure", o->how.measure,
                    "Also time each kernel, in runs of random numbers");
  o->run.add_to(*command);
  return [o] { write_page(*o); };
}

}  // namespace sinter::cli
