// LLVM's intrinsic functions as functions of C.
#include <fmt/format.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include "core/error.h"
#include "runtime/llvm/native/c_instructions.h"

namespace sinter::codegen {

std::string CFunction::intrinsic(const llvm::IntrinsicInst& source) {
  using namespace llvm;
  switch (source.getIntrinsicID()) {
    case Intrinsic::memcpy:
    case Intrinsic::memmove:
      return fmt::format("{}({}, {}, (size_t){})",
                         source.getIntrinsicID() == Intrinsic::memcpy ? "memcpy" : "memmove",
                         value(source.getArgOperand(0)), value(source.getArgOperand(1)),
                         value(source.getArgOperand(2)));
    case Intrinsic::memset:
      return fmt::format("memset({}, {}, (size_t){})", value(source.getArgOperand(0)),
                         value(source.getArgOperand(1)), value(source.getArgOperand(2)));
    case Intrinsic::prefetch: return fmt::format("PREFETCH({})", value(source.getArgOperand(0)));
    case Intrinsic::arithmetic_fence: return value(source.getArgOperand(0));
    case Intrinsic::x86_sse_sfence: return "";
    case Intrinsic::masked_load:
    case Intrinsic::masked_store:
    case Intrinsic::masked_gather:
    case Intrinsic::masked_scatter: return memory_intrinsic(source);
    case Intrinsic::fptosi_sat:
    case Intrinsic::fptoui_sat: return saturated(source);
    default: return arithmetic_intrinsic(source);
  }
}

std::string CFunction::arithmetic_intrinsic(const llvm::IntrinsicInst& source) {
  using namespace llvm;
  Type* type = source.getType();
  const bool is_vector = CTypes::is_vector(type);
  const std::string f = type->getScalarType()->isFloatTy() ? "f" : "";
  const std::string bits = is_vector && type->isFPOrFPVectorTy() ? types_.signed_vector(type) : "";
  const std::string sign = f.empty() ? "INT64_MIN" : "INT32_MIN";
  const std::string element = type->isIntOrIntVectorTy() ? CTypes::signed_element(type) : "";
  const auto unary = [&](const std::string& name, const std::string& lane,
                         const std::string& whole = "") {
    return applied(types_.function(name, type, {type}, lane, whole), source, 1);
  };
  const auto binary_of = [&](const std::string& name, const std::string& lane,
                             const std::string& whole = "") {
    return applied(types_.function(name, type, {type, type}, lane, whole), source, 2);
  };
  switch (source.getIntrinsicID()) {
    case Intrinsic::fma: {
      // Only where it is one instruction is it one in C: elsewhere libm would make it of many. What
      // clang's macros do not say, it knows.
      const std::vector<Type*> operands(3, type);
      const std::string fused = types_.each_lane(type, operands, "fma" + f + "(a, b, c)");
      std::string apart = types_.each_lane(type, operands, "a * b + c");
      if (is_vector) apart = "#if VECTORS\n  r = a * b + c;\n#else\n" + apart + "#endif\n";
      return applied(types_.function_of(
                         "fma", type, operands,
                         fmt::format("#ifdef FP_FAST_FMA{}\n{}#else\n  {{ FUSED\n{}  }}\n#endif\n",
                                     f.empty() ? "" : "F", fused, apart)),
                     source, 3);
    }
    case Intrinsic::sqrt: return unary("sqrt", "sqrt" + f + "(a)");
    case Intrinsic::fabs:
      return unary("fabs", "fabs" + f + "(a)",
                   fmt::format("({})(({})a & ~{})", types_.name(type), bits, sign));
    case Intrinsic::floor: return unary("floor", "floor" + f + "(a)");
    case Intrinsic::ceil: return unary("ceil", "ceil" + f + "(a)");
    case Intrinsic::nearbyint: return unary("nearbyint", "nearbyint" + f + "(a)");
    case Intrinsic::copysign:
      return binary_of(
          "copysign", "copysign" + f + "(a, b)",
          fmt::format("({0})((({1})a & ~{2}) | (({1})b & {2}))", types_.name(type), bits, sign));
    case Intrinsic::umin: return binary_of("umin", "a < b ? a : b");
    case Intrinsic::umax: return binary_of("umax", "a > b ? a : b");
    case Intrinsic::smin: return binary_of("smin", fmt::format("({0})a < ({0})b ? a : b", element));
    case Intrinsic::smax: return binary_of("smax", fmt::format("({0})a > ({0})b ? a : b", element));
    case Intrinsic::abs: return unary("abs", fmt::format("({})a < 0 ? 0 - a : a", element));
    default: raise_internal("an intrinsic of C", source.getCalledFunction()->getName().str());
  }
}

// NaN becomes 0, what is too large the largest.
std::string CFunction::saturated(const llvm::IntrinsicInst& source) {
  llvm::Type *to = source.getType(), *from = source.getArgOperand(0)->getType();
  const unsigned bits = to->getScalarSizeInBits();
  const bool is_signed = source.getIntrinsicID() == llvm::Intrinsic::fptosi_sat;
  // The largest number and the first that is too large, which is a power of two and so a float.
  const std::string limit = fmt::format("0x1p{}{}", is_signed ? bits - 1 : bits,
                                        from->getScalarType()->isFloatTy() ? "f" : "");
  const std::string lane =
      is_signed
          ? fmt::format("a != a ? 0 : a >= {0} ? INT{1}_MAX : a < -{0} ? INT{1}_MIN : (int{1}_t)a",
                        limit, bits)
          : fmt::format("!(a > 0) ? 0 : a >= {0} ? UINT{1}_MAX : (uint{1}_t)a", limit, bits);
  return applied(types_.function(is_signed ? "saturate_signed" : "saturate", to, {from}, lane),
                 source, 1);
}

// Lanes whose bit in the mask is set are read or written, side by side or each at an address of its
// own.
std::string CFunction::memory_intrinsic(const llvm::IntrinsicInst& source) {
  using namespace llvm;
  const Intrinsic::ID id = source.getIntrinsicID();
  const bool reads = id == Intrinsic::masked_load || id == Intrinsic::masked_gather;
  const bool has_addresses = id == Intrinsic::masked_gather || id == Intrinsic::masked_scatter;
  // Of LLVM: pointer, alignment, mask, otherwise; or value, pointer, alignment, mask. Here all but
  // the alignment, called a, b and c.
  const Value* first = source.getArgOperand(0);
  const Value* second = source.getArgOperand(reads ? 2 : 1);
  const Value* third = source.getArgOperand(3);
  Type* type = (reads ? third : first)->getType();
  Type* pointer = (reads ? first : second)->getType();
  Type* mask = (reads ? second : third)->getType();
  const std::string base = reads ? "a" : "b";
  const std::string place =
      has_addresses ? types_.lane(pointer, base, "i") : base + " + i * (int)sizeof e[0]";
  const std::string text = fmt::format(
      "  {0} e[{1}];\n  memcpy(e, &{2}, sizeof e);\n"
      "  for (int i = 0; i < {1}; ++i) {{\n    if ({3}) memcpy({4}, {5}, sizeof e[0]);\n  }}\n{6}",
      types_.name(type->getScalarType()), CTypes::lanes(type), reads ? "c" : "a",
      types_.lane(mask, reads ? "b" : "c", "i"), reads ? "&e[i]" : place, reads ? place : "&e[i]",
      reads ? "  memcpy(&r, e, sizeof r);\n" : "");
  const std::string name =
      has_addresses ? (reads ? "gather" : "scatter") : (reads ? "masked_load" : "masked_store");
  Type* result = reads ? type : Type::getVoidTy(source.getContext());
  const std::string function = types_.function_of(
      name, result, {first->getType(), second->getType(), third->getType()}, text);
  return fmt::format("{}({}, {}, {})", function, value(first), value(second), value(third));
}

}  // namespace sinter::codegen
