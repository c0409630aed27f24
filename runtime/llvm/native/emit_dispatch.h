// One function that is there for several CPUs: the system's loader asks once which one this is.
#pragma once

#include <llvm/IR/Module.h>

#include <span>
#include <string>

namespace sinter::codegen {

/// `name` as an indirect function (ELF's STT_GNU_IFUNC): the first of `versions` whose CPU (a level
/// of the x86-64 psABI, "x86-64-v3") is at hand. The last is for every CPU.
void emit_dispatch(llvm::Module& module, const std::string& name,
                   std::span<llvm::Function* const> versions, std::span<const std::string> cpus);

}  // namespace sinter::codegen
