// The plan of a kernel that is a loop program.
#pragma once

#include <memory>

#include "core/graph.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

std::unique_ptr<KernelPlan> plan_loops(const Graph& graph, int32_t node);

}  // namespace sinter::codegen
