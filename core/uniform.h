// Values known to hold one number in every element: scalar constants and what only spreads them.
#pragma once

#include <optional>

#include "core/graph.h"

namespace sinter {

/// The number, or nullopt. Looks through broadcasts and reshapes; 64-bit integers that a double
/// cannot hold do not count.
std::optional<double> uniform_value(const Graph& graph, ValueId id);
/// The same with integers kept as they are, whatever their size.
std::optional<Number> uniform_number(const Graph& graph, ValueId id);

}  // namespace sinter
