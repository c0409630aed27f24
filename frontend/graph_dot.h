// A graph as Graphviz text: what `sinter dump --format dot|svg` and the quickstart's graph.svg
// show.
#pragma once

#include <string>

#include "core/graph.h"

namespace sinter {

/// Nodes in boxes by layer, with types, attributes that differ from their defaults, outputs and
/// updates. Draw it with render_dot().
std::string to_dot(const Graph& graph);

}  // namespace sinter
