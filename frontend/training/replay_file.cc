// A recorded step as a .sinter file: the graph, what it reads, and where in training it was.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/model_file.h"
#include "frontend/interop/json.h"
#include "frontend/origin.h"
#include "frontend/training/find_fault.h"
#include "ops/ops.h"

namespace sinter {
namespace {

constexpr const char* kReplayKind = "replay";

std::string tensor_name(const Graph& graph, int32_t node) {
  return fmt::format("{}/{}", graph.node(node).op->name, graph.node(node).name);
}

std::vector<Tensor> tensors_of(const ModelFile& file, const Graph& graph,
                               const std::vector<int32_t>& nodes, const std::string& path) {
  std::vector<Tensor> result;
  for (const int32_t i : nodes) {
    const Tensor* tensor = file.find_tensor(tensor_name(graph, i));
    if (tensor == nullptr)
      throw FileError(fmt::format("'{}' holds no value of '{}'", path, graph.node(i).name));
    result.push_back(*tensor);
  }
  return result;
}

}  // namespace

void save_replay(const std::string& path, const RecordedStep& step) {
  ModelFile file;
  file.kind = kReplayKind;
  file.graphs = {step.graph};
  const auto add = [&](const std::vector<int32_t>& nodes, const std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < nodes.size(); ++i)
      file.tensors.push_back({tensor_name(step.graph, nodes[i]), tensors[i]});
  };
  add(step.graph.inputs(), step.inputs);
  add(step.graph.variables(), step.variables);
  file.training_state = to_json_text(Config{{"rows", step.rows},
                                            {"epoch", step.epoch},
                                            {"step", step.step},
                                            {"backend", step.backend},
                                            {"mixed_precision", step.mixed_precision},
                                            {"samples", ConfigValue::ints(step.samples)}});
  save_model_file(path, file, {});
}

RecordedStep load_replay(const std::string& path) {
  register_ops();
  const ModelFile file = load_model_file(path, {});
  if (file.kind != kReplayKind || file.graphs.size() != 1) {
    throw FileError(
        fmt::format("'{}' is no replay file (it holds a {}); fit() with check_numerics writes one",
                    path, file.kind));
  }
  RecordedStep step;
  step.graph = file.graphs[0];
  const ConfigValue json = parse_json(file.training_state, fmt::format("'{}'", path));
  const Config* state = json.as<Config>();
  if (state == nullptr) throw FileError(fmt::format("'{}' is damaged: it has no state", path));
  step.rows = state->get_int("rows", 0);
  step.epoch = state->get_int("epoch", 0);
  step.step = state->get_int("step", 0);
  step.backend = state->get_string("backend", "auto");
  step.mixed_precision = state->get_string("mixed_precision", "");
  step.samples = state->get_ints("samples", {});
  if (step.rows < 1 || static_cast<int64_t>(step.samples.size()) != step.rows)
    throw FileError(fmt::format("'{}' is damaged: it has {} rows and {} samples", path, step.rows,
                                step.samples.size()));
  step.inputs = tensors_of(file, step.graph, step.graph.inputs(), path);
  step.variables = tensors_of(file, step.graph, step.graph.variables(), path);
  return step;
}

NumericsFault replay_fault(const std::string& path, SourceLocation where) {
  return at_line(where, [&] {
    const RecordedStep step = load_replay(path);
    std::optional<NumericsFault> fault = find_fault(step);
    if (!fault) throw Error(fmt::format("'{}': op by op, all values of the step are finite", path));
    return *std::move(fault);
  });
}

}  // namespace sinter
