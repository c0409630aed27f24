#include "frontend/explain/phases.h"

#include <algorithm>

#include "core/kernel_ops.h"

namespace sinter {
namespace {

bool is_source(const Node& node) { return node.op->kind == KernelKind::kSource; }

// Which nodes the marked ones depend on, themselves included.
void add_ancestors(const Graph& graph, std::vector<bool>& marked) {
  for (int32_t i = graph.size(); i-- > 0;) {
    if (!marked[static_cast<size_t>(i)]) continue;
    for (const ValueId input : graph.node(i).inputs) marked[static_cast<size_t>(input.node)] = true;
  }
}

bool any_layer(const Node& node, const std::set<std::string, std::less<>>& of) {
  return std::ranges::any_of(layers_of_node(node),
                             [&](std::string_view layer) { return of.contains(layer); });
}

bool all_layers(const Node& node, const std::set<std::string, std::less<>>& of) {
  return std::ranges::all_of(layers_of_node(node),
                             [&](std::string_view layer) { return of.contains(layer); });
}

}  // namespace

std::string_view step_part_name(StepPart part) {
  constexpr std::string_view kNames[] = {"forward", "loss", "backward", "update"};
  return kNames[static_cast<size_t>(part)];
}

std::vector<std::string_view> layers_of_node(const Node& node) {
  std::vector<std::string_view> result;
  if (!node.origin) return result;
  std::string_view rest = node.origin->layer;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('+'), rest.size());
    result.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return result;
}

StepLayers layers_of_step(const Graph& forward, const Graph& step) {
  StepLayers layers;
  std::set<std::string, std::less<>> inputs;
  for (const Node& node : forward.nodes()) {
    for (const std::string_view layer : layers_of_node(node)) layers.forward.emplace(layer);
  }
  for (const int32_t i : forward.inputs()) inputs.insert(forward.node(i).name);
  for (const int32_t i : step.inputs()) {
    if (!inputs.contains(step.node(i).name)) layers.labels.insert(step.node(i).name);
  }
  if (step.updates().empty() || step.outputs().empty()) return layers;
  // The optimizer writes its nodes last: what stands behind all nodes of layers, losses and metrics
  // that the logged numbers depend on, and is called like none of them.
  std::vector<bool> logged(static_cast<size_t>(step.size()));
  for (const Graph::Output& output : step.outputs())
    logged[static_cast<size_t>(output.value.node)] = true;
  add_ancestors(step, logged);
  std::set<std::string, std::less<>> others = layers.forward;
  for (int32_t i = 0; i < step.size(); ++i) {
    if (!logged[static_cast<size_t>(i)]) continue;
    for (const std::string_view layer : layers_of_node(step.node(i))) others.emplace(layer);
  }
  const int32_t loss = step.outputs()[0].value.node;
  for (int32_t i = loss + 1; i < step.size(); ++i) {
    for (const std::string_view layer : layers_of_node(step.node(i))) {
      if (!others.contains(layer)) layers.optimizer.emplace(layer);
    }
  }
  return layers;
}

std::vector<StepPart> parts_of_step(const Graph& graph, const StepLayers& layers) {
  const auto nodes = static_cast<size_t>(graph.size());
  std::vector<bool> logged(nodes), feeds_optimizer(nodes), sees_labels(nodes);
  for (const Graph::Output& output : graph.outputs())
    logged[static_cast<size_t>(output.value.node)] = true;
  add_ancestors(graph, logged);
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    feeds_optimizer[static_cast<size_t>(i)] = !is_source(node) && any_layer(node, layers.optimizer);
    sees_labels[static_cast<size_t>(i)] =
        (node.is(KernelOp::kInput) && layers.labels.contains(node.name)) ||
        std::ranges::any_of(node.inputs, [&](ValueId input) {
          return sees_labels[static_cast<size_t>(input.node)];
        });
  }
  // Weights that are updated without slots, by SGD say, in nodes that passes have merged.
  for (const Graph::Update& update : graph.updates()) {
    if (sees_labels[static_cast<size_t>(update.value.node)] &&
        any_layer(graph.node(update.variable), layers.forward))
      feeds_optimizer[static_cast<size_t>(update.value.node)] = true;
  }
  add_ancestors(graph, feeds_optimizer);
  std::vector<StepPart> parts(nodes, StepPart::kForward);
  for (size_t i = 0; i < nodes; ++i) {
    const Node& node = graph.node(static_cast<int32_t>(i));
    if (is_source(node)) continue;
    if (any_layer(node, layers.optimizer)) {
      parts[i] = StepPart::kUpdate;
    } else if (logged[i] || !feeds_optimizer[i]) {
      const bool of_model = all_layers(node, layers.forward) && !sees_labels[i];
      parts[i] = of_model ? StepPart::kForward : StepPart::kLoss;
    } else {
      parts[i] = StepPart::kBackward;
    }
  }
  std::vector<bool> read(nodes);
  for (size_t i = 0; i < nodes; ++i) {
    for (const ValueId input : graph.node(static_cast<int32_t>(i)).inputs) {
      const auto from = static_cast<size_t>(input.node);
      if (!is_source(graph.node(input)) || read[from]) continue;
      read[from] = true;
      parts[from] = parts[i];
    }
  }
  return parts;
}

}  // namespace sinter
