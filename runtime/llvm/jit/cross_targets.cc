// The plugin sinter_cross: what is exported for machines of other kinds.
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/TargetSelect.h>

#include "runtime/llvm/jit/generator.h"
#include "runtime/llvm/jit/targets.h"

namespace sinter::codegen {

void initialize_targets() {
#define SINTER_INITIALIZE(name)       \
  LLVMInitialize##name##TargetInfo(); \
  LLVMInitialize##name##Target();     \
  LLVMInitialize##name##TargetMC();   \
  LLVMInitialize##name##AsmPrinter(); \
  LLVMInitialize##name##AsmParser();
  SINTER_INITIALIZE(X86)
  SINTER_INITIALIZE(AArch64)
  SINTER_INITIALIZE(ARM)
  SINTER_INITIALIZE(RISCV)
  SINTER_INITIALIZE(WebAssembly)
#undef SINTER_INITIALIZE
}

}  // namespace sinter::codegen

extern "C" __attribute__((visibility("default"))) const sinter::codegen::Plugin sinter_cross =
    sinter::codegen::plugin_functions();
