#include "runtime/llvm/jit/machine.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Pass.h>
#include <llvm/PassRegistry.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <cstdlib>
#include <mutex>

#include "core/error.h"
#include "runtime/llvm/jit/targets.h"

namespace sinter::codegen {
namespace {

void initialize() {
  static std::once_flag once;
  std::call_once(once, initialize_targets);
}

// Leaves out two passes that took a fifth of the compile time and changed no kernel's time by more
// than half a percent on x86: addresses are written as they should be, and the CPUs reorder on their
// own.
class LeanPassManager final : public llvm::legacy::PassManager {
 public:
  void add(llvm::Pass* pass) override {
    const llvm::PassInfo* info =
        llvm::PassRegistry::getPassRegistry()->getPassInfo(pass->getPassID());
    const llvm::StringRef name = info == nullptr ? "" : info->getPassArgument();
    if (name == "loop-reduce" || name == "post-RA-sched")
      delete pass;
    else
      llvm::legacy::PassManager::add(pass);
  }
};

bool verifies() {
  static const bool asked = std::getenv("SINTER_VERIFY_IR") != nullptr;
  return asked;
}

}  // namespace

Cpu llvm_cpu(const Cpu& cpu) {
  if (!cpu.triple.empty()) return cpu;
  Cpu result = cpu;
  result.features.clear();
  if (cpu.name != "native") return result;
  result.name = llvm::sys::getHostCPUName();
  llvm::SubtargetFeatures features;
  for (const auto& feature : llvm::sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  result.features = features.getString();
  return result;
}

const llvm::Target& find_target(const std::string& triple) {
  initialize();
  std::string fault;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, fault);
  if (target == nullptr) raise_internal("a target", fault);
  return *target;
}

std::unique_ptr<llvm::TargetMachine> target_machine(const Cpu& cpu, bool is_jit) {
  const std::string triple = cpu.triple.empty() ? llvm::sys::getProcessTriple() : cpu.triple;
  const llvm::Triple parsed(triple);
  // Without a system nobody loads code anywhere else than where it was linked to.
  const bool is_fixed = parsed.getOS() == llvm::Triple::UnknownOS;
  llvm::TargetOptions options;
  options.MCOptions.ABIName = cpu.abi;
  std::unique_ptr<llvm::TargetMachine> machine(find_target(triple).createTargetMachine(
      triple, cpu.name, cpu.features, options, is_fixed ? llvm::Reloc::Static : llvm::Reloc::PIC_,
      parsed.isRISCV() ? llvm::CodeModel::Medium : llvm::CodeModel::Small,
      llvm::CodeGenOptLevel::Default, is_jit));
  SINTER_CHECK(machine != nullptr, triple);
  return machine;
}

std::string generate_code(llvm::TargetMachine& machine, llvm::Module& module,
                          llvm::CodeGenFileType type) {
  if (verifies()) {
    std::string fault;
    llvm::raw_string_ostream stream(fault);
    if (llvm::verifyModule(module, &stream)) raise_internal("legal IR", stream.str());
  }
  llvm::SmallVector<char, 0> code;
  llvm::raw_svector_ostream stream(code);
  const auto generate = [&](llvm::legacy::PassManager& passes) {
    const bool failed =
        machine.addPassesToEmitFile(passes, stream, nullptr, type, /*DisableVerify=*/!verifies());
    SINTER_CHECK(!failed, machine.getTargetCPU().str());
    passes.run(module);
  };
  if (machine.getTargetTriple().isX86()) {
    LeanPassManager passes;
    generate(passes);
  } else {
    llvm::legacy::PassManager passes;
    generate(passes);
  }
  return {code.data(), code.size()};
}

}  // namespace sinter::codegen
