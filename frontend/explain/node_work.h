// How much a node has to do.
#pragma once

#include <cstdint>
#include <optional>

#include "core/graph.h"

namespace sinter {

/// Arithmetic operations: a product and a sum of a contraction are two, each scalar op of a map is
/// one, a reduction is one for each element. Moving is none. Nothing for composites, which have no
/// work until they are decomposed, and where a shape is symbolic.
std::optional<int64_t> flops_of_node(const Graph& graph, int32_t node);
/// Bytes of the operands and results, each value once. Nothing where a shape is symbolic.
std::optional<int64_t> bytes_of_node(const Graph& graph, int32_t node);

}  // namespace sinter
