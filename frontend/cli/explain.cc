// sinter explain: what became of a model, as a page for a browser.
#include "frontend/explain/explain.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/error.h"
#include "core/file_io.h"
#include "core/model_file.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/explain/explain_data.h"
#include "ops/ops.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model, html;
  ExplainOptions how;
  RunOptions run;
};

/// Of a file without an architecture: its graph is there, lowered.
void write_page_of_graph(const Options& o, const ModelFile& file) {
  if (file.graphs.empty()) throw Error(fmt::format("'{}' holds weights and no graph", o.model));
  if (o.how.graph == "training")
    throw Error(fmt::format("'{}' holds no model, so it has no training graph", o.model));
  ExplainedGraph explained;
  explained.graph = file.graphs[0];
  explained.title = explained.graph.name();
  explained.kind = o.how.graph.empty() ? "inference" : o.how.graph;
  explained.layers = layers_of_step(explained.graph, explained.graph);
  explained.how.backend = o.run.backend;
  explained.how.batch = o.how.batch;
  explained.how.tune = o.run.tune;
  explained.measure = o.how.measure;
  write_file_atomically(o.html, explain_page(explain_data(std::move(explained))));
  print(fmt::format("wrote {}\n", o.html));
}

void write_page(const Options& o) {
  check_files({{"MODEL", o.model}}, {{"--html", o.html}});
  o.run.apply();
  if (!is_json(o.model)) {
    register_ops();
    const ModelFile file = load_model_file(o.model);
    if (file.architecture.empty()) return write_page_of_graph(o, file);
  }
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
