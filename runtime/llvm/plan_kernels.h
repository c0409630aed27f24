// From the nodes of a lowered graph to kernel plans, for any CPU: what the llvm backend compiles for
// the CPU at hand, and export for others.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/target.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// What passes may make of graphs for that CPU.
Target target_for(const Cpu& cpu);
/// "" or why no code can be made for the node.
std::string why_not_planned(const Graph& graph, int32_t node);
/// A plan for each of the nodes, in their order: matmul kernels where they cover the node, otherwise
/// loops. `strict` as CompileOptions::strict_precision.
std::vector<std::unique_ptr<KernelPlan>> plan_kernels(const Graph& graph,
                                                      std::span<const int32_t> nodes,
                                                      const Cpu& cpu, bool strict);

}  // namespace sinter::codegen
