// The plugin sinter_codegen: kernels for the machine at hand.
#include <llvm/Support/TargetSelect.h>

#include "runtime/llvm/jit/generator.h"
#include "runtime/llvm/jit/targets.h"

namespace sinter::codegen {

void initialize_targets() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::InitializeNativeTargetAsmParser();  // CPUID, in what is exported
}

}  // namespace sinter::codegen

extern "C" __attribute__((visibility("default"))) const sinter::codegen::Plugin sinter_codegen =
    sinter::codegen::plugin_functions();
