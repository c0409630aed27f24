// The code generator as a plugin (runtime/plugin.h): everything that needs LLVM is in a shared
// library that is opened when a kernel must be compiled.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/kernel_listing.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// The plugin's symbol, `sinter_codegen`.
struct Plugin {
  const char* version;  // codegen_version()
  /// Images (jit/kernel_image.h) of the plans, in their order, compiled on up to `threads` threads.
  /// On failure `error` is set and there are none.
  void (*compile)(const Cpu& cpu, std::span<const KernelPlan* const> plans, int threads,
                  std::vector<std::string>& images, std::string& error);
  /// What the code of a plan looks like; on failure `error` is set.
  void (*list)(const Cpu& cpu, const KernelPlan& plan, KernelListing& listing, std::string& error);
};

/// Compiles plans by the plugin, opened on first use. Raises Error when there is none.
std::vector<std::string> compile_plans(const Cpu& cpu, std::span<const KernelPlan* const> plans);
/// IR and assembly of a plan, by the same plugin.
KernelListing list_plan(const Cpu& cpu, const KernelPlan& plan);

}  // namespace sinter::codegen
