// Loop programs as IR.
#pragma once

#include <string>

#include "runtime/llvm/loops/program.h"

namespace sinter::codegen {

class Emitter;

/// The kernel function of one phase: `void name(i64 piece, ptr buffers)`.
void emit_phase(Emitter& emitter, const LoopProgram& program, const LoopPhase& phase,
                const std::string& name);

}  // namespace sinter::codegen
