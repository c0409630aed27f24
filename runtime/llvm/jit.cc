#include "runtime/llvm/jit.h"

#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "runtime/llvm/emit.h"

namespace sinter::codegen {
namespace {

namespace orc = llvm::orc;

template <typename T>
T take(llvm::Expected<T> value, const char* what) {
  if (!value) raise_internal(what, llvm::toString(value.takeError()));
  return std::move(*value);
}

void check(llvm::Error error, const char* what) {
  if (error) raise_internal(what, llvm::toString(std::move(error)));
}

void initialize() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

orc::JITTargetMachineBuilder machine_builder() {
  initialize();
  const char* asked = std::getenv("SINTER_CPU");
  orc::JITTargetMachineBuilder builder =
      asked == nullptr || *asked == 0
          ? take(orc::JITTargetMachineBuilder::detectHost(), "detecting the CPU")
          : orc::JITTargetMachineBuilder(llvm::Triple(llvm::sys::getProcessTriple()));
  if (asked != nullptr && *asked != 0) builder.setCPU(asked);
  builder.setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
  builder.setRelocationModel(llvm::Reloc::PIC_);
  builder.setCodeModel(llvm::CodeModel::Small);
  return builder;
}

Cpu detect() {
  orc::JITTargetMachineBuilder builder = machine_builder();
  const std::unique_ptr<llvm::TargetMachine> machine =
      take(builder.createTargetMachine(), "creating the code generator");
  const llvm::MCSubtargetInfo* features = machine->getMCSubtargetInfo();
  if (!features->isCPUStringValid(builder.getCPU()))
    throw Error(
        fmt::format("SINTER_CPU: LLVM knows no CPU '{}'; try x86-64, x86-64-v3 or x86-64-v4",
                    builder.getCPU()));
  Cpu cpu;
  cpu.name = builder.getCPU();
  cpu.features = builder.getFeatures().getString();
  cpu.vector_bytes = features->checkFeatures("+avx512f,+avx512bw,+avx512dq,+avx512vl") ? 64
                     : features->checkFeatures("+avx2")                                ? 32
                                                                                       : 16;
  cpu.has_fma = features->checkFeatures("+fma");
  cpu.has_round = features->checkFeatures("+sse4.1");
  return cpu;
}

// Emits a module for this process's CPU and hands it over.
void with_module(const Cpu& cpu, const std::function<void(Emitter&)>& fill,
                 const std::function<void(llvm::Module&, llvm::TargetMachine&)>& use) {
  llvm::LLVMContext context;
  llvm::Module module("sinter", context);
  const std::unique_ptr<llvm::TargetMachine> machine =
      take(machine_builder().createTargetMachine(), "creating the code generator");
  module.setTargetTriple(machine->getTargetTriple().str());
  module.setDataLayout(machine->createDataLayout());
  Emitter emitter(module, cpu);
  fill(emitter);
  std::string fault;
  llvm::raw_string_ostream stream(fault);
  if (llvm::verifyModule(module, &stream)) raise_internal("legal IR", stream.str());
  use(module, *machine);
}

// Never destroyed: kernels may outlive every static object.
orc::LLJIT& engine() {
  static orc::LLJIT* jit = [] {
    orc::LLJITBuilder builder;
    builder.setJITTargetMachineBuilder(machine_builder());
    builder.setObjectLinkingLayerCreator([](orc::ExecutionSession& session, const llvm::Triple&) {
      return std::make_unique<orc::ObjectLinkingLayer>(session);
    });
    return take(builder.create(), "creating the JIT").release();
  }();
  return *jit;
}

}  // namespace

const Cpu& host_cpu() {
  static const Cpu cpu = detect();
  return cpu;
}

namespace {

std::string compile_object(const Cpu& cpu, const std::function<void(Emitter&)>& fill) {
  llvm::SmallVector<char, 0> bytes;
  with_module(cpu, fill, [&](llvm::Module& module, llvm::TargetMachine& machine) {
    llvm::raw_svector_ostream stream(bytes);
    llvm::legacy::PassManager passes;
    const bool failed =
        machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile);
    SINTER_CHECK(!failed, cpu.name);
    passes.run(module);
  });
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::vector<std::string> compile_objects(const Cpu& cpu,
                                         std::span<const std::function<void(Emitter&)>> fills) {
  std::vector<std::string> objects(fills.size());
  std::vector<std::exception_ptr> failures(fills.size());
  const auto compile = [&](size_t i) {
    try {
      objects[i] = compile_object(cpu, fills[i]);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < fills.size(); ++i) others.emplace_back(compile, i);
  if (!fills.empty()) compile(0);
  for (std::thread& t : others) t.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return objects;
}

std::string module_text(const Cpu& cpu, const std::function<void(Emitter&)>& fill) {
  std::string text;
  with_module(cpu, fill, [&](llvm::Module& module, llvm::TargetMachine&) {
    llvm::raw_string_ostream stream(text);
    module.print(stream, nullptr);
  });
  return text;
}

struct LoadedCode::Library {
  orc::JITDylib* dylib = nullptr;
};

LoadedCode::LoadedCode(std::span<const std::string> objects)
    : library_(std::make_unique<Library>()) {
  static std::atomic<int> count{0};
  orc::LLJIT& jit = engine();
  library_->dylib = &jit.getExecutionSession().createBareJITDylib(fmt::format("sinter{}", count++));
  const char prefix = jit.getDataLayout().getGlobalPrefix();
  library_->dylib->addGenerator(
      take(orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(prefix),
           "finding the symbols of this process"));
  for (const std::string& object : objects) {
    check(jit.addObjectFile(*library_->dylib,
                            llvm::MemoryBuffer::getMemBufferCopy(
                                object, fmt::format("kernels{}", &object - objects.data()))),
          "adding object code");
  }
}

LoadedCode::~LoadedCode() {
  if (library_->dylib != nullptr)
    llvm::consumeError(engine().getExecutionSession().removeJITDylib(*library_->dylib));
}

void* LoadedCode::find(const std::string& symbol) const {
  return take(engine().lookup(*library_->dylib, symbol), "looking up a kernel").toPtr<void*>();
}

}  // namespace sinter::codegen
