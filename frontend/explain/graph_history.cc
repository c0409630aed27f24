// Finds the nodes of one stage in the next one. Passes build new graphs and say nothing of which
// node became which, so that is told from what nodes are and what they read.
#include "frontend/explain/graph_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "core/kernel_ops.h"
#include "core/text.h"

namespace sinter {
namespace {

// What a node is, without its operands.
std::string key_of_node(const Node& node) {
  std::string key =
      node.op->name + attributes_to_text(*node.op, node.attributes, {.origins = false}) + ":";
  for (const ValueType& type : node.types) key += type.to_string() + ",";
  key += node.name;
  if (node.origin) key += " @ " + node.origin->to_string();
  return key;
}

class Matcher {
 public:
  Matcher(const HistoryStage& old_stage, const Graph& graph)
      : old_(old_stage),
        graph_(graph),
        of_new_(static_cast<size_t>(graph.size()), -1),
        of_old_(static_cast<size_t>(old_stage.graph.size()), -1),
        into_(of_old_.size(), -1) {
    std::map<std::string, std::vector<int32_t>> by_key;
    for (int32_t i = 0; i < old_.graph.size(); ++i)
      by_key[key_of_node(old_.graph.node(i))].push_back(i);
    for (int32_t i = 0; i < graph.size(); ++i) {
      const auto found = by_key.find(key_of_node(graph.node(i)));
      candidates_.push_back(found == by_key.end() ? std::vector<int32_t>() : found->second);
    }
    match();
    find_successors();
  }

  int32_t old_of(int32_t i) const { return of_new_[static_cast<size_t>(i)]; }
  bool is_removed(int32_t old_index) const { return of_old_[static_cast<size_t>(old_index)] < 0; }
  // The new node that computes a removed one, or -1.
  int32_t successor(int32_t old_index) const { return into_[static_cast<size_t>(old_index)]; }
  bool reads_the_same(int32_t i) const {
    const Node& node = graph_.node(i);
    return common_operands(node, old_.graph.node(old_of(i))) == node.inputs.size();
  }

 private:
  size_t common_operands(const Node& node, const Node& other) const {
    size_t count = 0;
    for (size_t k = 0; k < std::min(node.inputs.size(), other.inputs.size()); ++k) {
      if (old_of(node.inputs[k].node) == other.inputs[k].node &&
          node.inputs[k].result == other.inputs[k].result)
        ++count;
    }
    return count;
  }

  void match() {
    for (const bool exact : {true, false}) {
      for (int32_t i = 0; i < graph_.size(); ++i) {
        if (old_of(i) >= 0) continue;
        const Node& node = graph_.node(i);
        int32_t best = -1;
        size_t most = 0;
        for (const int32_t candidate : candidates_[static_cast<size_t>(i)]) {
          const Node& other = old_.graph.node(candidate);
          if (!is_removed(candidate) || other.inputs.size() != node.inputs.size()) continue;
          const size_t common = common_operands(node, other);
          if (exact && common < node.inputs.size()) continue;
          if (best >= 0 && common <= most) continue;
          best = candidate;
          most = common;
          if (common == node.inputs.size()) break;
        }
        if (best < 0) continue;
        of_new_[static_cast<size_t>(i)] = best;
        of_old_[static_cast<size_t>(best)] = i;
      }
    }
  }

  // Is every layer of a node among those of what it may have become?
  bool fits_layers(int32_t old_index, int32_t added) const {
    const Node& node = old_.graph.node(old_index);
    const Node& other = graph_.node(added);
    if (!node.origin || !other.origin) return node.origin == other.origin;
    const std::string all = "+" + other.origin->layer + "+";
    std::string_view rest = node.origin->layer;
    while (true) {
      const size_t end = std::min(rest.find('+'), rest.size());
      if (all.find("+" + std::string(rest.substr(0, end)) + "+") == std::string::npos) return false;
      if (end == rest.size()) return true;
      rest.remove_prefix(end + 1);
    }
  }

  // What reads a node has read a removed one before: that is what it computes. An added node also
  // computes what a removed one has read.
  void find_successors() {
    const auto replaced = [&](ValueId now, ValueId then) {
      if (is_removed(then.node)) into_[static_cast<size_t>(then.node)] = now.node;
    };
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (old_of(i) < 0) continue;
      const std::vector<ValueId>& then = old_.graph.node(old_of(i)).inputs;
      for (size_t k = 0; k < then.size(); ++k) replaced(graph_.node(i).inputs[k], then[k]);
    }
    for (const Graph::Output& now : graph_.outputs()) {
      for (const Graph::Output& then : old_.graph.outputs()) {
        if (then.name == now.name) replaced(now.value, then.value);
      }
    }
    std::map<std::string, ValueId> updates;
    for (const Graph::Update& then : old_.graph.updates())
      updates[old_.graph.node(then.variable).name] = then.value;
    for (const Graph::Update& now : graph_.updates()) {
      const auto then = updates.find(graph_.node(now.variable).name);
      if (then != updates.end()) replaced(now.value, then->second);
    }
    for (int32_t i = old_.graph.size(); i-- > 0;) {
      const int32_t into = successor(i);
      if (into < 0 || old_of(into) >= 0) continue;
      for (const ValueId input : old_.graph.node(i).inputs) {
        if (is_removed(input.node) && successor(input.node) < 0 && fits_layers(input.node, into))
          into_[static_cast<size_t>(input.node)] = into;
      }
    }
  }

  const HistoryStage& old_;
  const Graph& graph_;
  std::vector<std::vector<int32_t>> candidates_;
  std::vector<int32_t> of_new_, of_old_, into_;
};

std::string name_of_value(const HistoryStage& stage, ValueId id) {
  const Node& node = stage.graph.node(id);
  if (node.is(KernelOp::kInput) || node.is(KernelOp::kVariable)) return "%" + node.name;
  const int32_t number = stage.numbers[static_cast<size_t>(id.node)];
  return node.types.size() > 1 ? fmt::format("%{}#{}", number, id.result)
                               : fmt::format("%{}", number);
}

// "output "loss" = %4", "update %kernel = %9": one line each.
std::vector<std::string> ends_of(const HistoryStage& stage) {
  std::vector<std::string> lines;
  for (const Graph::Output& o : stage.graph.outputs())
    lines.push_back(fmt::format("output \"{}\" = {}\n", o.name, name_of_value(stage, o.value)));
  for (const Graph::Update& u : stage.graph.updates()) {
    lines.push_back(fmt::format("update %{} = {}\n", stage.graph.node(u.variable).name,
                                name_of_value(stage, u.value)));
  }
  return lines;
}

}  // namespace

void GraphHistory::add(std::string name, Graph graph) {
  HistoryStage stage{.name = std::move(name),
                     .graph = std::move(graph),
                     .numbers = {},
                     .changes = {},
                     .removed = {}};
  const auto nodes = static_cast<size_t>(stage.graph.size());
  if (stages_.empty()) {
    for (size_t i = 0; i < nodes; ++i) stage.numbers.push_back(next_++);
    stage.changes.assign(nodes, NodeChange::kNone);
    stages_.push_back(std::move(stage));
    return;
  }
  const HistoryStage& before = stages_.back();
  if (equal_graphs(before.graph, stage.graph)) {
    stage.numbers = before.numbers;
    stage.changes.assign(nodes, NodeChange::kNone);
    stage.unchanged = true;
    stages_.push_back(std::move(stage));
    return;
  }
  const Matcher matcher(before, stage.graph);
  for (int32_t i = 0; i < stage.graph.size(); ++i) {
    const int32_t old_index = matcher.old_of(i);
    if (old_index < 0) {
      stage.numbers.push_back(next_++);
      stage.changes.push_back(stage.graph.node(i).is(KernelOp::kFusion) ? NodeChange::kFused
                                                                        : NodeChange::kAdded);
    } else {
      stage.numbers.push_back(before.numbers[static_cast<size_t>(old_index)]);
      stage.changes.push_back(matcher.reads_the_same(i) ? NodeChange::kNone : NodeChange::kRewired);
    }
  }
  for (int32_t i = 0; i < before.graph.size(); ++i) {
    if (!matcher.is_removed(i)) continue;
    const int32_t into = matcher.successor(i);
    stage.removed.push_back({before.numbers[static_cast<size_t>(i)],
                             into < 0 ? -1 : stage.numbers[static_cast<size_t>(into)]});
  }
  stages_.push_back(std::move(stage));
}

std::string line_of_node(const HistoryStage& stage, int32_t index) {
  const Node& node = stage.graph.node(index);
  std::string inputs, types;
  for (const ValueId input : node.inputs)
    inputs += (inputs.empty() ? "" : ", ") + name_of_value(stage, input);
  for (const ValueType& type : node.types) types += (types.empty() ? "" : ", ") + type.to_string();
  const bool typed = node.is(KernelOp::kInput) || node.is(KernelOp::kVariable);
  const std::string attributes =
      typed ? "" : attributes_to_text(*node.op, node.attributes, {.origins = false});
  std::string text =
      fmt::format("{} = {}({}){}{} : {}",
                  typed || node.types.size() == 1
                      ? name_of_value(stage, {index, 0})
                      : fmt::format("%{}", stage.numbers[static_cast<size_t>(index)]),
                  node.op->name, inputs, attributes.empty() ? "" : " ", attributes,
                  node.types.size() == 1 ? types : "(" + types + ")");
  if (node.origin) text += " @ " + node.origin->to_string();
  return text;
}

std::string difference_text(const HistoryStage& before, const HistoryStage& after) {
  std::map<int32_t, int32_t> then;  // indices by number
  for (int32_t i = 0; i < before.graph.size(); ++i)
    then[before.numbers[static_cast<size_t>(i)]] = i;
  std::string text;
  for (const HistoryStage::Removed& gone : after.removed) {
    text += "- " + line_of_node(before, then.at(gone.number));
    text += gone.into < 0 ? "\n" : fmt::format("  -> %{}\n", gone.into);
  }
  for (int32_t i = 0; i < after.graph.size(); ++i) {
    constexpr std::string_view kMarks = " +*~";
    const NodeChange change = after.changes[static_cast<size_t>(i)];
    if (change == NodeChange::kNone) continue;
    text += fmt::format("{} {}\n", kMarks[static_cast<size_t>(change)], line_of_node(after, i));
  }
  const std::vector<std::string> old_ends = ends_of(before);
  for (const std::string& line : ends_of(after)) {
    if (std::ranges::find(old_ends, line) == old_ends.end()) text += "~ " + line;
  }
  return text;
}

}  // namespace sinter
