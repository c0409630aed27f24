#include "runtime/llvm/native/emit_dispatch.h"

#include <llvm/IR/GlobalIFunc.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>

#include <array>

#include "core/error.h"

namespace sinter::codegen {
namespace {

// What each level asks of CPUID and of the system (x86-64 psABI, "Micro-Architecture Levels"), in
// the order in which LevelTest asks.
struct Level {
  std::string_view name;
  uint32_t leaf1_c, extended_c, leaf7_b, saved;
};
// Leaf 1: SSE3 0, SSSE3 9, FMA 12, CX16 13, SSE4.1 19, SSE4.2 20, MOVBE 22, POPCNT 23, OSXSAVE 27,
// AVX 28, F16C 29. Leaf 0x80000001: LAHF 0, LZCNT 5. Leaf 7: BMI1 3, AVX2 5, BMI2 8, AVX512F 16, DQ
// 17, CD 28, BW 30, VL 31. Saved: XMM 1, YMM 2, AVX-512's 5 to 7.
constexpr uint32_t kLeaf1 = 1u | 1u << 9 | 1u << 12 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 22 |
                            1u << 23 | 1u << 27 | 1u << 28 | 1u << 29;
constexpr uint32_t kLeaf7 = 1u << 3 | 1u << 5 | 1u << 8;
constexpr std::array kLevels = {
    Level{"x86-64-v3", kLeaf1, 1u | 1u << 5, kLeaf7, 0x06},
    Level{"x86-64-v4", kLeaf1, 1u | 1u << 5,
          kLeaf7 | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31, 0xe6},
};

// Writes a function that tells whether this CPU has all of a level.
class LevelTest {
 public:
  explicit LevelTest(llvm::Module& module) : module_(module), ir_(module.getContext()) {}

  llvm::Function* write(const std::string& name, const Level& level) {
    llvm::Function* f = llvm::Function::Create(llvm::FunctionType::get(ir_.getInt1Ty(), false),
                                               llvm::GlobalValue::InternalLinkage, name, module_);
    f->addFnAttr(llvm::Attribute::NoUnwind);
    auto* entry = llvm::BasicBlock::Create(module_.getContext(), "entry", f);
    no_ = llvm::BasicBlock::Create(module_.getContext(), "no", f);
    ir_.SetInsertPoint(no_);
    ir_.CreateRet(ir_.getFalse());
    ir_.SetInsertPoint(entry);
    go_on_if(ir_.CreateICmpUGE(cpuid(0, kA), ir_.getInt32(7)));
    go_on_if(ir_.CreateICmpUGE(cpuid(0x80000000u, kA), ir_.getInt32(0x80000001u)));
    require(cpuid(1, kC), level.leaf1_c);  // before XGETBV, which needs OSXSAVE
    require(cpuid(0x80000001u, kC), level.extended_c);
    require(cpuid(7, kB), level.leaf7_b);
    require(saved_registers(), level.saved);
    ir_.CreateRet(ir_.getTrue());
    return f;
  }

 private:
  static constexpr unsigned kA = 0, kB = 1, kC = 2;

  llvm::Value* cpuid(uint32_t leaf, unsigned which) {
    llvm::Type* word = ir_.getInt32Ty();
    auto* words = llvm::StructType::get(word, word, word, word);
    auto* type = llvm::FunctionType::get(words, {word, word}, false);
    llvm::InlineAsm* code = llvm::InlineAsm::get(
        type, "cpuid", "={ax},={bx},={cx},={dx},0,2,~{dirflag},~{fpsr},~{flags}",
        /*hasSideEffects=*/true);
    return ir_.CreateExtractValue(ir_.CreateCall(type, code, {ir_.getInt32(leaf), ir_.getInt32(0)}),
                                  which);
  }

  llvm::Value* saved_registers() {
    llvm::Type* word = ir_.getInt32Ty();
    auto* type = llvm::FunctionType::get(llvm::StructType::get(word, word), {word}, false);
    llvm::InlineAsm* code =
        llvm::InlineAsm::get(type, "xgetbv", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}",
                             /*hasSideEffects=*/true);
    return ir_.CreateExtractValue(ir_.CreateCall(type, code, {ir_.getInt32(0)}), 0);
  }

  void require(llvm::Value* word, uint32_t bits) {
    go_on_if(ir_.CreateICmpEQ(ir_.CreateAnd(word, ir_.getInt32(bits)), ir_.getInt32(bits)));
  }

  void go_on_if(llvm::Value* condition) {
    llvm::Function* f = ir_.GetInsertBlock()->getParent();
    auto* next = llvm::BasicBlock::Create(module_.getContext(), "has", f);
    ir_.CreateCondBr(condition, next, no_);
    ir_.SetInsertPoint(next);
  }

  llvm::Module& module_;
  llvm::IRBuilder<> ir_;
  llvm::BasicBlock* no_ = nullptr;
};

llvm::Function* level_test(llvm::Module& module, std::string_view cpu) {
  const std::string name = "has_" + std::string(cpu);
  if (llvm::Function* known = module.getFunction(name)) return known;
  for (const Level& level : kLevels) {
    if (level.name == cpu) return LevelTest(module).write(name, level);
  }
  raise_internal("a level that can be asked for", std::string(cpu));
}

}  // namespace

void emit_dispatch(llvm::Module& module, const std::string& name,
                   std::span<llvm::Function* const> versions, std::span<const std::string> cpus) {
  llvm::IRBuilder<> ir(module.getContext());
  auto* resolver =
      llvm::Function::Create(llvm::FunctionType::get(ir.getPtrTy(), false),
                             llvm::GlobalValue::InternalLinkage, name + "_resolver", module);
  resolver->addFnAttr(llvm::Attribute::NoUnwind);
  ir.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "entry", resolver));
  for (size_t v = 0; v + 1 < versions.size(); ++v) {
    auto* yes = llvm::BasicBlock::Create(module.getContext(), "yes", resolver);
    auto* no = llvm::BasicBlock::Create(module.getContext(), "no", resolver);
    ir.CreateCondBr(ir.CreateCall(level_test(module, cpus[v])), yes, no);
    ir.SetInsertPoint(yes);
    ir.CreateRet(versions[v]);
    ir.SetInsertPoint(no);
  }
  ir.CreateRet(versions.back());
  llvm::GlobalIFunc::create(versions.back()->getFunctionType(), 0,
                            llvm::GlobalValue::ExternalLinkage, name, resolver, &module);
}

}  // namespace sinter::codegen
