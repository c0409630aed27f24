// Kernels with their instructions for Linux's `perf annotate`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/llvm/jit/kernel_image.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// A function of a kernel in memory.
struct KernelFunction {
  uintptr_t address = 0;
  size_t size = 0;
  std::string name;
};
/// The functions of a kernel; each ends where the next one begins, in whatever order they lie, the
/// last one with the image. What lies before them are functions of their own.
std::vector<KernelFunction> functions_of(const LoadedKernel& kernel, const KernelImage& image,
                                         const std::string& name);

/// Where the environment's SINTER_PERF_DUMP names a folder, adds the functions of kernels to
/// jit-PID.dump in it, with their code (tools/perf/Documentation/jitdump-specification.txt of the
/// kernel's sources): `perf inject --jit` makes files of them that `perf annotate` shows. The file
/// is mapped, so that `perf record -k mono` sees it. One that cannot be written is left out.
void dump_for_perf(std::span<const std::shared_ptr<const LoadedKernel>> kernels,
                   std::span<const KernelImage> images, std::span<const KernelPlan* const> plans);

}  // namespace sinter::codegen
