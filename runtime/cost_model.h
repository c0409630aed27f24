// What a node costs on a backend, from constants that were measured: how `auto` chooses without
// trying.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/graph.h"

namespace sinter {

/// Microseconds on one thread. Nothing for nodes that only one backend has a kernel for, so that
/// there is nothing to choose.
std::optional<double> estimate_microseconds(std::string_view backend, const Graph& graph,
                                            int32_t node);

}  // namespace sinter
