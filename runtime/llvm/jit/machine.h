// LLVM's code generator for a CPU, without middle-end passes (the IR is vector code already) and
// without the passes that cost time and gain nothing here.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "runtime/llvm/cpu.h"

namespace sinter::codegen {

/// The CPU as LLVM names it.
Cpu llvm_cpu(const Cpu& cpu);

/// LLVM's for a triple that this plugin knows.
const llvm::Target& find_target(const std::string& triple);

/// One for `cpu`, as llvm_cpu() gives it. `is_jit`: for code of this process.
std::unique_ptr<llvm::TargetMachine> target_machine(const Cpu& cpu, bool is_jit);

/// Writes machine code, or its text. Raises InternalError for IR that is not legal, where
/// SINTER_VERIFY_IR is set.
std::string generate_code(llvm::TargetMachine& machine, llvm::Module& module,
                          llvm::CodeGenFileType type);

}  // namespace sinter::codegen
