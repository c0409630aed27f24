// Processors that are not of this machine's kind: what LLVM knows of them. In the plugin
// sinter_cross.
#pragma once

#include <string>

#include "runtime/llvm/cpu.h"

namespace sinter::codegen {

/// The processor `name` of a target: "aarch64-linux-gnu", "riscv64-linux-gnu", "arm-none-eabi",
/// "wasm32", "x86_64-linux-gnu" or another triple of these architectures. `name` is LLVM's (clang's
/// -mcpu), with features behind it: "sifive-x280", "generic-rv64,+v"; "" for what every machine of
/// the target has (of arm-none-eabi: Cortex-M7). "" as the target is this machine's. Raises
/// NameError for what LLVM does not know.
Cpu cross_cpu(const std::string& triple, const std::string& name);

}  // namespace sinter::codegen
