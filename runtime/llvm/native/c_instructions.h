// Functions of LLVM's IR as functions of C: blocks become labels, values variables.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <map>
#include <set>
#include <string>

#include "runtime/llvm/native/c_types.h"

namespace sinter::codegen {

/// What functions and constants of a module are called.
class CNames {
 public:
  std::string of(const llvm::GlobalValue& value);

 private:
  std::map<const llvm::GlobalValue*, std::string> names_;
  std::set<std::string> taken_;
};

class CFunction {
 public:
  CFunction(CTypes& types, CNames& names, const llvm::Function& function)
      : types_(types), names_(names), function_(function) {}
  /// The definition, behind `head`.
  std::string text(const std::string& head);

 private:
  std::string value(const llvm::Value* v);
  std::string variable(const llvm::Value* v);
  bool is_local(const llvm::Instruction& instruction) const;
  std::string block_name(const llvm::BasicBlock* block);
  std::string block(const llvm::BasicBlock& source);
  std::string branch(const llvm::BasicBlock& from, const llvm::BasicBlock* to);

  /// The right side of an assignment, or a statement without its semicolon.
  std::string instruction(const llvm::Instruction& source);
  std::string binary(const llvm::Instruction& source);
  std::string compare(const llvm::CmpInst& source);
  std::string select(const llvm::SelectInst& source);
  std::string cast(const llvm::CastInst& source);
  std::string address(const llvm::User& source);
  std::string call(const llvm::CallInst& source);
  std::string intrinsic(const llvm::IntrinsicInst& source);
  std::string arithmetic_intrinsic(const llvm::IntrinsicInst& source);
  std::string memory_intrinsic(const llvm::IntrinsicInst& source);
  std::string saturated(const llvm::IntrinsicInst& source);
  std::string load(llvm::Type* type, const llvm::Value* from);
  std::string store(llvm::Type* type, const std::string& what, const llvm::Value* to);
  /// function(operands of `source`)
  std::string applied(const std::string& function, const llvm::User& source, unsigned count);

  CTypes& types_;
  CNames& names_;
  const llvm::Function& function_;
  std::map<const llvm::Value*, unsigned> numbers_;
  std::map<const llvm::BasicBlock*, unsigned> blocks_;
};

}  // namespace sinter::codegen
