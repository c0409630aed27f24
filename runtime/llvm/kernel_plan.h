// A kernel before there is machine code: what it needs, its printable text, and how to emit it.
// Holds no LLVM, so that a cache hit builds no IR.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sinter::codegen {

class Emitter;

class KernelPlan {
 public:
  virtual ~KernelPlan() = default;

  /// Everything that decides the code, as text: plans with equal text share one function, and the
  /// cache on disk is keyed by it.
  virtual std::string text() const = 0;
  /// Emits `void <symbol>_<phase>(i64 piece, ptr buffers)` for each phase and, when prepared_bytes
  /// > 0, `void <symbol>_prepare(ptr buffers, ptr prepared)`. Buffers are those of Kernel::run.
  virtual void emit(Emitter& emitter, const std::string& symbol) const = 0;

  std::vector<int> pieces;  // one entry a phase
  int64_t scratch_bytes = 0;
  int64_t prepared_bytes = 0;
  std::vector<std::pair<int, int>> aliases;  // (result, input) that may share memory
  std::string description;                   // one line for dumps
};

}  // namespace sinter::codegen
