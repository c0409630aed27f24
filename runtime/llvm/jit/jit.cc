#include "runtime/llvm/jit/jit.h"

#include "runtime/llvm/emit/emitter.h"
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
  std::vector<std::string> names = emit_plan(emitter, plan);
  if (functions == PlanFunctions::kPrepare) {
    keep_only(module, names.back());
    names = {names.back()};
  }
  return link_image(generate_code(target, module, llvm::CodeGenFileType::ObjectFile), names);
}

}  // namespace sinter::codegen
