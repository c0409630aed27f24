#include "runtime/llvm/jit/debug_info.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>

#include <algorithm>
#include <functional>
#include <map>

#include "runtime/llvm/jit/kernel_debug.h"
#include "runtime/llvm/jit/plan_lines.h"

namespace sinter::codegen {
namespace {

using LinesOfPlan = std::map<const llvm::Instruction*, unsigned>;

LinesOfPlan take_lines(llvm::Module& module, const std::string& text) {
  const PlanLines lines(text);
  LinesOfPlan result;
  for (llvm::Function& function : module) {
    for (llvm::BasicBlock& block : function) {
      for (llvm::Instruction& instruction : block) {
        if (const llvm::DebugLoc& at = instruction.getDebugLoc()) {
          const int32_t line = lines.number(static_cast<int32_t>(at.getLine()));
          if (line > 0) result[&instruction] = static_cast<unsigned>(line);
        }
        instruction.setDebugLoc(llvm::DebugLoc());
      }
    }
  }
  llvm::StripDebugInfo(module);
  return result;
}

class DebugInfo {
 public:
  DebugInfo(llvm::Module& module, const KernelPlan& plan)
      : module_(module),
        debug_(plan.debug),
        builder_(module),
        lines_(take_lines(module, plan.text())) {
    plan_file_ = builder_.createFile(debug_.listing, "");
    builder_.createCompileUnit(llvm::dwarf::DW_LANG_C, plan_file_, "sinter", true, "", 0);
    module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
    module.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 4);
    type_ = builder_.createSubroutineType(builder_.getOrCreateTypeArray({}));
    plan_ = function_of("loops_of_" + debug_.name, plan_file_, 1);
  }

  // A function that computes what lines of the user say.
  void add_kernel(llvm::Function& function, const std::string& name) {
    if (debug_.lines.empty()) return add_part(function, name);
    llvm::DIFile* file = builder_.createFile(debug_.lines[0].file, "");
    const auto line = static_cast<unsigned>(debug_.lines[0].line);
    llvm::DISubprogram* scope = function_of(name, file, line);
    function.setSubprogram(scope);
    llvm::DILocation* call = llvm::DILocation::getDistinct(context(), line, 0, scope);
    for_instructions(function, [&](unsigned of_plan) {
      return of_plan == 0 ? llvm::DILocation::get(context(), 0, 0, scope)
                          : llvm::DILocation::get(context(), of_plan, 0, plan_, call);
    });
    add_stops(function, scope);
  }

  // One that those call, or that packs: breakpoints on lines of the user do not stop there.
  void add_part(llvm::Function& function, const std::string& name) {
    llvm::DISubprogram* scope = function_of(name, plan_file_, 1);
    function.setSubprogram(scope);
    for_instructions(function, [&](unsigned of_plan) {
      return llvm::DILocation::get(context(), of_plan, 0, scope);
    });
  }

  void finish() { builder_.finalize(); }

 private:
  llvm::LLVMContext& context() { return module_.getContext(); }

  void for_instructions(llvm::Function& function,
                        const std::function<llvm::DILocation*(unsigned line)>& place) {
    for (llvm::BasicBlock& block : function) {
      for (llvm::Instruction& instruction : block) {
        const auto of_plan = lines_.find(&instruction);
        instruction.setDebugLoc(place(of_plan == lines_.end() ? 0 : of_plan->second));
      }
    }
  }

  // Without the name of the symbol, which gdb would show instead.
  llvm::DISubprogram* function_of(const std::string& name, llvm::DIFile* file, unsigned line) {
    return builder_.createFunction(
        file, name, "", file, line, type_, line, llvm::DINode::FlagPrototyped,
        llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
  }

  // No operation, but the compiler keeps it, and the line with it.
  void add_stops(llvm::Function& function, llvm::DISubprogram* scope) {
    llvm::IRBuilder<> ir(&*function.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
    llvm::InlineAsm* nothing = llvm::InlineAsm::get(llvm::FunctionType::get(ir.getVoidTy(), false),
                                                    "nop", "", /*hasSideEffects=*/true);
    for (const SourceLine& line : debug_.lines) {
      llvm::DIScope* at = scope;
      if (line.file != debug_.lines[0].file)
        at = builder_.createLexicalBlockFile(scope, builder_.createFile(line.file, ""));
      ir.SetCurrentDebugLocation(
          llvm::DILocation::get(context(), static_cast<unsigned>(line.line), 0, at));
      ir.CreateCall(nothing);
    }
  }

  llvm::Module& module_;
  const KernelDebug& debug_;
  llvm::DIBuilder builder_;
  const LinesOfPlan lines_;
  llvm::DIFile* plan_file_ = nullptr;
  llvm::DISubroutineType* type_ = nullptr;
  llvm::DISubprogram* plan_ = nullptr;
};

}  // namespace

void add_debug_info(llvm::Module& module, const KernelPlan& plan,
                    const std::vector<std::string>& functions) {
  DebugInfo info(module, plan);
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    const auto found = std::ranges::find(functions, function.getName().str());
    const auto number = static_cast<size_t>(found - functions.begin());
    if (number < plan.pieces.size())
      info.add_kernel(function,
                      plan.debug.name + (number == 0 ? "" : "_phase" + std::to_string(number)));
    else if (found != functions.end())
      info.add_part(function, plan.debug.name + "_prepare");
    else
      info.add_part(function, plan.debug.name + "_" + as_name(function.getName().str()));
  }
  info.finish();
}

}  // namespace sinter::codegen
