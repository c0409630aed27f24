#include "runtime/llvm/native/emit.h"

#include <fmt/format.h>
#include <llvm/IR/IRBuilder.h>

#include <algorithm>
#include <optional>
#include <set>

#include "core/error.h"
#include "runtime/llvm/jit/machine.h"
#include "runtime/llvm/native/c_source.h"
#include "runtime/llvm/native/emit_dispatch.h"
#include "runtime/llvm/native/emit_kernel.h"

namespace sinter::codegen {
namespace {

using Base = NativeAddress::Base;
using Linkage = llvm::GlobalValue::LinkageTypes;

// What exported functions return.
constexpr uint32_t kNoMemory = 1, kNotAligned = 2;
constexpr uint64_t kAlignment = 64;

class NativeEmitter {
 public:
  NativeEmitter(llvm::Module& module, const NativeModule& source)
      : module_(module), source_(source), ir_(module.getContext()) {}

  void emit() {
    std::vector<std::vector<llvm::Function*>> made;  // by function, then variant
    made.resize(source_.variants.front().functions.size());
    for (size_t v = 0; v < source_.variants.size(); ++v) {
      const std::vector<llvm::Function*> functions = emit_variant(source_.variants[v], v);
      for (size_t f = 0; f < functions.size(); ++f) made[f].push_back(functions[f]);
    }
    for (size_t f = 0; f < made.size(); ++f) {
      const std::string& name = source_.variants.front().functions[f].name;
      if (made[f].size() == 1) {
        made[f][0]->setLinkage(Linkage::ExternalLinkage);
        made[f][0]->setName(name);
      } else {
        std::vector<std::string> cpus;
        for (const NativeVariant& variant : source_.variants) cpus.push_back(variant.cpu.name);
        emit_dispatch(module_, name, made[f], cpus);
      }
    }
    for (const NativeInitializer& initializer : source_.initializers) emit_initializer(initializer);
    for (const NativeText& text : source_.texts) emit_text(text);
    for (const NativeSize& size : source_.sizes)
      emit_query(size.function, size_type(),
                 llvm::ConstantInt::get(size_type(), static_cast<uint64_t>(size.value)));
  }

 private:
  llvm::Type* size_type() { return module_.getDataLayout().getIntPtrType(module_.getContext()); }

  std::vector<llvm::Function*> emit_variant(const NativeVariant& variant, size_t number) {
    const Cpu cpu = llvm_cpu(variant.cpu);
    const std::string suffix = source_.variants.size() == 1 ? "" : fmt::format("_{}", number);
    std::vector<EmittedKernel> kernels;
    for (const KernelPlan* plan : variant.kernels) {
      kernels.push_back(
          emit_kernel(module_, cpu, *plan,
                      fmt::format("{}_kernel{}{}_", source_.name, kernels.size(), suffix)));
    }
    std::vector<llvm::Function*> functions;
    for (const NativeFunction& function : variant.functions)
      functions.push_back(emit_function(cpu, function, kernels, suffix));
    return functions;
  }

  llvm::Function* begin(const std::string& name, llvm::FunctionType* type, const Cpu* cpu) {
    llvm::Function* f = llvm::Function::Create(type, Linkage::InternalLinkage, name, module_);
    f->addFnAttr(llvm::Attribute::NoUnwind);
    // The ABI of RISC-V asks for it.
    if (type->getReturnType()->isIntegerTy(32)) f->addRetAttr(llvm::Attribute::SExt);
    if (cpu != nullptr) {
      f->addFnAttr("target-cpu", cpu->name);
      if (!cpu->features.empty()) f->addFnAttr("target-features", cpu->features);
    }
    ir_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", f));
    return f;
  }

  // int name(ptr argument, ..., ptr workspace[, ptr parallel_for, ptr pool])
  llvm::Function* emit_function(const Cpu& cpu, const NativeFunction& function,
                                const std::vector<EmittedKernel>& kernels,
                                const std::string& suffix) {
    const std::vector<llvm::Type*> parameters(
        static_cast<size_t>(function.arguments) + (function.workers > 1 ? 3 : 1), ir_.getPtrTy());
    workspace_ = static_cast<unsigned>(function.arguments);
    llvm::Function* f = begin(function.name + suffix + "_body",
                              llvm::FunctionType::get(ir_.getInt32Ty(), parameters, false), &cpu);
    for (int a = 0; a < function.arguments; ++a)
      refuse(ir_.CreateIsNull(f->getArg(static_cast<unsigned>(a))), kNoMemory);
    if (function.has_state) refuse(is_unaligned(f->getArg(0)), kNotAligned);
    if (function.workspace_bytes > 0) {
      llvm::Value* workspace = f->getArg(workspace_);
      refuse(ir_.CreateIsNull(workspace), kNoMemory);
      refuse(is_unaligned(workspace), kNotAligned);
    }
    size_t slots = 1;
    for (const NativeCall& call : function.calls) slots = std::max(slots, call.buffers.size());
    llvm::Value* table =
        ir_.CreateAlloca(llvm::ArrayType::get(ir_.getPtrTy(), slots), nullptr, "buffers");
    loop(function.micro_batches, [&](llvm::Value* batch) {
      for (const NativeCall& call : function.calls)
        emit_call(*f, function, kernels[call.kernel], call, table, batch);
      for (const NativeCopy& copy : function.copies) {
        ir_.CreateMemMove(address(*f, copy.to, batch), llvm::MaybeAlign(),
                          address(*f, copy.from, batch), llvm::MaybeAlign(),
                          static_cast<uint64_t>(copy.bytes));
      }
    });
    ir_.CreateRet(ir_.getInt32(0));
    return f;
  }

  llvm::Value* is_unaligned(llvm::Value* pointer) {
    llvm::Value* low =
        ir_.CreateAnd(ir_.CreatePtrToInt(pointer, ir_.getInt64Ty()), ir_.getInt64(kAlignment - 1));
    return ir_.CreateICmpNE(low, ir_.getInt64(0));
  }

  void emit_initializer(const NativeInitializer& source) {
    llvm::Function* f =
        begin(source.function,
              llvm::FunctionType::get(ir_.getInt32Ty(), {ir_.getPtrTy(), ir_.getInt64Ty()}, false),
              nullptr);
    f->setLinkage(Linkage::ExternalLinkage);
    llvm::Value *state = f->getArg(0), *seed = f->getArg(1);
    refuse(ir_.CreateIsNull(state), kNoMemory);
    refuse(is_unaligned(state), kNotAligned);
    const auto place = [&](int64_t offset) {
      return ir_.CreateConstGEP1_64(ir_.getInt8Ty(), state, static_cast<uint64_t>(offset));
    };
    for (const NativeInitializer::Part& part : source.parts) {
      const auto bytes = static_cast<uint64_t>(source_.constants[part.constant].bytes());
      ir_.CreateMemCpy(place(part.offset), llvm::MaybeAlign(kAlignment), constant(part.constant),
                       llvm::MaybeAlign(kAlignment), bytes);
    }
    if (source.random_state >= 0) {
      llvm::Value* known = place(source.random_state);
      llvm::Value* is_given = ir_.CreateICmpNE(seed, ir_.getInt64(0));
      llvm::Value* own = ir_.CreateLoad(ir_.getInt64Ty(), known);
      ir_.CreateStore(ir_.CreateSelect(is_given, seed, own), known);
      llvm::Value* step = place(source.random_state + 8);
      ir_.CreateStore(
          ir_.CreateSelect(is_given, ir_.getInt64(0), ir_.CreateLoad(ir_.getInt64Ty(), step)),
          step);
    }
    ir_.CreateRet(ir_.getInt32(0));
  }

  void refuse(llvm::Value* wrong, uint32_t code) {
    llvm::Function* f = ir_.GetInsertBlock()->getParent();
    auto* leave = llvm::BasicBlock::Create(module_.getContext(), "refused", f);
    auto* go_on = llvm::BasicBlock::Create(module_.getContext(), "checked", f);
    ir_.CreateCondBr(wrong, leave, go_on);
    ir_.SetInsertPoint(leave);
    ir_.CreateRet(ir_.getInt32(code));
    ir_.SetInsertPoint(go_on);
  }

  void emit_call(llvm::Function& f, const NativeFunction& function, const EmittedKernel& kernel,
                 const NativeCall& call, llvm::Value* table, llvm::Value* batch) {
    for (size_t b = 0; b < call.buffers.size(); ++b) {
      if (kernel.loaded && !kernel.loaded->contains(b)) continue;
      ir_.CreateStore(address(f, call.buffers[b], batch),
                      ir_.CreateConstGEP1_64(ir_.getPtrTy(), table, b));
    }
    for (size_t p = 0; p < kernel.phases.size(); ++p) {
      const auto alone = [&] {
        loop(kernel.pieces[p], [&](llvm::Value* piece) {
          ir_.CreateCall(kernel.phases[p], {piece, table});
        });
      };
      if (function.workers == 1 || kernel.pieces[p] == 1) {
        alone();
        continue;
      }
      llvm::Value* parallel_for = f.getArg(workspace_ + 1);
      auto* together = llvm::BasicBlock::Create(module_.getContext(), "together", &f);
      auto* by_itself = llvm::BasicBlock::Create(module_.getContext(), "alone", &f);
      auto* after = llvm::BasicBlock::Create(module_.getContext(), "done", &f);
      ir_.CreateCondBr(ir_.CreateIsNull(parallel_for), by_itself, together);
      ir_.SetInsertPoint(by_itself);
      alone();
      ir_.CreateBr(after);
      ir_.SetInsertPoint(together);
      llvm::Function* body = piece_body(f, function, kernel, p, call.buffers.size());
      auto* type = llvm::FunctionType::get(
          ir_.getVoidTy(), {ir_.getPtrTy(), ir_.getInt64Ty(), ir_.getPtrTy(), ir_.getPtrTy()},
          false);
      ir_.CreateCall(type, parallel_for,
                     {f.getArg(workspace_ + 2),
                      ir_.getInt64(static_cast<uint64_t>(kernel.pieces[p])), body, table});
      ir_.CreateBr(after);
      ir_.SetInsertPoint(after);
    }
  }

  // void body(ptr table, i64 piece, i32 worker): a piece of a phase, by one of several threads,
  // whose workspaces lie one behind the other.
  llvm::Function* piece_body(const llvm::Function& caller, const NativeFunction& function,
                             const EmittedKernel& kernel, size_t phase, size_t slots) {
    const std::string name = fmt::format("{}_piece_of_{}", caller.getName().str(),
                                         kernel.phases[phase]->getName().str());
    if (llvm::Function* known = module_.getFunction(name)) return known;
    const llvm::IRBuilderBase::InsertPointGuard guard(ir_);
    llvm::Function* f =
        begin(name,
              llvm::FunctionType::get(ir_.getVoidTy(),
                                      {ir_.getPtrTy(), ir_.getInt64Ty(), ir_.getInt32Ty()}, false),
              nullptr);
    f->addFnAttrs(llvm::AttrBuilder(module_.getContext(), caller.getAttributes().getFnAttrs()));
    llvm::Value* table = f->getArg(0);
    const size_t last = slots - 1;
    const auto is_used = [&](size_t slot) {
      return !kernel.loaded || kernel.loaded->contains(slot);
    };
    if (is_used(last) && function.worker_step > 0) {
      const auto slot = [&](llvm::Value* of, size_t b) {
        return ir_.CreateConstGEP1_64(ir_.getPtrTy(), of, b);
      };
      llvm::Value* own =
          ir_.CreateAlloca(llvm::ArrayType::get(ir_.getPtrTy(), slots), nullptr, "buffers");
      for (size_t b = 0; b < slots; ++b) {
        if (!is_used(b)) continue;
        llvm::Value* value = ir_.CreateLoad(ir_.getPtrTy(), slot(table, b));
        if (b == last) {
          llvm::Value* steps =
              ir_.CreateMul(ir_.CreateSExt(f->getArg(2), ir_.getInt64Ty()),
                            ir_.getInt64(static_cast<uint64_t>(function.worker_step)));
          value = ir_.CreateGEP(ir_.getInt8Ty(), value, steps);
        }
        ir_.CreateStore(value, slot(own, b));
      }
      table = own;
    }
    ir_.CreateCall(kernel.phases[phase], {f->getArg(1), table});
    ir_.CreateRetVoid();
    return f;
  }

  // body(i) for i from 0 to count - 1.
  void loop(int64_t count, const std::function<void(llvm::Value*)>& body) {
    if (count == 1) return body(ir_.getInt64(0));
    if (count <= 0) return;
    llvm::Function* f = ir_.GetInsertBlock()->getParent();
    llvm::BasicBlock* before = ir_.GetInsertBlock();
    auto* head = llvm::BasicBlock::Create(module_.getContext(), "loop", f);
    auto* after = llvm::BasicBlock::Create(module_.getContext(), "after", f);
    ir_.CreateBr(head);
    ir_.SetInsertPoint(head);
    llvm::PHINode* i = ir_.CreatePHI(ir_.getInt64Ty(), 2);
    i->addIncoming(ir_.getInt64(0), before);
    body(i);
    llvm::Value* next = ir_.CreateAdd(i, ir_.getInt64(1));
    i->addIncoming(next, ir_.GetInsertBlock());
    ir_.CreateCondBr(ir_.CreateICmpULT(next, ir_.getInt64(static_cast<uint64_t>(count))), head,
                     after);
    ir_.SetInsertPoint(after);
  }

  llvm::Value* address(llvm::Function& f, const NativeAddress& a, llvm::Value* batch) {
    llvm::Value* base = nullptr;
    switch (a.base) {
      case Base::kNull: return llvm::ConstantPointerNull::get(ir_.getPtrTy());
      case Base::kArgument: base = f.getArg(static_cast<unsigned>(a.index)); break;
      case Base::kWorkspace: base = f.getArg(workspace_); break;
      case Base::kConstant: base = constant(static_cast<size_t>(a.index)); break;
    }
    if (a.offset != 0)
      base = ir_.CreateConstGEP1_64(ir_.getInt8Ty(), base, static_cast<uint64_t>(a.offset));
    if (a.step == 0) return base;
    return ir_.CreateGEP(ir_.getInt8Ty(), base,
                         ir_.CreateMul(batch, ir_.getInt64(static_cast<uint64_t>(a.step))));
  }

  llvm::Constant* constant(size_t index) {
    constants_.resize(source_.constants.size());
    llvm::GlobalVariable*& known = constants_[index];
    if (known != nullptr) return known;
    const Tensor& value = source_.constants[index];
    const auto bytes = static_cast<size_t>(value.bytes());
    known =
        add_constant(llvm::ConstantDataArray::getRaw({static_cast<const char*>(value.raw()), bytes},
                                                     bytes, ir_.getInt8Ty()),
                     fmt::format("{}_constant{}", source_.name, index));
    known->setAlignment(llvm::Align(kAlignment));
    return known;
  }

  llvm::GlobalVariable* add_constant(llvm::Constant* value, const std::string& name) {
    auto* global = new llvm::GlobalVariable(module_, value->getType(), /*isConstant=*/true,
                                            Linkage::InternalLinkage, value, name);
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  void emit_query(const std::string& name, llvm::Type* type, llvm::Value* result) {
    llvm::Function* f = begin(name, llvm::FunctionType::get(type, false), nullptr);
    f->setLinkage(Linkage::ExternalLinkage);
    ir_.CreateRet(result);
  }

  void emit_text(const NativeText& text) {
    emit_query(text.function, ir_.getPtrTy(),
               add_constant(llvm::ConstantDataArray::getString(module_.getContext(), text.text),
                            text.function + "_text"));
  }

  llvm::Module& module_;
  const NativeModule& source_;
  llvm::IRBuilder<> ir_;
  std::vector<llvm::GlobalVariable*> constants_;
  unsigned workspace_ = 0;  // which argument of the function at hand it is
};

}  // namespace

std::string emit_native(const NativeModule& source, NativeOutput output) {
  // Each function says for which CPU it is; what says nothing runs on all of its kind.
  const Cpu& last = source.variants.back().cpu;
  const std::unique_ptr<llvm::TargetMachine> machine =
      target_machine(last.triple.empty() ? Cpu{.name = "x86-64", .features = ""} : last,
                     /*is_jit=*/false);
  llvm::LLVMContext context;
  llvm::Module module(source.name, context);
  module.setTargetTriple(machine->getTargetTriple().str());
  module.setDataLayout(machine->createDataLayout());
  if (machine->isPositionIndependent()) module.setPICLevel(llvm::PICLevel::BigPIC);
  if (!last.abi.empty()) {
    module.addModuleFlag(llvm::Module::Error, "target-abi", llvm::MDString::get(context, last.abi));
  }
  NativeEmitter(module, source).emit();
  if (output == NativeOutput::kC) return c_source(module);
  if (output == NativeOutput::kIr) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream, nullptr);
    return text;
  }
  return generate_code(*machine, module,
                       output == NativeOutput::kAssembly ? llvm::CodeGenFileType::AssemblyFile
                                                         : llvm::CodeGenFileType::ObjectFile);
}

}  // namespace sinter::codegen
