// The code generator as a plugin (runtime/plugin.h): everything that needs LLVM is in a shared
// library that is opened when a kernel must be compiled.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/kernel_listing.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/kernel_plan.h"
#include "runtime/llvm/native/module.h"

namespace sinter::codegen {

/// Which functions of plans are wanted: all, or only `prepare`, of plans for another CPU that pack
/// what is exported.
enum class PlanFunctions : uint8_t { kAll, kPrepare };

/// A plugin's symbol: `sinter_codegen`, which knows the processor of this machine, or
/// `sinter_cross`, which knows those that code is exported for (jit/targets.h).
struct Plugin {
  const char* version;  // codegen_version()
  /// Images (jit/kernel_image.h) of the plans, in their order, compiled on up to `threads` threads.
  /// On failure `error` is set and there are none.
  void (*compile)(const Cpu& cpu, std::span<const KernelPlan* const> plans,
                  PlanFunctions functions, int threads, std::vector<std::string>& images,
                  std::string& error);
  /// What the code of a plan looks like; on failure `error` is set.
  void (*list)(const Cpu& cpu, const KernelPlan& plan, KernelListing& listing, std::string& error);
  /// What native/emit.h gives.
  void (*emit_native)(const NativeModule& module, NativeOutput output, std::string& result,
                      std::string& error);
  /// What native/cross_cpu.h gives.
  void (*describe_cpu)(const std::string& triple, const std::string& name, Cpu& cpu,
                       std::string& error);
};

/// Compiles plans by the plugin, opened on first use. Raises Error when there is none.
std::vector<std::string> compile_plans(const Cpu& cpu, std::span<const KernelPlan* const> plans,
                                       PlanFunctions functions = PlanFunctions::kAll);
/// IR and assembly of a plan, by the same plugin.
KernelListing list_plan(const Cpu& cpu, const KernelPlan& plan);

/// A processor of another kind (native/cross_cpu.h), by the plugin sinter_cross. Raises Error when
/// there is none, NameError for a target or processor that it does not know.
Cpu find_cross_cpu(const std::string& triple, const std::string& name);

/// An object file, assembly or IR, by the plugin that knows its processor. Raises Error when there
/// is none.
std::string emit_native_code(const NativeModule& module, NativeOutput output);

}  // namespace sinter::codegen
