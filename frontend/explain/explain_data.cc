// Walks stages, nodes and remarks into settings; explain_kernels.cc and explain_memory.cc add what
// became of them.
#include "frontend/explain/explain_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/text.h"
#include "core/uniform.h"
#include "frontend/explain/node_work.h"
#include "frontend/profile/any_numbers.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "runtime/micro_batches.h"
#include "runtime/recording.h"

namespace sinter {
namespace {

ConfigValue number_or_null(const std::optional<int64_t>& value) {
  return value ? ConfigValue(*value) : ConfigValue();
}

std::string sort_of(const Node& node) {
  if (node.is(KernelOp::kInput)) return "input";
  if (node.is(KernelOp::kVariable)) return "variable";
  if (node.is(KernelOp::kConstant)) return "constant";
  return std::string(kernel_kind_name(node.op->kind));
}

Config describe_node(const Graph& graph, int32_t index, int32_t number) {
  const Node& node = graph.node(index);
  Config result{{"id", number}, {"op", node.op->name}, {"sort", sort_of(node)}};
  if (!node.name.empty()) result.set("name", node.name);
  ConfigList types;
  for (const ValueType& type : node.types) types.emplace_back(type.to_string());
  result.set("types", std::move(types));
  const bool typed = node.is(KernelOp::kInput) || node.is(KernelOp::kVariable);
  if (const std::string text =
          typed ? "" : attributes_to_text(*node.op, node.attributes, {.origins = false});
      !text.empty())
    result.set("attributes", text);
  if (node.origin) {
    if (!node.origin->layer.empty()) result.set("layer", node.origin->layer);
    if (!node.origin->file.empty())
      result.set("line", fmt::format("{}:{}", node.origin->file, node.origin->line));
  }
  if (node.op->kind != KernelKind::kSource) {
    result.set("flops", number_or_null(flops_of_node(graph, index)));
    result.set("bytes", number_or_null(bytes_of_node(graph, index)));
  }
  return result;
}

ConfigList value_in_stage(const HistoryStage& stage, ValueId id) {
  return {ConfigValue(stage.numbers[static_cast<size_t>(id.node)]), ConfigValue(id.result)};
}

// [number, part, change, [operand, result, operand, result, ...]] for each node, in their order.
Config describe_stage(const HistoryStage& stage, const StepLayers& layers) {
  Config result{{"name", stage.name}};
  if (stage.unchanged) return result.set("unchanged", true);
  const std::vector<StepPart> parts = parts_of_step(stage.graph, layers);
  ConfigList nodes, outputs, updates, removed;
  for (int32_t i = 0; i < stage.graph.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    std::vector<int64_t> inputs;
    for (const ValueId input : stage.graph.node(i).inputs) {
      inputs.push_back(stage.numbers[static_cast<size_t>(input.node)]);
      inputs.push_back(input.result);
    }
    nodes.emplace_back(
        ConfigList{ConfigValue(stage.numbers[at]), ConfigValue(static_cast<int>(parts[at])),
                   ConfigValue(static_cast<int>(stage.changes[at])), ConfigValue::ints(inputs)});
  }
  for (const Graph::Output& o : stage.graph.outputs())
    outputs.emplace_back(Config{{"name", o.name}, {"value", value_in_stage(stage, o.value)}});
  for (const Graph::Update& u : stage.graph.updates()) {
    updates.emplace_back(Config{{"variable", stage.numbers[static_cast<size_t>(u.variable)]},
                                {"value", value_in_stage(stage, u.value)}});
  }
  for (const HistoryStage::Removed& gone : stage.removed)
    removed.emplace_back(ConfigValue::ints({gone.number, gone.into}));
  return result.set("nodes", std::move(nodes))
      .set("outputs", std::move(outputs))
      .set("updates", std::move(updates))
      .set("removed", std::move(removed));
}

// Each node once, as the first stage has it that has it.
ConfigList describe_nodes(const GraphHistory& history) {
  std::vector<ConfigValue> nodes(static_cast<size_t>(history.size()));
  for (const HistoryStage& stage : history.stages()) {
    for (int32_t i = 0; i < stage.graph.size(); ++i) {
      const int32_t number = stage.numbers[static_cast<size_t>(i)];
      ConfigValue& node = nodes[static_cast<size_t>(number)];
      if (node.is_null()) node = describe_node(stage.graph, i, number);
    }
  }
  return nodes;
}

// What there is of a quarter of a second of runs, at least five.
Recording record_runs(Executable& executable) {
  const Graph& graph = executable.graph();
  std::vector<Tensor> variables, inputs;
  for (const int32_t v : graph.variables()) variables.push_back(any_numbers(graph.type({v, 0})));
  for (const int32_t i : graph.inputs()) inputs.push_back(any_numbers(graph.type({i, 0})));
  executable.bind(std::move(variables));
  executable.run(inputs);  // what is packed and derived once
  if (!start_recording())
    throw Error("explain: a Profile records just now, and there may be one measurement at a time");
  const auto start = std::chrono::steady_clock::now();
  for (int runs = 0; runs < 5 || (runs < 2000 && std::chrono::steady_clock::now() - start <
                                                     std::chrono::milliseconds(250));
       ++runs)
    executable.run(inputs);
  return stop_recording();
}

// A batch that runs a few rows at a time is explained for those rows.
int64_t rows_of_parts(const Graph& graph, const CompileOptions& how, std::string& note) {
  CompileOptions plain = how;
  plain.remarks = nullptr;
  plain.on_pass = {};
  const std::unique_ptr<Executable> executable = compile(graph, plain);
  const MicroBatchKernel* parts = micro_batches_of(executable->program());
  if (parts == nullptr) return how.batch;
  note = fmt::format("a batch of {} rows runs in {} micro-batches of {} rows: these are shown",
                     how.batch, how.batch / parts->rows(), parts->rows());
  return parts->rows();
}

}  // namespace

Config explain_data(ExplainedGraph explained) {
  register_ops();
  CompileOptions& how = explained.how;
  std::string note;
  const bool compiles = explained.kind != "forward";
  if (compiles && has_symbolic_batch(explained.graph)) {
    how.batch = rows_of_parts(explained.graph, how, note);
    how.micro_batch_bytes = 0;
  }
  GraphHistory history;
  history.add("as built", has_symbolic_batch(explained.graph)
                              ? specialize(explained.graph, how.batch)
                              : explained.graph);
  std::vector<std::string> remarks;
  how.remarks = &remarks;
  how.on_pass = [&](std::string_view pass, const Graph& graph) {
    history.add(std::string(pass), graph);
  };
  Config data{
      {"title", explained.title}, {"kind", explained.kind}, {"batch", how.batch}, {"note", note}};
  ConfigList layers;
  for (const std::string& layer : explained.layers.forward) layers.emplace_back(layer);
  ConfigList kernels, listings, told, passes, stages;
  Config memory, timeline;
  if (compiles) {
    const std::unique_ptr<Executable> executable = compile(explained.graph, how);
    const Program& program = executable->program();
    history.add("compiled", program.graph);
    std::vector<double> measured;
    if (explained.measure) {
      const Recording recording = record_runs(*executable);
      measured = step_microseconds(recording, program);
      timeline = describe_timeline(recording, program);
    }
    kernels = describe_kernels(program, history.stages().back(), measured, listings);
    memory = describe_memory(program, history.stages().back());
    for (const Pass& pass : all_passes())
      passes.emplace_back(Config{{"name", pass.name}, {"description", pass.description}});
  }
  std::set<std::string> seen;
  for (const std::string& remark : remarks) {
    if (seen.insert(remark).second) told.emplace_back(remark);
  }
  for (const HistoryStage& stage : history.stages())
    stages.emplace_back(describe_stage(stage, explained.layers));
  return data.set("layers", std::move(layers))
      .set("passes", std::move(passes))
      .set("nodes", describe_nodes(history))
      .set("stages", std::move(stages))
      .set("kernels", std::move(kernels))
      .set("listings", std::move(listings))
      .set("memory", std::move(memory))
      .set("timeline", std::move(timeline))
      .set("remarks", std::move(told));
}

}  // namespace sinter
