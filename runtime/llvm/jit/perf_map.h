// Names of kernels for Linux's `perf`.
#pragma once

#include <memory>
#include <span>

#include "runtime/llvm/jit/kernel_image.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// Where the environment has SINTER_PERF_MAP (and it is not empty), adds the functions of kernels
/// to /tmp/perf-PID.map, one a line: address, size, name
/// (tools/perf/Documentation/jit-interface.txt of the kernel's sources). `perf report` shows them
/// by their plans' descriptions then. A file that cannot be written is left out: perf would do
/// without it, too.
void name_for_perf(std::span<const std::shared_ptr<const LoadedKernel>> kernels,
                   std::span<const KernelImage> images, std::span<const KernelPlan* const> plans);

}  // namespace sinter::codegen
