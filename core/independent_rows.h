// Which lowered graphs compute each row of a batch from that row alone.
#pragma once

#include <cstdint>

#include "core/graph.h"

namespace sinter {

/// `graph` and `other` are one graph with a symbolic batch, lowered for `rows` and for
/// `other_rows`. Does each row of all results follow from the same row of the inputs, so that a run
/// for many rows may be several runs for a part of them? Dimensions that differ between the two are
/// those of rows, which must come first in each value. False where that is not known: where rows
/// are reduced, counted, reordered or drawn at random, for composites, and where the two graphs
/// differ in more than their sizes.
bool has_independent_rows(const Graph& graph, int64_t rows, const Graph& other, int64_t other_rows);

}  // namespace sinter
