// Whether each row of a batch is computed from that row alone.
#pragma once

#include "core/graph.h"

namespace sinter {

enum class RowNumbers : uint8_t {
  kAllowed,  // a row may know its place in the batch, counted from the first
  kRefused,
};

/// True when rows of all outputs of `graph`, which has a symbolic batch and kernel ops alone,
/// depend on the same rows of its inputs and not on how many there are: then more rows may be run
/// beside them, and, where `numbers` are refused, parts of the rows one after the other. False
/// where that cannot be seen, where a variable is updated, and where the rows of an input or output
/// are not its first dimension.
bool has_independent_rows(const Graph& graph, RowNumbers numbers);
/// Has every output rows, as its first dimension? Of composites too.
bool all_outputs_have_rows(const Graph& graph);

}  // namespace sinter
