// Lines are carried by debug locations: while IR is made, of lines of the plan; once it is printed,
// of its own. The code generator keeps them through to `.loc` directives.
#include "runtime/llvm/jit/list_code.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/AssemblyAnnotationWriter.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/Support/FormattedStream.h>

#include <charconv>
#include <map>
#include <string_view>

#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/jit/emit_plan.h"
#include "runtime/llvm/jit/machine.h"
#include "runtime/llvm/jit/plan_lines.h"

namespace sinter::codegen {
namespace {

// On which line each instruction is printed.
class LineWriter final : public llvm::AssemblyAnnotationWriter {
 public:
  std::map<const llvm::Instruction*, unsigned> lines;  // from 0
  void emitInstructionAnnot(const llvm::Instruction* instruction,
                            llvm::formatted_raw_ostream& stream) override {
    lines[instruction] = stream.getLine();
  }
};

void set_line(std::vector<int32_t>& of, size_t line, int64_t value) {
  if (of.size() <= line) of.resize(line + 1, 0);
  of[line] = static_cast<int32_t>(value);
}

// Fills `ir`, `plan_lines` and `loop_depths`. The instructions carry lines of the plan
// (Emitter::carry_lines); afterwards they carry those of the IR.
void list_ir(llvm::Module& module, KernelListing& listing) {
  const PlanLines plan_lines(listing.plan);
  std::map<const llvm::Instruction*, int32_t> of_plan;
  for (llvm::Function& function : module) {
    for (llvm::BasicBlock& block : function) {
      for (llvm::Instruction& instruction : block) {
        if (const llvm::DebugLoc& at = instruction.getDebugLoc())
          of_plan[&instruction] = plan_lines.number(static_cast<int32_t>(at.getLine()));
        instruction.setDebugLoc(llvm::DebugLoc());
      }
    }
  }
  llvm::StripDebugInfo(module);
  LineWriter writer;
  llvm::raw_string_ostream stream(listing.ir);
  module.print(stream, &writer);
  stream.flush();

  llvm::DIBuilder debug(module);
  llvm::DIFile* file = debug.createFile("kernel.ll", "");
  debug.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "sinter", true, "", 0, "",
                          llvm::DICompileUnit::DebugDirectivesOnly);
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  llvm::DISubroutineType* type = debug.createSubroutineType(debug.getOrCreateTypeArray({}));
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    llvm::DISubprogram* scope =
        debug.createFunction(file, function.getName(), function.getName(), file, 1, type, 1,
                             llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
    function.setSubprogram(scope);
    const llvm::DominatorTree dominators(function);
    const llvm::LoopInfo loops(dominators);
    for (llvm::BasicBlock& block : function) {
      for (llvm::Instruction& instruction : block) {
        const unsigned line = writer.lines[&instruction];
        set_line(listing.loop_depths, line, loops.getLoopDepth(&block));
        if (const auto plan = of_plan.find(&instruction); plan != of_plan.end())
          set_line(listing.plan_lines, line, plan->second);
        instruction.setDebugLoc(llvm::DILocation::get(module.getContext(), line + 1, 0, scope));
      }
    }
  }
  debug.finalize();
}

// Fills `assembly` and `ir_lines`.
void list_assembly(std::string_view text, KernelListing& listing) {
  int32_t line = 0;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const size_t note = row.find("\t#"); note != std::string_view::npos)
      row = row.substr(0, note);
    if (row.starts_with("\t.loc\t")) {
      // .loc FILE LINE COLUMN
      const size_t at = row.find(' ') + 1;
      std::from_chars(row.data() + at, row.data() + row.size(), line);
      continue;
    }
    const bool label = !row.empty() && row[0] != '\t' && row[0] != '#' && row.back() == ':';
    if (label && row.starts_with(".Lfunc_end")) inside = false;
    if (label && row[0] != '.') {
      inside = true;
      line = 0;
    }
    if (!inside || row.empty() || row[0] == '#' || row.starts_with("\t.")) continue;
    if (label && row[0] == '.' && !row.starts_with(".LBB")) continue;
    listing.assembly.append(row).push_back('\n');
    listing.ir_lines.push_back(label ? 0 : line);
  }
}

}  // namespace

KernelListing list_code(const Cpu& cpu, const KernelPlan& plan) {
  KernelListing listing;
  listing.plan = plan.text();
  const Cpu named = llvm_cpu(cpu);
  const std::unique_ptr<llvm::TargetMachine> target = target_machine(named, /*is_jit=*/true);
  llvm::LLVMContext context;
  llvm::Module module("sinter", context);
  module.setTargetTriple(target->getTargetTriple().str());
  module.setDataLayout(target->createDataLayout());
  Emitter emitter(module, named, plan.rounds_for_products);
  emitter.carry_lines();
  emit_plan(emitter, plan);
  list_ir(module, listing);
  list_assembly(generate_code(*target, module, llvm::CodeGenFileType::AssemblyFile), listing);
  return listing;
}

}  // namespace sinter::codegen
