// Plans to object code for this process.
#pragma once

#include <memory>
#include <string>

#include "runtime/llvm/cpu.h"
#include "runtime/llvm/jit/plugin.h"
#include "runtime/llvm/kernel_plan.h"

namespace sinter::codegen {

/// Compiles plans one after the other; each thread that compiles has one of its own.
class Jit {
 public:
  explicit Jit(const Cpu& cpu);
  ~Jit();
  Jit(const Jit&) = delete;

  /// The image (jit/kernel_image.h) of one plan; its functions are the phases, then `prepare` where
  /// the plan has one, or this alone.
  std::string compile(const KernelPlan& plan, PlanFunctions functions = PlanFunctions::kAll);

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

/// Makes an image of an object file: sections side by side, references between them resolved,
/// functions of this process called through slots. InternalError for anything that kernels must not
/// have: writable data, unknown functions or relocations. `keeps_object`: the image has the object
/// file, too, for a debugger.
std::string link_image(std::string_view object, const std::vector<std::string>& functions,
                       bool keeps_object = false);

}  // namespace sinter::codegen
