// sinter diff: how two models differ, in architecture and weights.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "core/model_file.h"
#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/explain/model_diff.h"
#include "frontend/model.h"
#include "ops/ops.h"

namespace sinter::cli {
namespace {

struct Side {
  std::optional<Model> model;  // absent: a file of weights or of a graph alone
  std::vector<NamedTensor> tensors;
};

Side open_side(const std::string& path) {
  Side side;
  if (!is_json(path)) {
    ModelFile file = load_model_file(path);
    if (file.architecture.empty()) {
      side.tensors = std::move(file.tensors);
      return side;
    }
  }
  side.model = open_model(path, ModelUse::kPrediction);
  for (const VariablePtr& variable : side.model->variables())
    side.tensors.push_back({variable->path, variable->value});
  return side;
}

void print_difference(const std::string& first, const std::string& second) {
  register_ops();
  const Side a = open_side(first), b = open_side(second);
  std::string text;
  if (a.model && b.model) {
    text = architecture_difference(*a.model, *b.model);
    text = text.empty() ? "same architecture\n" : "architecture\n" + text;
  }
  // Initial weights of an architecture alone are nobody's.
  if (!is_json(first) && !is_json(second)) text += tensor_difference(a.tensors, b.tensors);
  print(text);
}

}  // namespace

Action add_diff(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "diff", "Say how two models differ: layers and settings, weights by norm of the difference");
  auto paths = std::make_shared<std::pair<std::string, std::string>>();
  const char* kind = "A .sinter file or, without weights, a .json architecture";
  command->add_option("a", paths->first, kind)->type_name("A")->required();
  command->add_option("b", paths->second, kind)->type_name("B")->required();
  return [paths] { print_difference(paths->first, paths->second); };
}

}  // namespace sinter::cli
