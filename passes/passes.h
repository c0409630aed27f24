// The passes, one file each, in the order in which a graph meets them. The tables in pipeline.cc
// say when each runs.
#pragma once

#include "passes/pass.h"

namespace sinter {

Graph remove_dead(const Graph& graph, const PassContext& context);
Graph remove_dropout(const Graph& graph, const PassContext& context);
Graph to_inference(const Graph& graph, const PassContext& context);
Graph stabilize_cross_entropy(const Graph& graph, const PassContext& context);
Graph simplify(const Graph& graph, const PassContext& context);
Graph fold_constants(const Graph& graph, const PassContext& context);
Graph merge_duplicates(const Graph& graph, const PassContext& context);
Graph fold_batch_norm(const Graph& graph, const PassContext& context);
Graph fuse_dense(const Graph& graph, const PassContext& context);
Graph decompose(const Graph& graph, const PassContext& context);
void check_decomposed(const Graph& graph, const PassContext& context);
Graph lower_precision(const Graph& graph, const PassContext& context);
Graph split_depth(const Graph& graph, const PassContext& context);
Graph simplify_maps(const Graph& graph, const PassContext& context);
Graph fuse_elementwise(const Graph& graph, const PassContext& context);
Graph absorb_rounding(const Graph& graph, const PassContext& context);
Graph absorb_moves(const Graph& graph, const PassContext& context);
Graph fuse_epilogues(const Graph& graph, const PassContext& context);
Graph rematerialize(const Graph& graph, const PassContext& context);
void check_fused(const Graph& graph, const PassContext& context);

}  // namespace sinter
