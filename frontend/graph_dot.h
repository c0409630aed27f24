// A graph as Graphviz text: what `sinter dump --format dot|svg` and the quickstart's graph.svg
// show.
#pragma once

#include <string>

#include "core/symbol.h"

namespace sinter {

/// Nodes that outputs or updates depend on, in boxes by layer, with types, attributes that differ
/// from their defaults, outputs and updates. Draw it with render_dot().
std::string to_dot(const Graph& graph);

/// One box for each layer, and one for what follows the loss in its name (gradients; not
/// metrics): variables, how many ops of each kind, and the types of what leaves it. A whole
/// training step can be read so.
std::string to_layer_dot(const Graph& graph);

}  // namespace sinter
