// Emits the code of a kernel's gradient by Winograd's algorithm.
#pragma once

#include <string>

#include "runtime/llvm/winograd/gradient.h"

namespace sinter::codegen {

class Emitter;

void emit_winograd_gradient(Emitter& emitter, const WinogradGradientPlan& plan,
                            const std::string& name);
/// The phase that adds up partial sums.
void emit_winograd_gradient_sums(Emitter& emitter, const WinogradGradientPlan& plan,
                                 const std::string& name);

}  // namespace sinter::codegen
