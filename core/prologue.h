// The prologue of a graph: what depends on nothing but variables that runs never change, so that it
// is computed once and again only when somebody else has changed one of them.
#pragma once

#include <vector>

#include "core/graph.h"

namespace sinter {

/// For each node: does it belong to the prologue? Sources do not, nor does what constants alone
/// determine.
std::vector<bool> prologue_nodes(const Graph& graph);

/// Is this value the same in run after run, until somebody changes a variable: a variable that the
/// graph never updates, or a value of the prologue? Worth packing.
bool is_frozen(const Graph& graph, ValueId value);

}  // namespace sinter
