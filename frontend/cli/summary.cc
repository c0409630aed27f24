// sinter summary: what a model or a file consists of.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/model_file.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/model.h"
#include "ops/ops.h"

namespace sinter::cli {
namespace {

/// For files without an architecture: weights alone, or an exported graph.
std::string describe(const std::string& path, const ModelFile& file) {
  std::string text = fmt::format("{} ({}, written by {})\n", path, file.kind, file.producer);
  for (const Graph& g : file.graphs) {
    text += fmt::format("graph '{}', {} nodes\n", g.name(), g.size());
    for (int32_t i : g.inputs())
      text += fmt::format("  input  {} {}\n", g.node(i).name, g.type({i, 0}).to_string());
    for (const Graph::Output& o : g.outputs())
      text += fmt::format("  output {} {}\n", o.name, g.type(o.value).to_string());
  }
  int64_t bytes = 0;
  for (const NamedTensor& t : file.tensors) {
    text += fmt::format("  {} {}\n", t.name, t.tensor.type().to_string());
    bytes += t.tensor.bytes();
  }
  return text + fmt::format("{} tensors, {} bytes\n", file.tensors.size(), bytes);
}

/// With its optimizer, whose variables count, where that needs nothing of the user's own.
Model model_to_show(const std::string& path) {
  if (is_json(path)) return open_model(path, ModelUse::kPrediction);
  try {
    return open_model(path, ModelUse::kTraining);
  } catch (const NameError&) {
    return open_model(path, ModelUse::kPrediction);
  }
}

void summarize(const std::string& path) {
  if (!is_json(path)) {
    register_ops();
    const ModelFile file = load_model_file(path);
    if (file.architecture.empty()) return print(describe(path, file));
  }
  print(model_to_show(path).summary_text({}));
}

}  // namespace

Action add_summary(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("summary", "Print the layers of a model, their shapes and parameters");
  auto path = std::make_shared<std::string>();
  command->add_option("model", *path, "A .sinter file or a .json architecture")
      ->type_name("MODEL")
      ->required();
  return [path] { summarize(*path); };
}

}  // namespace sinter::cli
