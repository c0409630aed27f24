// What a debugger reads: DWARF from machine code to lines of the loop program, and those inlined in
// a function of the user's source line.
#pragma once

#include <llvm/IR/Module.h>

#include <string>
#include <vector>

#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// The module's instructions carry lines of the plan (Emitter::carry_lines). `functions` are those
/// of the plan, in their order. Each begins with an instruction of nothing for every line of the
/// user that it computes, where a breakpoint on that line stops.
void add_debug_info(llvm::Module& module, const KernelPlan& plan,
                    const std::vector<std::string>& functions);

}  // namespace sinter::codegen
