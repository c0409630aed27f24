#include "runtime/llvm/emit_loops.h"

#include "runtime/llvm/emit_nest.h"

namespace sinter::codegen {

void emit_phase(Emitter& emitter, const LoopProgram& program, const LoopPhase& phase,
                const std::string& name) {
  emitter.begin_kernel(name);
  for (const LoopNest& nest : phase.nests) NestEmitter(emitter, program, nest, phase.pieces).emit();
  emitter.end_function();
}

}  // namespace sinter::codegen
