// Matrix products as kernels, convolutions among them.
#pragma once

#include <memory>
#include <string>

#include "core/graph.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// "" or why no code can be made for it.
std::string why_not_matmul(const Graph& graph, int32_t node, const Cpu& cpu);
/// `pack_rhs`: the right side is a variable that never changes while the graph runs. `strict`:
/// nothing rounds more than the sums themselves.
std::unique_ptr<KernelPlan> plan_product_kernel(const Graph& graph, int32_t node, const Cpu& cpu,
                                                bool pack_rhs, bool strict = false);

}  // namespace sinter::codegen
