// sinter predict: arrays in, predictions out, from a whole model or from an exported inference
// file.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/counted.h"
#include "core/error.h"
#include "core/model_file.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/data/csv.h"
#include "frontend/data/npy.h"
#include "frontend/model.h"
#include "frontend/session.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model;
  std::vector<std::string> x, output;
  int64_t batch_size = 32;
  RunOptions run;
};

/// Rows of all inputs, checked against the graph; raises ShapeError.
int64_t check_inputs(const Graph& graph, std::vector<Tensor>& inputs) {
  if (inputs.size() != graph.inputs().size()) {
    throw ShapeError(fmt::format("the model has {}, given {}",
                                 counted(graph.inputs().size(), "input"),
                                 counted(inputs.size(), "file")));
  }
  int64_t rows = -1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Node& node = graph.node(graph.inputs()[i]);
    const Shape& expected = node.types[0].shape;
    const Shape& found = inputs[i].shape();
    const bool fits = found.rank() == expected.rank() && found.rank() > 0 &&
                      expected.specialized(found[0]) == found;
    if (!fits || (rows >= 0 && found[0] != rows)) {
      throw ShapeError(fmt::format("input '{}' takes {}, given {}", node.name, expected.to_string(),
                                   found.to_string()));
    }
    rows = found[0];
    inputs[i] = inputs[i].cast(node.types[0].dtype);
  }
  return rows;
}

/// Runs an exported graph batch by batch.
std::vector<Tensor> run_exported(const ModelFile& file, std::vector<Tensor> inputs,
                                 int64_t batch_size) {
  const Graph* graph = file.find_graph("inference");
  if (graph == nullptr) throw Error("the file holds no graph to run");
  const int64_t rows = check_inputs(*graph, inputs);
  std::vector<Tensor> results;
  for (const Graph::Output& o : graph->outputs()) {
    const ValueType& type = graph->type(o.value);
    results.emplace_back(type.dtype, type.shape.specialized(rows));
  }
  std::unique_ptr<Executable> executable;
  int64_t compiled_for = 0;
  for (int64_t begin = 0, end = 0; begin < rows; begin = end) {
    end = begin + std::min(rows - begin, batch_size);
    if (end - begin != compiled_for) {
      CompileOptions options;
      options.backend = default_backend();
      options.batch = compiled_for = end - begin;
      options.tune = tuning();
      executable = load_executable(*graph, options);
      executable->bind(variables_from_file(file, executable->graph()));
    }
    std::vector<Tensor> batch;
    for (const Tensor& x : inputs) batch.push_back(x.rows(begin, end));
    const std::vector<Tensor> outputs = executable->run(batch);
    for (size_t i = 0; i < outputs.size(); ++i) results[i].rows(begin, end).copy_from(outputs[i]);
  }
  return results;
}

std::vector<Tensor> predictions(const Options& options) {
  if (is_json(options.model))
    throw Error(fmt::format("'{}' has no weights: train it first ('sinter train')", options.model));
  register_ops();
  const Data x = load_data(options.x);
  const ModelFile file = load_model_file(options.model);
  if (file.architecture.empty() && file.kind != "weights")
    return run_exported(file, x.list(), options.batch_size);
  return open_model(options.model, ModelUse::kPrediction)
      .predict_all(x, {.batch_size = options.batch_size});
}

/// Files by their ending; a pipe or a file whose name has none is given .npy.
bool is_csv(const std::string& path) { return path.ends_with(".csv"); }

void check_outputs(const Options& options) {
  std::vector<FileArgument> read = {{"MODEL", options.model}}, written;
  for (const std::string& path : options.x) read.push_back({"--x", path});
  for (const std::string& path : options.output) {
    const std::string ending = std::filesystem::path(path).extension().string();
    if (!ending.empty() && ending != ".npy" && ending != ".csv")
      throw UsageError(fmt::format(
          "--output '{}': predictions are written as .npy or .csv, not as {}", path, ending));
    written.push_back({"--output", path});
  }
  check_files(read, written);
}

void predict(const Options& options) {
  check_outputs(options);
  options.run.apply();
  const std::vector<Tensor> y = predictions(options);
  if (y.size() != options.output.size()) {
    throw UsageError(fmt::format("the model has {}, but --output names {}",
                                 counted(y.size(), "output"),
                                 counted(options.output.size(), "file")));
  }
  for (size_t i = 0; i < y.size(); ++i)
    (is_csv(options.output[i]) ? save_csv : save_npy)(options.output[i], y[i], SourceLocation());
}

}  // namespace

Action add_predict(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("predict", "Run a model on arrays and write what it predicts");
  auto o = std::make_shared<Options>();
  command->add_option("model", o->model, "A .sinter file: a whole model or an exported one")
      ->type_name("MODEL")
      ->required();
  command->add_option("--x", o->x, "Input, .npy or .csv; once for each input of the model")
      ->type_name("FILE")
      ->required()
      ->expected(1)
      ->take_all();
  command
      ->add_option("--output", o->output,
                   "Where the prediction goes, .npy or .csv; once for each output")
      ->type_name("FILE")
      ->required()
      ->expected(1)
      ->take_all();
  command->add_option("--batch-size", o->batch_size, "Rows at a time")
      ->type_name("N")
      ->check(count_from(1))
      ->capture_default_str();
  o->run.add_to(*command);
  return [o] { predict(*o); };
}

}  // namespace sinter::cli
