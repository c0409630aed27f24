// The moves between an operand and the values that it is made of: reshapes, transposes, broadcasts
// and slices, which only say where elements lie (core/view.h).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/view.h"

namespace sinter {

/// The nodes of the operand and of what stands before it, each a move of the next, but for the
/// last. At most some dozens.
std::vector<int32_t> moves_before(const Graph& graph, ValueId operand);

/// How the first of `nodes` reads `view` of the last. nullopt where a reshape is no view.
std::optional<View> view_along(const Graph& graph, std::span<const int32_t> nodes, View view);

}  // namespace sinter
