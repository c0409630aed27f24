// The memory plan as settings: which bytes of the arena hold which value, from step to step.
#include <algorithm>
#include <map>

#include "core/kernel_ops.h"
#include "frontend/explain/explain_data.h"

namespace sinter {
namespace {

struct Held {
  int32_t node = -1, result = 0;
  int64_t offset = 0, bytes = 0;
  int64_t first = 0, last = 0;  // steps
};

// Each result in the arena from the step that writes it to the last one that reads it, or to the
// copies at the end.
std::vector<Held> values_in_arena(const Program& program) {
  std::vector<Held> values;
  std::map<int64_t, size_t> latest;  // at an offset
  const auto read = [&](const BufferPlacement& from, int64_t step) {
    if (from.kind != BufferPlacement::Kind::kArena) return;
    const auto found = latest.find(from.offset);
    if (found != latest.end()) values[found->second].last = step;
  };
  for (size_t s = 0; s < program.steps.size(); ++s) {
    const Step& step = program.steps[s];
    const Node& node = program.graph.node(step.node);
    const auto now = static_cast<int64_t>(s);
    for (size_t i = 0; i < node.inputs.size(); ++i) read(step.buffers[i], now);
    for (size_t r = 0; r < node.types.size(); ++r) {
      const BufferPlacement& to = step.buffers[node.inputs.size() + r];
      if (to.kind != BufferPlacement::Kind::kArena) continue;
      latest[to.offset] = values.size();
      values.push_back(
          {step.node, static_cast<int32_t>(r), to.offset, node.types[r].bytes(), now, now});
    }
  }
  for (const Copy& copy : program.copies)
    read(copy.from, static_cast<int64_t>(program.steps.size()));
  return values;
}

}  // namespace

Config describe_memory(const Program& program, const HistoryStage& stage) {
  ConfigList values, scratch;
  for (const Held& held : values_in_arena(program)) {
    values.emplace_back(
        ConfigValue::ints({stage.numbers[static_cast<size_t>(held.node)], held.result, held.offset,
                           held.bytes, held.first, held.last}));
  }
  int64_t workspace = 0, prepared = 0;
  for (size_t s = 0; s < program.steps.size(); ++s) {
    const Step& step = program.steps[s];
    workspace = std::max(workspace, step.kernel->workspace_bytes());
    prepared += step.kernel->prepared_bytes();
    if (step.scratch_offset < 0) continue;
    scratch.emplace_back(
        ConfigValue::ints({stage.numbers[static_cast<size_t>(step.node)], step.scratch_offset,
                           step.kernel->scratch_bytes(), static_cast<int64_t>(s)}));
  }
  int64_t variables = 0, inputs = 0, outputs = 0, constants = 0;
  const Graph& graph = program.graph;
  for (const int32_t v : graph.variables()) variables += graph.type({v, 0}).bytes();
  for (const int32_t i : graph.inputs()) inputs += graph.type({i, 0}).bytes();
  for (const Graph::Output& o : graph.outputs()) outputs += graph.type(o.value).bytes();
  for (const Tensor& constant : program.constants) constants += constant.bytes();
  return {{"arena", program.arena_bytes},
          {"steps", static_cast<int64_t>(program.steps.size())},
          {"values", std::move(values)},
          {"scratch", std::move(scratch)},
          {"sizes", Config{{"variables", variables},
                           {"inputs", inputs},
                           {"outputs", outputs},
                           {"constants", constants},
                           {"derived", program.derived_bytes},
                           {"prepared", prepared},
                           {"workspace of a thread", workspace}}}};
}

}  // namespace sinter
