#include "runtime/llvm/jit/jit.h"

#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/jit/debug_info.h"
#include "runtime/llvm/jit/emit_plan.h"
#include "runtime/llvm/jit/machine.h"

namespace sinter::codegen {

struct Jit::Machine {
  Cpu cpu;
  std::unique_ptr<llvm::TargetMachine> target;
};

Jit::Jit(const Cpu& cpu) : machine_(std::make_unique<Machine>()) {
  machine_->cpu = llvm_cpu(cpu);
  machine_->target = target_machine(machine_->cpu, /*is_jit=*/true);
}

Jit::~Jit() = default;

std::string Jit::compile(const KernelPlan& plan, PlanFunctions functions) {
  llvm::TargetMachine& target = *machine_->target;
  llvm::LLVMContext context;
  llvm::Module module("sinter", context);
  module.setTargetTriple(target.getTargetTriple().str());
  module.setDataLayout(target.createDataLayout());
  Emitter emitter(module, machine_->cpu, plan.rounds_for_products);
  const bool is_debugged = !plan.debug.name.empty();
  if (is_debugged) emitter.carry_lines();
  std::vector<std::string> names = is_debugged
                                       ? emit_plan(emitter, plan, plan.debug.name + "_function")
                                       : emit_plan(emitter, plan);
  if (is_debugged) add_debug_info(module, plan, names);
  if (functions == PlanFunctions::kPrepare) {
    keep_only(module, names.back());
    names = {names.back()};
  }
  return link_image(generate_code(target, module, llvm::CodeGenFileType::ObjectFile), names,
                    is_debugged);
}

}  // namespace sinter::codegen
