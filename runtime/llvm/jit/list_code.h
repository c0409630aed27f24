// The code of a plan as text: IR and assembly, with lines that belong together.
#pragma once

#include "runtime/kernel_listing.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// Made as Jit::compile() makes it.
KernelListing list_code(const Cpu& cpu, const KernelPlan& plan);

}  // namespace sinter::codegen
