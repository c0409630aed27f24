#include "runtime/llvm/native/c_instructions.h"

#include <fmt/format.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/GetElementPtrTypeIterator.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Operator.h>

#include <algorithm>

#include "core/error.h"

namespace sinter::codegen {
namespace {

// The number that is in all lanes: inserted as the first, from where all are taken; or null.
const llvm::Value* splat_of(const llvm::ShuffleVectorInst& shuffle) {
  const auto* insert = llvm::dyn_cast<llvm::InsertElementInst>(shuffle.getOperand(0));
  if (insert == nullptr || !shuffle.isZeroEltSplat()) return nullptr;
  const auto* lane = llvm::dyn_cast<llvm::ConstantInt>(insert->getOperand(2));
  return lane != nullptr && lane->isZero() ? insert->getOperand(1) : nullptr;
}

}  // namespace

std::string CNames::of(const llvm::GlobalValue& value) {
  std::string& name = names_[&value];
  if (!name.empty()) return name;
  for (const char c : value.getName())
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  const auto* function = llvm::dyn_cast<llvm::Function>(&value);
  if (function != nullptr && function->isDeclaration()) return name;  // libm's
  if (value.hasExternalLinkage()) name += "_code";
  const std::string plain = name;
  for (int i = 2; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", plain, i);
  return name;
}

// Used in the block that makes it alone, and no phi's: declared where it is made.
bool CFunction::is_local(const llvm::Instruction& instruction) const {
  if (llvm::isa<llvm::PHINode>(instruction)) return false;
  for (const llvm::User* user : instruction.users()) {
    const auto* other = llvm::cast<llvm::Instruction>(user);
    if (other->getParent() != instruction.getParent() || llvm::isa<llvm::PHINode>(other))
      return false;
  }
  return true;
}

std::string CFunction::variable(const llvm::Value* v) {
  const auto [it, added] = numbers_.try_emplace(v, numbers_.size());
  return fmt::format("v{}", it->second);
}

std::string CFunction::block_name(const llvm::BasicBlock* block) {
  return fmt::format("b{}", blocks_.try_emplace(block, blocks_.size()).first->second);
}

std::string CFunction::value(const llvm::Value* v) {
  if (const auto* function = llvm::dyn_cast<llvm::Function>(v))
    return names_.of(*function) + "_task";
  if (const auto* global = llvm::dyn_cast<llvm::GlobalVariable>(v))
    return fmt::format("(unsigned char *){}", names_.of(*global));
  if (const auto* expression = llvm::dyn_cast<llvm::ConstantExpr>(v)) return address(*expression);
  if (const auto* constant = llvm::dyn_cast<llvm::Constant>(v)) return types_.constant(constant);
  return variable(v);
}

std::string CFunction::text(const std::string& head) {
  for (const llvm::Argument& argument : function_.args()) variable(&argument);
  std::string variables, body;
  for (const llvm::BasicBlock& source : function_) body += block(source);
  for (const llvm::Argument& argument : function_.args()) {
    if (argument.use_empty()) variables += fmt::format("  (void){};\n", variable(&argument));
  }
  for (const llvm::BasicBlock& source : function_) {
    for (const llvm::Instruction& i : source) {
      const std::string name = variable(&i);
      if (const auto* room = llvm::dyn_cast<llvm::AllocaInst>(&i)) {
        const llvm::DataLayout& layout = function_.getParent()->getDataLayout();
        variables += fmt::format(
            "  _Alignas(64) unsigned char {}_room[{}];\n  unsigned char *const {} = {}_room;\n",
            name, room->getAllocationSize(layout)->getFixedValue(), name, name);
      } else if (!i.getType()->isVoidTy() && !is_local(i)) {
        variables += fmt::format("  {} {};\n", types_.name(i.getType()), name);
        if (llvm::isa<llvm::PHINode>(i))
          variables += fmt::format("  {} {}_next;\n", types_.name(i.getType()), name);
      }
    }
  }
  return head + " {\n" + variables + body + "}\n";
}

std::string CFunction::block(const llvm::BasicBlock& source) {
  std::string text = source.isEntryBlock() ? "  {\n" : fmt::format("{}: {{\n", block_name(&source));
  for (const llvm::Instruction& i : source) {
    if (llvm::isa<llvm::AllocaInst>(i)) continue;
    if (llvm::isa<llvm::PHINode>(i)) {
      text += fmt::format("    {0} = {0}_next;\n", variable(&i));
    } else if (const auto* jump = llvm::dyn_cast<llvm::BranchInst>(&i)) {
      if (jump->isConditional())
        text += fmt::format("    if ({}) {{\n{}    }}\n", value(jump->getCondition()),
                            branch(source, jump->getSuccessor(0)));
      text += branch(source, jump->getSuccessor(jump->isConditional() ? 1 : 0));
    } else if (const auto* result = llvm::dyn_cast<llvm::ReturnInst>(&i)) {
      const llvm::Value* what = result->getReturnValue();
      text += what == nullptr ? "    return;\n" : fmt::format("    return {};\n", value(what));
    } else if (const std::string right = instruction(i); !right.empty()) {
      if (i.getType()->isVoidTy() || i.use_empty())
        text += fmt::format("    {};\n", right);
      else if (is_local(i))
        text +=
            fmt::format("    {} const {} = {};\n", types_.name(i.getType()), variable(&i), right);
      else
        text += fmt::format("    {} = {};\n", variable(&i), right);
    }
  }
  return text + "  }\n";
}

std::string CFunction::branch(const llvm::BasicBlock& from, const llvm::BasicBlock* to) {
  std::string text;
  for (const llvm::PHINode& phi : to->phis())
    text += fmt::format("    {}_next = {};\n", variable(&phi),
                        value(phi.getIncomingValueForBlock(&from)));
  return text + fmt::format("    goto {};\n", block_name(to));
}

std::string CFunction::applied(const std::string& function, const llvm::User& source,
                               unsigned count) {
  std::string text = function + "(";
  for (unsigned o = 0; o < count; ++o) text += (o == 0 ? "" : ", ") + value(source.getOperand(o));
  return text + ")";
}

std::string CFunction::instruction(const llvm::Instruction& source) {
  llvm::Type* type = source.getType();
  if (source.isBinaryOp()) return binary(source);
  if (const auto* i = llvm::dyn_cast<llvm::CmpInst>(&source)) return compare(*i);
  if (const auto* i = llvm::dyn_cast<llvm::SelectInst>(&source)) return select(*i);
  if (const auto* i = llvm::dyn_cast<llvm::CastInst>(&source)) return cast(*i);
  if (const auto* i = llvm::dyn_cast<llvm::IntrinsicInst>(&source)) return intrinsic(*i);
  if (const auto* i = llvm::dyn_cast<llvm::CallInst>(&source)) return call(*i);
  if (llvm::isa<llvm::GetElementPtrInst>(source)) return address(source);
  if (const auto* i = llvm::dyn_cast<llvm::LoadInst>(&source))
    return load(type, i->getPointerOperand());
  if (const auto* i = llvm::dyn_cast<llvm::StoreInst>(&source))
    return store(i->getValueOperand()->getType(), value(i->getValueOperand()),
                 i->getPointerOperand());
  if (source.getOpcode() == llvm::Instruction::FNeg)
    return applied(types_.function("negate", type, {type}, "-a", "-a"), source, 1);
  if (const auto* i = llvm::dyn_cast<llvm::ShuffleVectorInst>(&source)) {
    if (const llvm::Value* same = splat_of(*i)) return types_.splat(type, value(same));
    return applied(types_.shuffle(type, i->getOperand(0)->getType(), i->getShuffleMask()), source,
                   2);
  }
  if (const auto* i = llvm::dyn_cast<llvm::InsertElementInst>(&source)) {
    const auto is_splat = [](const llvm::User* user) {
      const auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(user);
      return shuffle != nullptr && splat_of(*shuffle) != nullptr;
    };
    if (std::ranges::all_of(i->users(), is_splat)) return "";
    llvm::Type* element = i->getOperand(1)->getType();
    const bool is_mask = element->isIntegerTy(1);
    return applied(
        types_.function_of("insert", type, {type, element, i->getOperand(2)->getType()},
                           fmt::format("  r = a;\n  {} = {};\n", types_.lane(type, "r", "c"),
                                       is_mask ? "-(int32_t)b" : "b")),
        source, 3);
  }
  if (const auto* i = llvm::dyn_cast<llvm::ExtractElementInst>(&source)) {
    llvm::Type* of = i->getVectorOperandType();
    return applied(types_.function_of(
                       "extract", type, {of, i->getIndexOperand()->getType()},
                       fmt::format("  r = ({})({}{});\n", types_.name(type),
                                   types_.lane(of, "a", "b"), type->isIntegerTy(1) ? " & 1" : "")),
                   source, 2);
  }
  if (llvm::isa<llvm::FreezeInst>(source)) return value(source.getOperand(0));
  raise_internal("an instruction of C", source.getOpcodeName());
}

// Integers are unsigned, so that nothing overflows; what is signed says so.
std::string CFunction::binary(const llvm::Instruction& source) {
  struct Operation {
    unsigned opcode;
    const char *name, *sign;
    bool is_signed = false;
  };
  using I = llvm::Instruction;
  static constexpr Operation kOperations[] = {
      {I::FAdd, "add", "+"},        {I::FSub, "sub", "-"},        {I::FMul, "mul", "*"},
      {I::FDiv, "div", "/"},        {I::Add, "add", "+"},         {I::Sub, "sub", "-"},
      {I::Mul, "mul", "*"},         {I::UDiv, "div", "/"},        {I::URem, "rem", "%"},
      {I::SDiv, "sdiv", "/", true}, {I::SRem, "srem", "%", true}, {I::Shl, "shl", "<<"},
      {I::LShr, "shr", ">>"},       {I::AShr, "sar", ">>", true}, {I::And, "and", "&"},
      {I::Or, "or", "|"},           {I::Xor, "xor", "^"},
  };
  llvm::Type* type = source.getType();
  for (const Operation& o : kOperations) {
    if (o.opcode != source.getOpcode()) continue;
    const std::string plain = fmt::format("a {} b", o.sign);
    std::string by_lane = plain, whole = plain;
    // What is narrower than an int would be multiplied and shifted as one, which may overflow.
    const bool grows = o.opcode == I::Mul || o.opcode == I::Shl;
    if (grows && type->getScalarSizeInBits() < 32) by_lane = "(uint32_t)" + plain;
    if (o.is_signed) {
      const std::string element = CTypes::signed_element(type);
      const std::string right = o.opcode == I::AShr ? "b" : fmt::format("({})b", element);
      by_lane = fmt::format("({})a {} {}", element, o.sign, right);
      whole = CTypes::is_vector(type) ? fmt::format("({0})(({1})a {2} ({1})b)", types_.name(type),
                                                    types_.signed_vector(type), o.sign)
                                      : "";
    }
    return applied(types_.function(o.name, type, {type, type}, by_lane, whole), source, 2);
  }
  raise_internal("an operation of C", source.getOpcodeName());
}

std::string CFunction::compare(const llvm::CmpInst& source) {
  using P = llvm::CmpInst::Predicate;
  llvm::Type *type = source.getOperand(0)->getType(), *result = source.getType();
  // As text, and whether its opposite is meant: a comparison of a NaN is false.
  struct Comparison {
    const char *name, *text;
    bool negated = false, is_signed = false;
  };
  const auto comparison = [&]() -> Comparison {
    switch (source.getPredicate()) {
      case P::FCMP_OEQ: return {"eq", "a == b"};
      case P::FCMP_ONE: return {"one", "(a < b) | (a > b)"};
      case P::FCMP_OLT: return {"lt", "a < b"};
      case P::FCMP_OLE: return {"le", "a <= b"};
      case P::FCMP_OGT: return {"gt", "a > b"};
      case P::FCMP_OGE: return {"ge", "a >= b"};
      case P::FCMP_ORD: return {"ord", "(a == a) & (b == b)"};
      case P::FCMP_UNO: return {"uno", "(a == a) & (b == b)", true};
      case P::FCMP_UEQ: return {"ueq", "(a < b) | (a > b)", true};
      case P::FCMP_UNE: return {"ne", "a != b"};
      case P::FCMP_ULT: return {"ult", "a >= b", true};
      case P::FCMP_ULE: return {"ule", "a > b", true};
      case P::FCMP_UGT: return {"ugt", "a <= b", true};
      case P::FCMP_UGE: return {"uge", "a < b", true};
      case P::ICMP_EQ: return {"eq", "a == b"};
      case P::ICMP_NE: return {"ne", "a != b"};
      case P::ICMP_ULT: return {"lt", "a < b"};
      case P::ICMP_ULE: return {"le", "a <= b"};
      case P::ICMP_UGT: return {"gt", "a > b"};
      case P::ICMP_UGE: return {"ge", "a >= b"};
      case P::ICMP_SLT: return {"slt", "a < b", false, true};
      case P::ICMP_SLE: return {"sle", "a <= b", false, true};
      case P::ICMP_SGT: return {"sgt", "a > b", false, true};
      case P::ICMP_SGE: return {"sge", "a >= b", false, true};
      default: raise_internal("a comparison of C", source.getOpcodeName());
    }
  }();
  const auto with = [&](const std::string& of) {
    std::string text;
    for (const char* c = comparison.text; *c != '\0'; ++c)
      text += *c == 'a' || *c == 'b' ? of + *c : std::string(1, *c);
    return text;
  };
  const bool is_vector = CTypes::lanes(result) > 0;
  std::string by_lane =
      "(" + with(comparison.is_signed ? "(" + CTypes::signed_element(type) + ")" : "") + ")";
  if (comparison.negated) by_lane = "!" + by_lane;
  if (is_vector) by_lane = "-(int32_t)" + by_lane;
  std::string whole;
  if (CTypes::is_vector(type) && type->getScalarType()->isIntegerTy(1) == false) {
    whole = "(" + with(comparison.is_signed ? "(" + types_.signed_vector(type) + ")" : "") + ")";
    if (comparison.negated) whole = "~" + whole;
    whole = type->getScalarSizeInBits() == 32
                ? fmt::format("({}){}", types_.name(result), whole)
                : fmt::format("__builtin_convertvector({}, {})", whole, types_.name(result));
  }
  return applied(types_.function(comparison.name, result, {type, type}, by_lane, whole), source, 2);
}

std::string CFunction::select(const llvm::SelectInst& source) {
  llvm::Type *type = source.getType(), *condition = source.getCondition()->getType();
  if (CTypes::lanes(condition) == 0)
    return fmt::format("{} ? {} : {}", value(source.getCondition()), value(source.getTrueValue()),
                       value(source.getFalseValue()));
  std::string whole;
  if (CTypes::is_vector(type)) {
    const std::string bits = types_.signed_vector(type), of = types_.name(type);
    const bool is_word = type->getScalarType()->isIntegerTy(1) || type->getScalarSizeInBits() == 32;
    const std::string mask =
        is_word ? fmt::format("({})a", bits) : fmt::format("__builtin_convertvector(a, {})", bits);
    whole = fmt::format("({0})(({1} & ({2})b) | (~{1} & ({2})c))", of, mask, bits);
  }
  return applied(types_.function("select", type, {condition, type, type}, "a ? b : c", whole),
                 source, 3);
}

std::string CFunction::cast(const llvm::CastInst& source) {
  using I = llvm::Instruction;
  llvm::Type *from = source.getSrcTy(), *to = source.getDestTy();
  const bool from_bit = from->getScalarType()->isIntegerTy(1),
             to_bit = to->getScalarType()->isIntegerTy(1);
  const bool vectors = CTypes::is_vector(from) && CTypes::is_vector(to);
  const std::string as_signed =
      from->getScalarType()->isIntegerTy() ? CTypes::signed_element(from) : "";
  const std::string whole =
      vectors ? fmt::format("__builtin_convertvector(a, {})", types_.name(to)) : "";
  const auto convert = [&](const char* name, const std::string& lane, const std::string& all) {
    return applied(types_.function(name, to, {from}, lane, all), source, 1);
  };
  switch (source.getOpcode()) {
    case I::FPExt:
    case I::FPTrunc: return convert("convert", "a", whole);
    case I::UIToFP: return convert("convert", from_bit ? "a & 1" : "a", from_bit ? "" : whole);
    case I::SIToFP:
      return convert("convert_signed", fmt::format("({})a", as_signed),
                     vectors ? fmt::format("__builtin_convertvector(({})a, {})",
                                           types_.signed_vector(from), types_.name(to))
                             : "");
    case I::ZExt: return convert("extend", from_bit ? "a & 1" : "a", from_bit ? "" : whole);
    case I::SExt:
      if (from_bit && CTypes::lanes(from) == 0) return convert("sign_extend", "-(int64_t)a", "");
      return convert("sign_extend", fmt::format("({})a", as_signed), "");
    case I::Trunc:
      if (to_bit)
        return convert("low_bit", CTypes::lanes(to) == 0 ? "a & 1" : "-(int32_t)(a & 1)", "");
      return convert("truncate", "a", whole);
    case I::BitCast:
      if (from_bit || to_bit) raise_internal("bits of C", "a mask as a number");
      return applied(types_.function_of("bits", to, {from}, "  memcpy(&r, &a, sizeof r);\n"),
                     source, 1);
    case I::PtrToInt:
      return fmt::format("(uint{}_t)(uintptr_t){}", to->getIntegerBitWidth(),
                         value(source.getOperand(0)));
    default: raise_internal("a cast of C", source.getOpcodeName());
  }
}

// A pointer and so many elements further on.
std::string CFunction::address(const llvm::User& source) {
  const auto& element_pointer = llvm::cast<llvm::GEPOperator>(source);
  SINTER_CHECK(element_pointer.getNumIndices() == 1, "an address of C");
  llvm::Type* element = element_pointer.getSourceElementType();
  const llvm::DataLayout& layout = function_.getParent()->getDataLayout();
  const std::string size = element->isPointerTy()
                               ? "sizeof(void *)"
                               : std::to_string(layout.getTypeAllocSize(element).getFixedValue());
  const llvm::Value *base = source.getOperand(0), *index = source.getOperand(1);
  llvm::Type* result = source.getType();
  if (CTypes::lanes(result) == 0) {
    if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(index))
      return fmt::format("{} + (ptrdiff_t){} * (ptrdiff_t){}", value(base), known->getSExtValue(),
                         size);
    const std::string wide = CTypes::signed_element(index->getType());
    return fmt::format("{} + (ptrdiff_t)({}){} * (ptrdiff_t){}", value(base), wide, value(index),
                       size);
  }
  const std::string function =
      types_.function(fmt::format("addresses_of_{}", element->isPointerTy() ? "pointers" : size),
                      result, {base->getType(), index->getType()},
                      fmt::format("a + (ptrdiff_t)({})b * (ptrdiff_t){}",
                                  CTypes::signed_element(index->getType()), size));
  return applied(function, source, 2);
}

std::string CFunction::load(llvm::Type* type, const llvm::Value* from) {
  const std::string function =
      types_.function_of("load", type, {from->getType()}, "  memcpy(&r, a, sizeof r);\n");
  return fmt::format("{}({})", function, value(from));
}

std::string CFunction::store(llvm::Type* type, const std::string& what, const llvm::Value* to) {
  const std::string function =
      types_.function_of("store", llvm::Type::getVoidTy(type->getContext()), {type, to->getType()},
                         "  memcpy(b, &a, sizeof a);\n");
  return fmt::format("{}({}, {})", function, what, value(to));
}

std::string CFunction::call(const llvm::CallInst& source) {
  const llvm::Function* callee = source.getCalledFunction();
  if (callee != nullptr) return applied(names_.of(*callee), source, source.arg_size());
  return fmt::format(
      "((void (*)(void *, int64_t, void (*)(void *, int64_t, int), void *))(uintptr_t){})({}, "
      "(int64_t){}, {}, {})",
      value(source.getCalledOperand()), value(source.getArgOperand(0)),
      value(source.getArgOperand(1)), value(source.getArgOperand(2)),
      value(source.getArgOperand(3)));
}

}  // namespace sinter::codegen
