#include "runtime/llvm/native/emit_kernel.h"

#include <llvm/IR/Instructions.h>

#include <algorithm>

#include "core/error.h"
#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/jit/emit_plan.h"

namespace sinter::codegen {
namespace {

// Which of its buffers a kernel uses: slots of the table that its second argument points to. False
// where it does anything but load from there.
bool find_loaded(llvm::Value* table, std::set<size_t>& slots) {
  for (llvm::User* user : table->users()) {
    if (auto* address = llvm::dyn_cast<llvm::GetElementPtrInst>(user)) {
      const auto* slot = llvm::dyn_cast<llvm::ConstantInt>(address->getOperand(1));
      if (slot == nullptr || address->getNumIndices() != 1) return false;
      for (const llvm::User* load : address->users()) {
        if (!llvm::isa<llvm::LoadInst>(load)) return false;
        if (!load->use_empty()) slots.insert(slot->getZExtValue());
      }
    } else if (auto* call = llvm::dyn_cast<llvm::CallInst>(user)) {
      llvm::Function* part = call->getCalledFunction();
      if (part == nullptr || part->isDeclaration()) return false;
      for (unsigned a = 0; a < call->arg_size(); ++a) {
        if (call->getArgOperand(a) == table && !find_loaded(part->getArg(a), slots)) return false;
      }
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

EmittedKernel emit_kernel(llvm::Module& module, const Cpu& cpu, const KernelPlan& plan,
                          const std::string& prefix) {
  std::set<llvm::Function*> before;
  for (llvm::Function& f : module) before.insert(&f);
  Emitter emitter(module, cpu, plan.rounds_for_products);
  const std::vector<std::string> names = emit_plan(emitter, plan, prefix);
  EmittedKernel kernel;
  kernel.pieces = plan.pieces;
  SINTER_CHECK(names.size() >= plan.pieces.size(), plan.description);
  for (size_t p = 0; p < plan.pieces.size(); ++p)
    kernel.phases.push_back(module.getFunction(names[p]));
  // Its packing was done when it was exported.
  for (size_t p = plan.pieces.size(); p < names.size(); ++p)
    module.getFunction(names[p])->eraseFromParent();
  // Helpers of one kernel are not those of another, whatever they are called.
  std::vector<llvm::Function*> made;
  for (llvm::Function& f : module) {
    if (before.contains(&f) || f.isDeclaration()) continue;
    f.setLinkage(llvm::GlobalValue::InternalLinkage);
    if (!f.getName().starts_with(prefix)) f.setName(prefix + f.getName());
    if (std::ranges::find(kernel.phases, &f) == kernel.phases.end()) made.push_back(&f);
  }
  remove_unused(std::move(made));  // what packing alone called
  std::set<size_t> slots;
  const bool known = std::ranges::all_of(
      kernel.phases, [&](llvm::Function* f) { return find_loaded(f->getArg(1), slots); });
  if (known) kernel.loaded = std::move(slots);
  return kernel;
}

}  // namespace sinter::codegen
