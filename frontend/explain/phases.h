// The parts of a training step: forward, loss, backward, update.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"

namespace sinter {

enum class StepPart : uint8_t { kForward, kLoss, kBackward, kUpdate };
std::string_view step_part_name(StepPart part);

/// What the layers of a step's nodes are: nodes after passes are told apart by it, too.
struct StepLayers {
  std::set<std::string, std::less<>> forward;    // layers of the model
  std::set<std::string, std::less<>> optimizer;  // what the optimizer calls its nodes
  std::set<std::string, std::less<>> labels;     // inputs that are not the model's
};
/// `forward` is the model's graph, `step` the training graph as built.
StepLayers layers_of_step(const Graph& forward, const Graph& step);

/// The part that each node belongs to. A fused node that updates weights is of the update, one that
/// computes the loss is of the loss, whatever else it does; a variable or constant is of the first
/// node that reads it. All nodes of a graph without updates are of the forward part, unless it has
/// losses.
std::vector<StepPart> parts_of_step(const Graph& graph, const StepLayers& layers);

/// "dense+adam" as {"dense", "adam"}.
std::vector<std::string_view> layers_of_node(const Node& node);

}  // namespace sinter
