// A program is assembled without code, and asked.
#include "runtime/compile_need.h"

#include <algorithm>

#include "core/sizes.h"
#include "passes/pass.h"
#include "runtime/compile_options.h"
#include "runtime/cost_model.h"
#include "runtime/load.h"
#include "runtime/memory_use.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

// However the node is run.
double least_microseconds(const Graph& graph, const Node& node) {
  int64_t bytes = 0;
  for (const ValueId id : node.inputs) bytes = checked_sum(bytes, graph.type(id).bytes());
  for (const ValueType& type : node.types) bytes = checked_sum(bytes, type.bytes());
  return loop_microseconds(static_cast<double>(bytes), 0);
}

NodeNeed need_of_step(const Graph& graph, const Step& step) {
  const Node& node = graph.node(step.node);
  NodeNeed need;
  need.microseconds = step.microseconds.value_or(least_microseconds(graph, node));
  need.scratch_bytes = step.kernel->scratch_bytes();
  for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
    for (int32_t i = 0; i < static_cast<int32_t>(node.inputs.size()); ++i) {
      if (step.kernel->can_alias(r, i)) need.overwrites.emplace_back(r, i);
    }
  }
  return need;
}

}  // namespace

RunNeed plan_run_need(const Graph& lowered, const CompileOptions& options,
                      const BackendList& list) {
  CompileOptions planned = options;
  planned.code = false;
  const Program program = load_program(lowered, planned, list, {}, false);
  const Graph& graph = program.graph;
  RunNeed need;
  for (const MemoryUse& use : memory_use(program, threads()))
    need.bytes = checked_sum(need.bytes, use.bytes);
  for (const std::vector<int32_t>* sources : {&graph.inputs(), &graph.variables()}) {
    for (const int32_t i : *sources)
      need.bytes = checked_sum(need.bytes, graph.type({i, 0}).bytes());
  }
  for (const Graph::Output& o : graph.outputs())
    need.bytes = checked_sum(need.bytes, graph.type(o.value).bytes());
  for (const Node& node : lowered.nodes())
    need.nodes.push_back({.microseconds = least_microseconds(lowered, node), .overwrites = {}});
  // Products of bfloat16 in the graph as it was built may have been widened: other nodes then.
  if (graph.size() != lowered.size()) return need;
  for (const Step& step : program.steps)
    need.nodes[static_cast<size_t>(step.node)] = need_of_step(graph, step);
  return need;
}

}  // namespace sinter
