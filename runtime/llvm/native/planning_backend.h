// A backend whose kernels are plans for a CPU that need not be at hand: they are exported, not run.
#pragma once

#include <memory>

#include "runtime/backend.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// Called "llvm". What depends on variables alone (the prologue, and Kernel::prepare) runs here:
/// its results are exported.
std::unique_ptr<Backend> planning_backend(const Cpu& cpu);

/// The plan of a kernel that such a backend made.
const KernelPlan& plan_of(const Kernel& kernel);

}  // namespace sinter::codegen
