// sinter dump: the graphs of a model, as built and after passes, as text, Graphviz, SVG, PNG or
// JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/graph.h"
#include "core/model_file.h"
#include "core/text.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/dot.h"
#include "frontend/explain/graph_history.h"
#include "frontend/graph_dot.h"
#include "frontend/graph_json.h"
#include "frontend/model.h"
#include "frontend/session.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model;
  std::string graph = "forward";
  std::string after;
  bool all_passes = false;
  bool kernels = false;
  std::string format = "text";
  int64_t batch = 32;
  std::string mixed_precision, memory_budget;
  RunOptions run;
};

struct Built {
  Graph graph;
  CompileOptions how;  // what runs of the model would compile it with
};

CompileOptions compile_options(const Options& options) {
  CompileOptions how;
  how.backend = options.run.backend;
  how.pipeline = options.graph == "training" ? "training" : "inference";
  how.batch = options.batch;
  how.tune = options.run.tune;
  return how;
}

/// A whole model gives its graphs; a file without an architecture has one.
Built build(const Options& options) {
  register_ops();
  CompileOptions how = compile_options(options);
  if (!is_json(options.model)) {
    const ModelFile file = load_model_file(options.model);
    if (file.architecture.empty()) {
      if (file.graphs.empty())
        throw Error(fmt::format("'{}' holds weights and no graph", options.model));
      return {file.graphs[0], std::move(how)};
    }
  }
  const bool training = options.graph == "training";
  const Model model =
      open_model(options.model, training ? ModelUse::kTraining : ModelUse::kPrediction);
  if (training && !model.is_compiled())
    throw Error(fmt::format("'{}' is not compiled, so it has no training graph", options.model));
  if (model.is_compiled()) {
    how.mixed_precision = model.compile_arguments().mixed_precision;
    how.memory_budget = model.compile_arguments().memory_budget;
    how.disabled_passes = model.compile_arguments().disabled_passes;
  }
  if (!options.mixed_precision.empty()) how.mixed_precision = options.mixed_precision;
  if (!options.memory_budget.empty()) how.memory_budget = budget_of(options.memory_budget);
  return {training ? model.training_graph() : model.forward_graph(), std::move(how)};
}

/// Stages of the graph: with --all-passes as many as there are, otherwise the one that is asked
/// for.
GraphHistory stages(const Options& options) {
  auto [built, how] = build(options);
  GraphHistory history;
  const bool passes = options.all_passes || !options.after.empty() || options.graph == "inference";
  // The passes begin with a graph for one batch size.
  history.add("as built", options.all_passes && has_symbolic_batch(built)
                              ? specialize(built, how.batch)
                              : built);
  if (!passes) return history;
  if (!options.after.empty()) {
    std::set<std::string> known;
    for (const Pass* pass : find_pipeline(how.pipeline).passes) known.insert(pass->name);
    if (!known.contains(options.after)) {
      raise_unknown_name(fmt::format("pass of the {} pipeline", how.pipeline), options.after,
                         {known.begin(), known.end()});
    }
  }
  // A pass may run several times: its last result counts.
  std::optional<Graph> wanted;
  how.on_pass = [&](std::string_view pass, const Graph& graph) {
    if (options.all_passes) history.add(std::string(pass), graph);
    if (pass == options.after) wanted = graph;
  };
  Graph final = lower(built, how);
  if (options.all_passes) return history;
  if (!options.after.empty() && !wanted)
    throw Error(fmt::format("pass '{}' did not run", options.after));
  GraphHistory one;
  one.add(options.after.empty() ? "lowered" : options.after,
          wanted ? std::move(*wanted) : std::move(final));
  return one;
}

/// The graph as built, then what each pass changed.
std::string differences(const std::vector<HistoryStage>& all) {
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) {
    text += fmt::format("// {}: {} nodes{}\n", all[i].name, all[i].graph.size(),
                        all[i].unchanged ? ", unchanged" : "");
    if (i == 0)
      text += to_text(all[i].graph) + "\n";
    else if (!all[i].unchanged)
      text += difference_text(all[i - 1], all[i]) + "\n";
  }
  return text;
}

std::string in_format(const Graph& graph, const std::string& format) {
  if (format == "dot") return to_dot(graph);
  if (format == "svg") return dot_to_svg(to_dot(graph));
  if (format == "png") return dot_to_png(to_dot(graph));
  if (format == "json") return to_json(graph) + "\n";
  return to_text(graph);
}

void dump(const Options& options) {
  if (options.all_passes && (options.format == "svg" || options.format == "png")) {
    throw UsageError(
        fmt::format("--all-passes gives several graphs, and {} holds one: use --after PASS",
                    options.format == "svg" ? "an SVG" : "a PNG"));
  }
  if (options.kernels && options.format != "text")
    throw UsageError("--kernels prints text, not " + options.format);
  options.run.apply();
  if (options.kernels) {
    const auto [graph, how] = build(options);
    return print(compile(graph, how)->to_string());
  }
  const GraphHistory history = stages(options);
  const std::vector<HistoryStage>& all = history.stages();
  if (all.size() == 1) return print(in_format(all[0].graph, options.format));
  if (options.format == "text") return print(differences(all));
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) {
    if (options.format == "json") {
      text += fmt::format("{}{{\"stage\": \"{}\", \"graph\": {}}}", i == 0 ? "[" : ",\n",
                          all[i].name, to_json(all[i].graph));
    } else {
      text += fmt::format("// {}: {} nodes{}\n", all[i].name, all[i].graph.size(),
                          all[i].unchanged ? ", unchanged" : "");
      if (!all[i].unchanged) text += to_dot(all[i].graph) + "\n";
    }
  }
  print(text + (options.format == "json" ? "]\n" : ""));
}

}  // namespace

Action add_dump(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("dump", "Print a graph of a model, as built or after passes");
  auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "A .sinter file or a .json architecture")
      ->type_name("MODEL")
      ->required();
  command
      ->add_option(
          "--graph", o->graph,
          "forward (as the layers build it), training (the whole step), inference (lowered)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"forward", "training", "inference"}))
      ->capture_default_str();
  auto* after = command
                    ->add_option("--after", o->after,
                                 "The graph after this pass ('sinter passes' lists them)")
                    ->type_name("PASS");
  auto* all = command->add_flag(
      "--all-passes", o->all_passes,
      "The graph as built and what each pass changed: - gone, + new, * fused, ~ on other operands");
  all->excludes(after);
  command
      ->add_flag("--kernels", o->kernels,
                 "The kernels of the graph: backends with reasons, pieces, buffers")
      ->excludes(after)
      ->excludes(all);
  command
      ->add_option("--format", o->format,
                   "text, dot, svg, png or json; pictures are drawn by Graphviz's dot")
      ->type_name("NAME")
      ->check(CLI::IsMember({"text", "dot", "svg", "png", "json"}))
      ->capture_default_str();
  command->add_option("--batch", o->batch, "Rows that the passes compile for")
      ->type_name("N")
      ->check(count_from(1))
      ->capture_default_str();
  add_mixed_precision(*command, o->mixed_precision);
  add_memory_budget(*command, "--memory-budget", o->memory_budget);
  o->run.add_to(*command);
  return [o] { dump(*o); };
}

}  // namespace sinter::cli
