// sinter profile: where the time of a model goes, in runs as they really are.
#include "frontend/profile/profile.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/model_file.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/profile/any_numbers.h"
#include "frontend/session.h"
#include "ops/ops.h"
#include "runtime/compile_options.h"
#include "runtime/load.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model, trace, graph;
  int64_t batch = 32, steps = 100;
  ProfileOptions how;
  RunOptions run;
};

Tensor rows_of(const ValueType& type, int64_t batch) {
  return any_numbers({type.dtype, type.shape.specialized(batch)});
}

/// One call of a model on random numbers, weights and all as they are.
std::function<void()> step_of(Model model, bool training, int64_t batch) {
  std::vector<Tensor> x, y;
  std::set<std::string> given;
  const Graph forward = model.forward_graph();
  for (const int32_t i : forward.inputs()) {
    x.push_back(rows_of(forward.type({i, 0}), batch));
    given.insert(forward.node(i).name);
  }
  if (!training) return [=] { model.predict_all(Data(x), {.batch_size = batch}); };
  const Graph step = model.training_graph();
  for (const int32_t i : step.inputs()) {
    if (!given.contains(step.node(i).name)) y.push_back(rows_of(step.type({i, 0}), batch));
  }
  return [=]() mutable { model.train_on_batch(Data(x), Data(y)); };
}

/// Of a file without an architecture: its graph is there, lowered.
std::function<void()> step_of(const Options& o, const ModelFile& file) {
  if (o.graph == "training")
    throw Error(fmt::format("'{}' holds no model, so it has no training graph", o.model));
  const Graph* graph = file.find_graph("inference");
  if (graph == nullptr) throw Error(fmt::format("'{}' holds no graph to run", o.model));
  CompileOptions options;
  options.backend = default_backend();
  options.batch = o.batch;
  options.tune = tuning();
  const std::shared_ptr<Executable> executable = load_executable(*graph, options);
  executable->bind(variables_from_file(file, executable->graph()));
  std::vector<Tensor> inputs;
  for (const int32_t i : executable->graph().inputs())
    inputs.push_back(any_numbers(executable->graph().type({i, 0})));
  return [=] { executable->run(inputs); };
}

std::function<void()> step_of(const Options& o) {
  if (!is_json(o.model)) {
    register_ops();
    const ModelFile file = load_model_file(o.model);
    if (file.architecture.empty()) return step_of(o, file);
  }
  const bool may_train = o.graph.empty() || o.graph == "training";
  const Model model = open_model(o.model, may_train ? ModelUse::kTraining : ModelUse::kPrediction);
  const bool training = o.graph.empty() ? model.is_compiled() : may_train;
  if (training && !model.is_compiled())
    throw Error(fmt::format("'{}' is not compiled, so it has no training step", o.model));
  return step_of(model, training, o.batch);
}

void profile(const Options& o) {
  check_files({{"MODEL", o.model}}, {{"--trace", o.trace}});
  o.run.apply();
  const std::function<void()> step = step_of(o);
  constexpr int kUnseen = 5;  // the first ones compile, derive and fill caches
  for (int i = 0; i < kUnseen; ++i) step();
  Profile profile(o.how, {});
  for (int64_t i = 0; i < o.steps; ++i) step();
  print(profile.to_string());
  if (o.trace.empty()) return;
  profile.save_trace(o.trace, {});
  print(fmt::format("wrote {}\n", o.trace));
}

}  // namespace

Action add_profile(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "profile", "Run a model on random numbers and say where its time goes, kernel by kernel");
  auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "A .sinter file or a .json architecture")
      ->type_name("MODEL")
      ->required();
  command
      ->add_option("--graph", o->graph,
                   "inference, training (the whole step; default where the model is compiled)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"training", "inference"}));
  command->add_option("--batch", o->batch, "Rows of a run")
      ->type_name("N")
      ->check(count_from(1))
      ->capture_default_str();
  command->add_option("--steps", o->steps, "Runs that are recorded, after five that are not")
      ->type_name("N")
      ->check(count_within(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--trace", o->trace,
                   "Write every run, thread by thread, for ui.perfetto.dev or chrome://tracing")
      ->type_name("FILE");
  command->add_flag("--counters", o->how.counters,
                    "Also instructions a cycle and cache misses, where the system allows it");
  o->run.add_to(*command);
  return [o] { profile(*o); };
}

}  // namespace sinter::cli
