// Model::memory_report: the variables as they are, and what a planned program asks for.
#include "frontend/memory_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/line.h"
#include "core/memory_limit.h"
#include "core/sizes.h"
#include "core/utf8.h"
#include "frontend/model_state.h"
#include "frontend/session.h"
#include "runtime/aligned.h"
#include "runtime/compile.h"
#include "runtime/memory_use.h"
#include "runtime/thread_pool.h"

namespace sinter {
namespace {

constexpr std::array<std::string_view, 8> kKindNames = {
    "weights", "optimizer", "activations", "gradients", "workspace", "prepared", "data", "other"};

using Owners = std::unordered_map<const Variable*, std::pair<std::string, MemoryKind>>;

// Whose each variable is, and what for.
class VariableOwners {
 public:
  explicit VariableOwners(const ModelState& state) {
    for (const Layer& layer : state.net().layers()) {
      for (const VariablePtr& v : layer.impl().variables())
        add(v, layer.name(), MemoryKind::kWeights);
    }
  }

  // What the optimizer keeps for each weight belongs to the layer of the weight.
  void add_optimizer(const OptimizerImpl& optimizer, const std::vector<VariablePtr>& trainable) {
    for (const VariablePtr& v : optimizer.variables_for({}))
      add(v, optimizer.name(), MemoryKind::kOptimizer);
    for (const VariablePtr& weight : trainable) {
      const std::string layer = owners_[weight.get()].first;
      for (const VariablePtr& v : optimizer.variables_for({weight}))
        add(v, layer, MemoryKind::kOptimizer);
    }
  }

  void add_others(const std::vector<VariablePtr>& variables) {
    for (const VariablePtr& v : variables) add(v, v->path, MemoryKind::kOther);
  }

  const std::vector<VariablePtr>& all() const { return all_; }
  const std::pair<std::string, MemoryKind>& operator[](const VariablePtr& v) const {
    return owners_.at(v.get());
  }

 private:
  void add(const VariablePtr& v, const std::string& layer, MemoryKind kind) {
    if (owners_.try_emplace(v.get(), layer, kind).second) all_.push_back(v);
  }

  Owners owners_;
  std::vector<VariablePtr> all_;
};

// For each node the first that computes the same: a memory budget lets nodes run again.
std::vector<int32_t> first_alike(const Graph& graph) {
  std::vector<int32_t> first;
  std::map<std::pair<const OpRecord*, std::vector<ValueId>>, std::vector<int32_t>> known;
  for (int32_t i = 0; i < graph.size(); ++i) {
    first.push_back(i);
    const Node& node = graph.node(i);
    if (node.op->kind == KernelKind::kSource) continue;
    std::vector<ValueId> inputs = node.inputs;
    for (ValueId& id : inputs) id.node = first[static_cast<size_t>(id.node)];
    std::vector<int32_t>& nodes = known[{node.op, std::move(inputs)}];
    const auto same = std::ranges::find_if(
        nodes, [&](int32_t other) { return graph.node(other).attributes == node.attributes; });
    if (same != nodes.end())
      first.back() = *same;
    else
      nodes.push_back(i);
  }
  return first;
}

// The values that outputs, or new values of variables that are no weight and not the optimizer's,
// follow from: what a step makes before the gradients.
std::set<ValueId> values_before_gradients(const Graph& graph,
                                          const std::vector<VariablePtr>& variables,
                                          const std::vector<VariablePtr>& trainable,
                                          const VariableOwners& owners) {
  std::set<ValueId> found;
  std::vector<ValueId> open;
  for (const Graph::Output& o : graph.outputs()) open.push_back(o.value);
  for (const Graph::Update& u : graph.updates()) {
    const auto at = std::ranges::lower_bound(graph.variables(), u.variable);
    const VariablePtr& v = variables[static_cast<size_t>(at - graph.variables().begin())];
    const bool trains = std::ranges::find(trainable, v) != trainable.end();
    if (!trains && owners[v].second != MemoryKind::kOptimizer) open.push_back(u.value);
  }
  std::vector<bool> seen(static_cast<size_t>(graph.size()));
  while (!open.empty()) {
    const ValueId value = open.back();
    open.pop_back();
    found.insert(value);
    if (seen[static_cast<size_t>(value.node)]) continue;
    seen[static_cast<size_t>(value.node)] = true;
    for (const ValueId input : graph.node(value).inputs) open.push_back(input);
  }
  const std::vector<int32_t> first = first_alike(graph);
  for (int32_t i = 0; i < graph.size(); ++i) {
    for (int32_t r = 0; r < static_cast<int32_t>(graph.node(i).types.size()); ++r) {
      if (found.contains({first[static_cast<size_t>(i)], r})) found.insert({i, r});
    }
  }
  return found;
}

class ReportWriter {
 public:
  explicit ReportWriter(MemoryReport& report) : report_(report) {}

  void add(const std::string& layer, MemoryKind kind, int64_t bytes) {
    if (bytes == 0) return;
    for (MemoryEntry& entry : report_.entries) {
      if (entry.layer != layer || entry.kind != kind) continue;
      entry.bytes = checked_sum(entry.bytes, bytes);
      return;
    }
    report_.entries.push_back({layer, kind, bytes});
  }

  void add_variables(const VariableOwners& owners) {
    for (const VariablePtr& v : owners.all())
      add(owners[v].first, owners[v].second, v->value.bytes());
  }

  /// `before`: values that are no gradients; null where there are none.
  void add_program(const Program& program, const std::set<ValueId>* before) {
    const Graph& graph = program.graph;
    for (const int32_t i : graph.inputs())
      add(graph.node(i).name, MemoryKind::kData, graph.type({i, 0}).bytes());
    for (const Graph::Output& o : graph.outputs())
      add(o.name, MemoryKind::kData, graph.type(o.value).bytes());
    for (const MemoryUse& use : memory_use(program, report_.threads)) {
      const bool is_gradient =
          before != nullptr && use.value.valid() && !before->contains(use.value);
      add(use.layer, kind_of(use.kind, is_gradient), use.bytes);
    }
  }

 private:
  static MemoryKind kind_of(MemoryUse::Kind kind, bool is_gradient) {
    switch (kind) {
      case MemoryUse::Kind::kValue:
        return is_gradient ? MemoryKind::kGradients : MemoryKind::kActivations;
      case MemoryUse::Kind::kWorkspace: return MemoryKind::kWorkspace;
      case MemoryUse::Kind::kPrepared: return MemoryKind::kPrepared;
      case MemoryUse::Kind::kConstant:
      case MemoryUse::Kind::kQueues: return MemoryKind::kOther;
    }
    return MemoryKind::kOther;
  }

  MemoryReport& report_;
};

void report_training(ModelState& state, MemoryReport& report) {
  const StepGraph step = training_step(state, "memory_report");
  const std::shared_ptr<const Compiled> c = state.settings("memory_report");
  const Program program =
      plan_program(step.graph, program_options(state, "training", report.batch));
  VariableOwners owners(state);
  owners.add_optimizer(c->arguments.optimizer.impl(), c->trainable);
  owners.add_others(step.variables);
  const std::set<ValueId> before = values_before_gradients(
      program.graph, variables_in_order(step, program.graph), c->trainable, owners);
  ReportWriter writer(report);
  writer.add_variables(owners);
  writer.add_program(program, &before);
}

void report_prediction(ModelState& state, MemoryReport& report) {
  int64_t rows = prediction_rows(report.batch, prediction_programs());
  if (rows != report.batch && !state.has_independent_rows()) rows = report.batch;
  const ForwardGraph forward = build_forward(state.name, state.net(), state.random_state);
  const Program program = plan_program(forward.graph, program_options(state, "inference", rows));
  VariableOwners owners(state);
  // Which is there as soon as compile() has been called, used or not.
  const std::shared_ptr<const Compiled> c = state.compiled();
  if (c != nullptr && c->arguments.optimizer.impl().knows(c->trainable))
    owners.add_optimizer(c->arguments.optimizer.impl(), c->trainable);
  owners.add_others(forward.variables);
  ReportWriter writer(report);
  writer.add_variables(owners);
  writer.add_program(program, nullptr);
  if (rows == report.batch) return;
  // Such a number of rows is filled up in memory of its own, besides the caller's.
  const Graph& graph = program.graph;
  const auto add = [&](const std::string& name, const ValueType& type) {
    writer.add(name, MemoryKind::kData, aligned(type.bytes()) - type.bytes());
    writer.add(name, MemoryKind::kData, type.bytes() / rows * report.batch);
  };
  for (const int32_t i : graph.inputs()) add(graph.node(i).name, graph.type({i, 0}));
  for (const Graph::Output& o : graph.outputs()) add(o.name, graph.type(o.value));
}

// Entries of one layer side by side, layers in the order of the model, then what is of none.
void sort_entries(MemoryReport& report, const Network& network) {
  std::vector<std::string> order;
  for (const Layer& layer : network.layers()) order.push_back(layer.name());
  for (const MemoryEntry& entry : report.entries) {
    if (!entry.layer.empty() && std::ranges::find(order, entry.layer) == order.end())
      order.push_back(entry.layer);
  }
  order.emplace_back();
  const auto place = [&](const MemoryEntry& entry) {
    return std::pair(std::ranges::find(order, entry.layer) - order.begin(), entry.kind);
  };
  std::ranges::sort(report.entries, {}, place);
}

}  // namespace

std::string_view memory_kind_name(MemoryKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

int64_t MemoryReport::total() const {
  int64_t sum = 0;
  for (const MemoryEntry& entry : entries) sum = checked_sum(sum, entry.bytes);
  return sum;
}

int64_t MemoryReport::bytes(MemoryKind kind) const {
  int64_t sum = 0;
  for (const MemoryEntry& entry : entries) sum += entry.kind == kind ? entry.bytes : 0;
  return sum;
}

int64_t MemoryReport::bytes(std::string_view layer) const {
  int64_t sum = 0;
  for (const MemoryEntry& entry : entries) sum += entry.layer == layer ? entry.bytes : 0;
  return sum;
}

int64_t MemoryReport::bytes(std::string_view layer, MemoryKind kind) const {
  int64_t sum = 0;
  for (const MemoryEntry& entry : entries)
    sum += entry.layer == layer && entry.kind == kind ? entry.bytes : 0;
  return sum;
}

std::string MemoryReport::to_string() const {
  constexpr size_t kWidestName = 40, kWidth = 12;
  std::vector<MemoryKind> kinds;
  for (size_t k = 0; k < kKindNames.size(); ++k) {
    if (bytes(static_cast<MemoryKind>(k)) > 0) kinds.push_back(static_cast<MemoryKind>(k));
  }
  std::vector<std::string> layers;
  for (const MemoryEntry& entry : entries) {
    if (std::ranges::find(layers, entry.layer) == layers.end()) layers.push_back(entry.layer);
  }
  const auto shown_name = [&](const std::string& layer) {
    if (layer.empty()) return std::string("(no layer)");
    return columns_of(layer) <= kWidestName
               ? layer
               : std::string(first_columns(layer, kWidestName - 3)) + "...";
  };
  size_t widest = 10;
  for (const std::string& layer : layers) widest = std::max(widest, columns_of(shown_name(layer)));
  const auto line = [&](const std::string& name, const auto& cell) {
    std::string text = name + std::string(widest - columns_of(name), ' ');
    for (const MemoryKind kind : kinds) text += fmt::format("{:>{}}", cell(kind), kWidth);
    return text;
  };
  const auto amount = [](int64_t bytes) { return bytes == 0 ? "-" : memory_text(bytes); };
  std::string text = fmt::format("Memory of model \"{}\", {} rows, {}, on {} thread{}: {}\n", model,
                                 batch, training ? "a training step" : "prediction", threads,
                                 threads == 1 ? "" : "s", memory_text(total()));
  const auto header = [](MemoryKind kind) { return memory_kind_name(kind); };
  text += line("Layer", header) + fmt::format("{:>{}}\n", "total", kWidth);
  for (const std::string& layer : layers) {
    text += line(shown_name(layer), [&](MemoryKind kind) { return amount(bytes(layer, kind)); });
    text += fmt::format("{:>{}}\n", amount(bytes(layer)), kWidth);
  }
  text += line("total", [&](MemoryKind kind) { return amount(bytes(kind)); });
  return text + fmt::format("{:>{}}\n", amount(total()), kWidth);
}

MemoryReport Model::memory_report(int64_t batch, MemoryReportOptions options,
                                  SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    ModelState& state = *state_;
    if (batch < 1)
      throw Error(fmt::format("memory_report: batch must be at least 1, found {}", batch));
    MemoryReport report{.model = state.name,
                        .batch = batch,
                        .training = options.training,
                        .threads = threads(),
                        .entries = {}};
    if (options.training) {
      const std::lock_guard lock(state.fit_mutex);
      report_training(state, report);
    } else {
      report_prediction(state, report);
    }
    sort_entries(report, state.net());
    return report;
  });
}

}  // namespace sinter
