#include "runtime/llvm/jit/jit.h"

#include <fmt/format.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Pass.h>
#include <llvm/PassRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <cstdlib>
#include <mutex>

#include "core/error.h"
#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/loops/emit.h"
#include "runtime/llvm/matmul/emit.h"
#include "runtime/llvm/winograd/emit.h"
#include "runtime/llvm/winograd/gradient_emit.h"

namespace sinter::codegen {
namespace {

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

// The CPU as LLVM names it.
Cpu llvm_cpu(const Cpu& cpu) {
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

// Leaves out two passes that took a fifth of the compile time and changed no kernel's time by more
// than half a percent: addresses are written as they should be, and the CPUs reorder on their own.
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

// Emits the functions of a plan and keeps their names.
class FunctionEmitter final : public PlanEmitter {
 public:
  explicit FunctionEmitter(Emitter& emitter) : e_(emitter) {}
  std::vector<std::string> names;

  void loops(const LoopProgram& program) override {
    for (const LoopPhase& phase : program.phases) emit_phase(e_, program, phase, next());
  }
  void matmul(const MatmulRegion& region, const MatmulPlan& plan) override {
    for (MatmulPhase phase : matmul_phases(plan, region))
      emit_matmul(e_, plan, region, phase, next());
    if (matmul_prepared_bytes(plan) > 0) emit_matmul_prepare(e_, plan, region, next());
  }
  void winograd(const MatmulRegion& region, const WinogradPlan& plan) override {
    if (!plan.prepares) emit_winograd(e_, plan, region, WinogradPhase::kKernel, next());
    emit_winograd(e_, plan, region, WinogradPhase::kCompute, next());
    if (region.sum_count() > 0) emit_winograd(e_, plan, region, WinogradPhase::kAddSums, next());
    if (plan.prepares) emit_winograd(e_, plan, region, WinogradPhase::kPrepare, next());
  }
  void winograd_gradient(const WinogradGradientPlan& plan) override {
    emit_winograd_gradient(e_, plan, next());
    if (plan.has_partial_sums()) emit_winograd_gradient_sums(e_, plan, next());
  }

 private:
  std::string next() { return names.emplace_back(fmt::format("function{}", names.size())); }
  Emitter& e_;
};

bool verifies() {
  static const bool asked = std::getenv("SINTER_VERIFY_IR") != nullptr;
  return asked;
}

}  // namespace

struct Jit::Machine {
  Cpu cpu;
  std::unique_ptr<llvm::TargetMachine> target;
};

Jit::Jit(const Cpu& cpu) : machine_(std::make_unique<Machine>()) {
  initialize();
  machine_->cpu = llvm_cpu(cpu);
  const std::string triple = llvm::sys::getProcessTriple();
  std::string fault;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, fault);
  if (target == nullptr) raise_internal("a target", fault);
  machine_->target.reset(target->createTargetMachine(
      triple, machine_->cpu.name, machine_->cpu.features, llvm::TargetOptions(), llvm::Reloc::PIC_,
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, /*JIT=*/true));
  SINTER_CHECK(machine_->target != nullptr, triple);
}

Jit::~Jit() = default;

std::string Jit::compile(const KernelPlan& plan) {
  llvm::TargetMachine& target = *machine_->target;
  llvm::LLVMContext context;
  llvm::Module module("sinter", context);
  module.setTargetTriple(target.getTargetTriple().str());
  module.setDataLayout(target.createDataLayout());
  Emitter emitter(module, machine_->cpu, plan.rounds_for_products);
  FunctionEmitter functions(emitter);
  plan.emit(functions);
  if (verifies()) {
    std::string fault;
    llvm::raw_string_ostream stream(fault);
    if (llvm::verifyModule(module, &stream)) raise_internal("legal IR", stream.str());
  }
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  LeanPassManager passes;
  const bool failed = target.addPassesToEmitFile(
      passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile, /*DisableVerify=*/!verifies());
  SINTER_CHECK(!failed, machine_->cpu.name);
  passes.run(module);
  return link_image({object.data(), object.size()}, functions.names);
}

}  // namespace sinter::codegen
