// The code generator as a plugin: everything that needs LLVM is in a shared library that is opened
// when a kernel must be compiled, because libLLVM alone costs 16 ms and 50 MiB.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// The one symbol of the plugin, `sinter_codegen`. `version` comes first and stays first, so that a
/// plugin of another build is recognised before anything else of it is used.
struct Plugin {
  const char* version;  // codegen_version()
  /// Images (kernel_image.h) of the plans, in their order, compiled on up to `threads` threads.
  /// On failure `error` is set and there are none.
  void (*compile)(const Cpu& cpu, std::span<const KernelPlan* const> plans, int threads,
                  std::vector<std::string>& images, std::string& error);
};

/// Compiles plans by the plugin, opened on first use. Raises Error when there is none, with the
/// places where it was looked for: the file $SINTER_CODEGEN names and no other, when that is set;
/// the folder of the program, lib and ../lib from there, the folder that Sinter was installed to,
/// and where the system looks for libraries.
std::vector<std::string> compile_plans(const Cpu& cpu, std::span<const KernelPlan* const> plans);

}  // namespace sinter::codegen
