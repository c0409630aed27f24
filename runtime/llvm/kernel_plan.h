// A kernel before there is machine code: what it needs, its printable text, and what it is made of.
// Holds no LLVM, so that a program whose kernels are all in the cache never loads it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sinter::codegen {

struct LoopProgram;
struct MatmulPlan;
struct MatmulRegion;
struct WinogradPlan;
struct WinogradGradientPlan;

/// Whoever makes code of a plan: the code generator's plugin.
class PlanEmitter {
 public:
  virtual ~PlanEmitter() = default;
  virtual void loops(const LoopProgram& program) = 0;
  virtual void matmul(const MatmulRegion& region, const MatmulPlan& plan) = 0;
  virtual void winograd(const MatmulRegion& region, const WinogradPlan& plan) = 0;
  virtual void winograd_gradient(const WinogradGradientPlan& plan) = 0;
};

/// A line of the user's program.
struct SourceLine {
  std::string file;  // without its folders
  int32_t line = 0;
  bool operator==(const SourceLine&) const = default;
};

/// What a debugger is to know of a kernel (jit/kernel_debug.h); no name: nothing.
struct KernelDebug {
  std::string name;               // of its functions
  std::string listing;            // the file that holds the plan's text
  std::vector<SourceLine> lines;  // that made what it computes
};

class KernelPlan {
 public:
  virtual ~KernelPlan() = default;

  /// Everything that decides the code, as text: plans with equal text share one function, and the
  /// cache on disk is keyed by it.
  virtual std::string text() const = 0;
  /// The same with what is decided outside the plan.
  std::string key() const {
    std::string key =
        text() + (rounds_for_products ? "roundings to bfloat16: as products read them\n" : "");
    if (!debug.name.empty()) key += "for a debugger: " + debug.name + "\n";
    for (const SourceLine& l : debug.lines) key += l.file + ":" + std::to_string(l.line) + "\n";
    return key;
  }
  /// Hands over what it is made of. The code made of it is `void (i64 piece, ptr buffers)` for each
  /// phase and, when prepared_bytes > 0, `void (ptr buffers, ptr prepared)`. Buffers are those of
  /// Kernel::run.
  virtual void emit(PlanEmitter& emitter) const = 0;

  std::vector<int> pieces;  // one entry a phase
  double microseconds = 0;  // on one thread, by the cost model
  int64_t scratch_bytes = 0;
  int64_t prepared_bytes = 0;
  int64_t workspace_bytes = 0;
  std::vector<std::pair<int, int>> aliases;  // (result, input) that may share memory
  /// Does nothing but products of bfloat16 see what is rounded to it (rounding.h)?
  bool rounds_for_products = false;
  std::string description;  // one line for dumps
  KernelDebug debug;
};

}  // namespace sinter::codegen
