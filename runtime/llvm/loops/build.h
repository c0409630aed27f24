// From graph nodes to loop programs.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/graph.h"
#include "core/view.h"
#include "runtime/llvm/loops/program.h"

namespace sinter::codegen {

/// Some nodes of a graph that one program computes: where its inputs lie and where its results go,
/// as buffers of the program.
struct Region {
  /// A result that is written into a part of a buffer.
  struct Part {
    ValueId value;
    int buffer = -1;
    View view;  // of the buffer, over the dimensions of the value
  };

  const Graph* graph = nullptr;
  std::vector<int32_t> nodes;  // in topological order
  std::map<ValueId, int> inputs;
  std::map<ValueId, int> outputs;
  std::vector<Part> parts = {};  // only build_cluster() writes them
  int scratch_argument = 0;
};

/// The loop program of a kernel op or fusion.
LoopProgram build_loops(const Graph& graph, int32_t node);

/// Appends the phases of maps, broadcasts, reductions, random bits and simple moves as one cluster.
/// False, with the program as it was, when the region does not fit one iteration space; then its
/// nodes are built one by one.
bool build_cluster(const Region& region, LoopProgram& program);

/// Single nodes that are no clusters. Each appends phases.
void build_move(const Region& region, int32_t node,
                LoopProgram& program);  // reshape, pad, concat, size
void build_scatter(const Region& region, int32_t node, LoopProgram& program);
void build_arg_reduce(const Region& region, int32_t node, LoopProgram& program);
void build_contract(const Region& region, int32_t node, LoopProgram& program);

/// What the cost model says of a nest on one thread.
double nest_microseconds(const LoopNest& nest);

/// Chooses how the nests of a phase are shared between pieces, gives split accumulations partial
/// results, and appends the phase (and a second one that combines the partial results). The nests
/// must be finished.
void add_phase(std::vector<LoopNest> nests, LoopProgram& program, int scratch_argument);

/// (result, input) pairs of arguments that may share memory.
std::vector<std::pair<int, int>> find_aliases(const LoopProgram& program, int inputs, int results);

}  // namespace sinter::codegen
