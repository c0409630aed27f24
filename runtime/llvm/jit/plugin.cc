#include "runtime/llvm/jit/plugin.h"

#include <algorithm>
#include <thread>

#include "core/error.h"
#include "runtime/llvm/jit/codegen_version.h"
#include "runtime/plugin.h"

namespace sinter::codegen {
namespace {

constexpr int kMostThreads = 4;

const Plugin& cross_plugin() {
  static const auto* opened = static_cast<const Plugin*>(
      open_plugin({.name = "sinter_cross",
                   .variable = "SINTER_CROSS",
                   .wanted = "code for another machine is wanted, but Sinter's code generator for "
                             "them (built with SINTER_WITH_CROSS)"},
                  codegen_version()));
  return *opened;
}

const Plugin& plugin() {
  static const auto* opened = static_cast<const Plugin*>(
      open_plugin({.name = "sinter_codegen",
                   .variable = "SINTER_CODEGEN",
                   .wanted = "a kernel must be compiled, but Sinter's code generator"},
                  codegen_version()));
  return *opened;
}

}  // namespace

std::vector<std::string> compile_plans(const Cpu& cpu, std::span<const KernelPlan* const> plans,
                                       PlanFunctions functions) {
  const int threads =
      std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
  std::vector<std::string> images;
  std::string error;
  plugin().compile(cpu, plans, functions, threads, images, error);
  if (!error.empty()) throw InternalError(error);
  SINTER_CHECK(images.size() == plans.size(), cpu.name);
  return images;
}

KernelListing list_plan(const Cpu& cpu, const KernelPlan& plan) {
  KernelListing listing;
  std::string error;
  plugin().list(cpu, plan, listing, error);
  if (!error.empty()) throw InternalError(error);
  return listing;
}

Cpu find_cross_cpu(const std::string& triple, const std::string& name) {
  Cpu cpu;
  std::string error;
  cross_plugin().describe_cpu(triple, name, cpu, error);
  if (!error.empty()) throw NameError(error);
  return cpu;
}

std::string emit_native_code(const NativeModule& module, NativeOutput output) {
  std::string result, error;
  const bool is_cross = !module.variants.front().cpu.triple.empty();
  (is_cross ? cross_plugin() : plugin()).emit_native(module, output, result, error);
  if (!error.empty()) throw InternalError(error);
  return result;
}

}  // namespace sinter::codegen
