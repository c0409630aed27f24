// Emits the code of a convolution by Winograd's algorithm.
#pragma once

#include <string>

#include "runtime/llvm/winograd/plan.h"

namespace sinter::codegen {

class Emitter;

/// In the order they run; kPrepare takes the place of kKernel where nothing changes the kernel.
enum class WinogradPhase : uint8_t { kKernel, kCompute, kAddSums, kPrepare };
void emit_winograd(Emitter& emitter, const WinogradPlan& plan, const MatmulRegion& region,
                   WinogradPhase phase, const std::string& name);

}  // namespace sinter::codegen
