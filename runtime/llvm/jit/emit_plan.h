// The functions of a plan, as LLVM IR.
#pragma once

#include <string>
#include <vector>

#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// Writes them into the emitter's module and gives their names, `prefix` and a number: one for each
/// phase, then `prepare` where the plan has one.
std::vector<std::string> emit_plan(Emitter& emitter, const KernelPlan& plan,
                                   const std::string& prefix = "function");

/// Removes those of `functions` that nothing calls, and then what they alone called.
void remove_unused(std::vector<llvm::Function*> functions);

/// Removes all functions but this one and what it calls.
void keep_only(llvm::Module& module, const std::string& function);

}  // namespace sinter::codegen
