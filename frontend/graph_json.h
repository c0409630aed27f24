// A graph as JSON, for programs that read dumps.
#pragma once

#include <string>

#include "core/graph.h"

namespace sinter {

/// {"name", "nodes": [{"op", "name", "inputs": [[node, result]], "attributes", "types", "layer",
/// "file", "line"}], "outputs", "updates"}; keys that have nothing to say are left out. Attributes
/// keep their JSON type; tensors, expressions and shapes print as in the text form.
std::string to_json(const Graph& graph, int indent = 1);

}  // namespace sinter
