// The kernel of a plan as functions of an exported module.
#pragma once

#include <llvm/IR/Module.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// A kernel of a variant, in the module.
struct EmittedKernel {
  std::vector<llvm::Function*> phases;
  std::vector<int> pieces;
  std::optional<std::set<size_t>> loaded;  // which buffers it needs; nothing: all
};

/// Emits it; names begin with `prefix`. Its packing is left out: that was done when it was
/// exported.
EmittedKernel emit_kernel(llvm::Module& module, const Cpu& cpu, const KernelPlan& plan,
                          const std::string& prefix);

}  // namespace sinter::codegen
