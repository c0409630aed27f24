// The prologue of a graph: what depends on nothing but variables that runs never change, so that it
// is computed once and again only when somebody else has changed one of them.
#pragma once

#include <vector>

#include "core/graph.h"

namespace sinter {

/// For each node: does it belong to the prologue? Sources do not, nor does what constants alone
/// determine (passes fold it, or fuse it with what reads it).
std::vector<bool> prologue_nodes(const Graph& graph);

/// For each node: are its values the same in run after run, until somebody changes a variable?
/// Constants, variables that the graph never updates, and all that follows from these alone.
std::vector<bool> frozen_nodes(const Graph& graph);

/// The same for one value: worth packing.
bool is_frozen(const Graph& graph, ValueId value);

}  // namespace sinter
