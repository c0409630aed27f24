#include "runtime/llvm/loops/emit.h"

#include <fmt/format.h>

#include <span>
#include <vector>

#include "runtime/limits.h"
#include "runtime/llvm/loops/emit_nest.h"

namespace sinter::codegen {
namespace {

// LLVM takes longer than in proportion for long functions, and keeps all buffers at hand from
// beginning to end: a phase of more than this (a concat of hundreds of values, say) becomes
// several.
constexpr size_t kMostNests = limit<size_t>(32, 2);
constexpr size_t kMostOps = 1024;

// The nests of a phase in runs that each become a function.
std::vector<std::span<const LoopNest>> parts_of(const LoopPhase& phase) {
  std::vector<std::span<const LoopNest>> parts;
  size_t begin = 0, ops = 0;
  for (size_t i = 0; i < phase.nests.size(); ++i) {
    const size_t own = phase.nests[i].ops.size();
    if (i > begin && (i - begin == kMostNests || ops + own > kMostOps)) {
      parts.push_back(std::span(phase.nests).subspan(begin, i - begin));
      begin = i;
      ops = 0;
    }
    ops += own;
  }
  parts.push_back(std::span(phase.nests).subspan(begin));
  return parts;
}

}  // namespace

void emit_phase(Emitter& emitter, const LoopProgram& program, const LoopPhase& phase,
                const std::string& name) {
  const auto emit = [&](std::span<const LoopNest> nests) {
    for (const LoopNest& nest : nests)
      NestEmitter(emitter, program, nest, phase.pieces, program.line_of(nest)).emit();
    emitter.end_function();
  };
  const std::vector<std::span<const LoopNest>> parts = parts_of(phase);
  if (parts.size() == 1) {
    emitter.begin_kernel(name);
    return emit(parts[0]);
  }
  std::vector<llvm::Function*> functions;
  for (size_t p = 0; p < parts.size(); ++p) {
    functions.push_back(emitter.begin_part(fmt::format("{}_part{}", name, p)));
    emit(parts[p]);
  }
  emitter.begin_kernel(name);
  for (llvm::Function* part : functions) emitter.call_part(part);
  emitter.end_function();
}

}  // namespace sinter::codegen
