// sinter train: compile and fit from the command line, from Keras's JSON, or both.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/cli/command.h"
#include "frontend/cli/interrupt.h"
#include "frontend/cli/model_argument.h"
#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/model_state.h"
#include "frontend/save.h"
#include "frontend/session.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> x, y, x_val, y_val, sample_weight;
  std::optional<int> epochs, verbose;
  std::optional<int64_t> batch_size, seed;
  std::optional<double> validation_split;
  bool no_shuffle = false, check_numerics = false;
  std::string optimizer, loss, metrics, mixed_precision, memory_budget, compile, fit, history,
      output, replay;
  RunOptions run;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1)
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

ConfigValue parse_value(const std::string& text) {
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto [last, error] = std::from_chars(text.data(), end, integer);
      error == std::errc() && last == end)
    return integer;
  double number = 0;
  if (const auto [last, error] = std::from_chars(text.data(), end, number);
      error == std::errc() && last == end)
    return number;
  return text;
}

/// "adam:learning_rate=0.01,amsgrad=true".
Optimizer parse_optimizer(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const Optimizer plain(name);
  if (colon == std::string::npos) return plain;
  const Config defaults = plain.impl().config();
  std::vector<std::string> known;
  for (const ConfigEntry& entry : defaults.entries()) known.push_back(entry.key);
  Config config;
  for (const std::string& setting : split(text.substr(colon + 1), ',')) {
    const size_t equal = setting.find('=');
    if (equal == std::string::npos)
      throw UsageError(fmt::format("--optimizer: '{}' is not KEY=VALUE", setting));
    const std::string key = setting.substr(0, equal);
    if (std::ranges::find(known, key) == known.end())
      raise_unknown_name(fmt::format("setting of optimizer '{}'", name), key, known);
    config.set(key, parse_value(setting.substr(equal + 1)));
  }
  return Optimizer::from_config(
      ConfigObject{"keras.optimizers", plain.impl().class_name(), config});
}

ConfigValue read_json(const std::string& path) {
  return parse_json(read_file(path), fmt::format("'{}'", path));
}

/// A dictionary of arguments. Raises NameError for a key that is none of `known`.
ConfigValue read_arguments(const std::string& path, const std::vector<std::string>& known) {
  ConfigValue json = read_json(path);
  if (const Config* config = json.as<Config>()) {
    for (const ConfigEntry& entry : config->entries()) {
      if (std::ranges::find(known, entry.key) == known.end())
        raise_unknown_name(fmt::format("key of '{}'", path), entry.key, known);
    }
  }
  return json;
}

/// Compiles anew when the command line says anything; a .sinter file otherwise goes on with what it
/// was trained with.
void compile(const Model& model, const Options& o) {
  const bool flags = !o.optimizer.empty() || !o.loss.empty() || !o.metrics.empty() ||
                     !o.mixed_precision.empty() || !o.memory_budget.empty() || !o.compile.empty();
  if (model.is_compiled() && !flags) return;
  CompileArguments arguments;
  bool complete = true;
  if (!o.compile.empty()) {
    arguments = compile_arguments_from_config(read_arguments(
        o.compile,
        {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
         "steps_per_execution", "jit_compile", "auto_scale_loss", "backend", "mixed_precision",
         "disabled_passes", "strict_precision", "memory_budget"}));
  } else if (model.is_compiled()) {
    arguments = model.compile_arguments();
  } else {
    complete = false;
  }
  if (!complete && o.loss.empty())
    throw UsageError(fmt::format(
        "'{}' is not compiled: give --loss NAME and --optimizer NAME, or --compile FILE", o.model));
  if (!o.optimizer.empty()) arguments.optimizer = parse_optimizer(o.optimizer);
  if (!o.loss.empty()) {
    std::vector<Loss> losses;
    for (const std::string& name : split(o.loss, ',')) losses.emplace_back(name);
    arguments.loss = losses;
  }
  if (!o.metrics.empty()) {
    std::vector<Metric> metrics;
    for (const std::string& name : split(o.metrics, ',')) metrics.emplace_back(name);
    arguments.metrics = model.output_names().size() == 1
                            ? MetricsArgument(metrics)
                            : MetricsArgument(std::vector<std::vector<Metric>>(
                                  model.output_names().size(), metrics));
  }
  if (!o.mixed_precision.empty()) arguments.mixed_precision = o.mixed_precision;
  if (!o.memory_budget.empty()) arguments.memory_budget = budget_of(o.memory_budget);
  model.compile(arguments);
}

FitOptions fit_options(const Options& o) {
  FitOptions fit;
  if (!o.fit.empty()) {
    fit = fit_options_from_config(read_arguments(
        o.fit, {"epochs", "batch_size", "verbose", "validation_split", "shuffle", "initial_epoch",
                "steps_per_epoch", "validation_steps", "validation_batch_size", "validation_freq",
                "class_weight", "callbacks"}));
  }
  if (o.epochs) fit.epochs = *o.epochs;
  if (o.batch_size) fit.batch_size = *o.batch_size;
  if (o.verbose) fit.verbose = *o.verbose;
  if (o.validation_split) fit.validation_split = *o.validation_split;
  if (o.no_shuffle) fit.shuffle = false;
  fit.check_numerics = o.check_numerics;
  if (!o.replay.empty()) fit.replay_file = o.replay;
  if (!o.x_val.empty())
    fit.validation_data = ValidationData{load_data(o.x_val), load_data(o.y_val)};
  if (!o.sample_weight.empty()) fit.sample_weight = load_data(o.sample_weight);
  return fit;
}

/// A model from a file has seeds of its own; --seed wins.
void reseed(ModelState& state) {
  state.shuffle_seed = static_cast<int64_t>(next_random_key() >> 1);
  state.random_state->assign(Tensor::from<int64_t>(
      {2}, std::vector<int64_t>{static_cast<int64_t>(next_random_key() >> 1), 0}));
}

void write_history(const std::string& path, const History& history) {
  Config values;
  for (const auto& [key, list] : history.history) {
    ConfigList numbers;
    for (double v : list) numbers.emplace_back(v);
    values.set(key, std::move(numbers));
  }
  ConfigList epochs;
  for (int e : history.epoch) epochs.emplace_back(e);
  write_file_atomically(
      path,
      to_json_text(Config{{"epoch", std::move(epochs)}, {"history", std::move(values)}}) + "\n");
}

/// What would cost an hour of training is said before it.
void check_arguments(const Options& o) {
  std::vector<FileArgument> read, written;
  const auto add = [](std::vector<FileArgument>& to, const char* option, const auto& paths) {
    for (const std::string& path : paths) to.push_back({option, path});
  };
  using One = std::initializer_list<std::string>;
  add(read, "--x", o.x);
  add(read, "--y", o.y);
  add(read, "--x-val", o.x_val);
  add(read, "--y-val", o.y_val);
  add(read, "--sample-weight", o.sample_weight);
  if (!o.compile.empty()) add(read, "--compile", One{o.compile});
  if (!o.fit.empty()) add(read, "--fit", One{o.fit});
  // A model may be trained further in its own file.
  if (!o.output.empty()) check_files(read, {{"--output", o.output}});
  add(read, "MODEL", One{o.model});
  if (!o.output.empty()) add(read, "--output", One{o.output});
  if (!o.history.empty()) check_files(read, {{"--history", o.history}});
  if (!o.replay.empty()) {
    add(read, "--history", One{o.history});
    check_files(read, {{"--replay", o.replay}});
    check_model_path(o.replay);
  }
  if (!o.output.empty()) {
    if (is_json(o.model)) check_files({{"MODEL", o.model}}, {{"--output", o.output}});
    check_model_path(o.output);
  }
}

void train(const Options& o) {
  if (o.x_val.empty() != o.y_val.empty()) throw UsageError("--x-val and --y-val go together");
  check_arguments(o);
  o.run.apply();
  // An hour of training must not end in a folder that cannot be written.
  for (const std::string& path : {o.output, o.history}) {
    if (!path.empty()) AtomicFile(path, false);
  }
  if (o.seed) set_random_seed(*o.seed);
  const Model model = open_model(o.model, ModelUse::kTraining, o.compile.empty());
  if (o.seed) reseed(*model.state());
  compile(model, o);
  FitOptions fit = fit_options(o);
  const Data x = load_data(o.x), y = load_data(o.y);
  if (o.output.empty())
    std::fputs("sinter train: without --output nothing of the trained model is kept\n", stderr);
  const Interrupt interrupt;
  fit.callbacks.push_back(interrupt.callback());
  const History history = model.fit(x, y, fit);
  if (o.output.ends_with(".weights.sinter")) {
    save_weights(model, o.output);
  } else if (!o.output.empty()) {
    save_model(model, o.output, {});
  }
  // Last: a disk that is full by now must not cost the model.
  if (!o.history.empty()) write_history(o.history, history);
  if (interrupt.raised())
    throw Error(fmt::format(
        "interrupted in epoch {} of {}{}", history.epoch.size(), fit.epochs,
        o.output.empty() ? "" : fmt::format("; '{}' holds the model as it is now", o.output)));
}

}  // namespace

Action add_train(CLI::App& app) {
  CLI::App* command = app.add_subcommand("train", "Train a model on arrays");
  auto o = std::make_shared<Options>();
  const auto file = [&](const char* name, auto& target, const char* text) {
    return command->add_option(name, target, text)->type_name("FILE");
  };
  const auto files = [&](const char* name, auto& target, const char* text) {
    return file(name, target, text)->expected(1)->take_all();
  };
  command
      ->add_option("model", o->model,
                   "A .sinter file, or a .json architecture with --loss or --compile")
      ->type_name("MODEL")
      ->required();
  files("--x", o->x, "Input, .npy or .csv; once for each input of the model")->required();
  files("--y", o->y, "Labels, .npy or .csv; once for each output")->required();
  command->add_option("--epochs", o->epochs, "Passes over the data (default 1)")
      ->type_name("N")
      ->check(count_from<int>(0));
  command->add_option("--batch-size", o->batch_size, "Rows a step (default 32)")
      ->type_name("N")
      ->check(count_from(1));
  auto* split = command
                    ->add_option("--validation-split", o->validation_split,
                                 "Part of the rows, from the end, that validates")
                    ->type_name("PART")
                    ->check(number_within(0, 1));
  files("--x-val", o->x_val, "Input of the validation data")->excludes(split);
  files("--y-val", o->y_val, "Labels of the validation data");
  files("--sample-weight", o->sample_weight, "Weight of each row; once for each output");
  command->add_flag("--no-shuffle", o->no_shuffle, "Take the rows in their order in every epoch");
  auto* check =
      command->add_flag("--check-numerics", o->check_numerics,
                        "Stop where a loss or weight is not finite, and name the op that began it");
  file("--replay", o->replay,
       "Where the step goes that --check-numerics stops at (default replay.sinter)")
      ->needs(check);
  command->add_option("--seed", o->seed, "Of initial weights, dropout and shuffling")
      ->type_name("N");
  command->add_option("--optimizer", o->optimizer, "adam, sgd:learning_rate=0.1,momentum=0.9, ...")
      ->type_name("NAME[:KEY=VALUE,...]");
  command->add_option("--loss", o->loss, "mse, categorical_crossentropy, ...; one for each output")
      ->type_name("NAME,...");
  command->add_option("--metrics", o->metrics, "accuracy, mae, ...")->type_name("NAME,...");
  add_mixed_precision(*command, o->mixed_precision);
  add_memory_budget(*command, "--memory-budget", o->memory_budget);
  file("--compile", o->compile, "Arguments of compile() as Keras's JSON; flags override them");
  file("--fit", o->fit, "Arguments of fit() as JSON; flags override them");
  file("--history", o->history, "Where loss and metrics of each epoch go, as JSON");
  file("--output", o->output,
       "Where the trained model goes (.sinter, or .weights.sinter for weights alone)");
  command->add_option("--verbose", o->verbose, "0 silent, 1 progress, 2 a line an epoch")
      ->type_name("N")
      ->check(count_within(0, 2));
  o->run.add_to(*command);
  return [o] { train(*o); };
}

}  // namespace sinter::cli
