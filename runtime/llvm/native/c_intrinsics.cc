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
      // Only where it is one instruction is it one in C: elsewhere libm would make it of many.
      const std::string lanes =
          CTypes::lanes(type) == 0
              ? fmt::format("  r = fma{}(a, b, c);\n", f)
              : fmt::format("  for (int i = 0; i < {}; ++i) {} = fma{}({}, {}, {});\n",
                            CTypes::lanes(type), types_.lane(type, "r", "i"), f,
                            types_.lane(type, "a", "i"), types_.lane(type, "b", "i"),
                            types_.lane(type, "c", "i"));
      const std::string apart =
          CTypes::lanes(type) == 0 || is_vector
              ? "  r = a * b + c;\n"
              : fmt::format("  for (int i = 0; i < {}; ++i) {} = {} * {} + {};\n",
                            CTypes::lanes(type), types_.lane(type, "r", "i"),
                            types_.lane(type, "a", "i"), types_.lane(type, "b", "i"),
                            types_.lane(type, "c", "i"));
      const std::string loop =
          fmt::format("  for (int i = 0; i < {}; ++i) {} = {} * {} + {};\n", CTypes::lanes(type),
                      types_.lane(type, "r", "i"), types_.lane(type, "a", "i"),
                      types_.lane(type, "b", "i"), types_.lane(type, "c", "i"));
      const std::string without =
          is_vector ? fmt::format("#if VECTORS\n{}#else\n{}#endif\n", apart, loop) : apart;
      return applied(types_.function_of("fma", type, {type, type, type},
                                        fmt::format("#ifdef FP_FAST_FMA{}\n{}#else\n{}#endif\n",
                                                    f.empty() ? "" : "F", lanes, without)),
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

std::string CFunction::memory_intrinsic(const llvm::IntrinsicInst& source) {
  using namespace llvm;
  const auto loop = [&](Type* type, const std::string& mask, const std::string& body) {
    return fmt::format("  for (int i = 0; i < {}; ++i) {{\n    if ({}) {}\n  }}\n",
                       CTypes::lanes(type), mask, body);
  };
  Type* none = Type::getVoidTy(source.getContext());
  const auto operand = [&](unsigned o) { return source.getArgOperand(o); };
  switch (source.getIntrinsicID()) {
    case Intrinsic::masked_load: {  // pointer, alignment, mask, otherwise
      Type *type = source.getType(), *mask = operand(2)->getType();
      const std::string body = fmt::format("memcpy(&e[i], a + i * (int)sizeof e[0], sizeof e[0]);");
      const std::string text =
          fmt::format("  {} e[{}];\n  memcpy(e, &c, sizeof e);\n{}  memcpy(&r, e, sizeof r);\n",
                      types_.name(type->getScalarType()), CTypes::lanes(type),
                      loop(type, types_.lane(mask, "b", "i"), body));
      const std::string function =
          types_.function_of("masked_load", type, {operand(0)->getType(), mask, type}, text);
      return fmt::format("{}({}, {}, {})", function, value(operand(0)), value(operand(2)),
                         value(operand(3)));
    }
    case Intrinsic::masked_store: {  // value, pointer, alignment, mask
      Type *type = operand(0)->getType(), *mask = operand(3)->getType();
      const std::string text =
          fmt::format("  {} e[{}];\n  memcpy(e, &a, sizeof e);\n{}",
                      types_.name(type->getScalarType()), CTypes::lanes(type),
                      loop(type, types_.lane(mask, "c", "i"),
                           "memcpy(b + i * (int)sizeof e[0], &e[i], sizeof e[0]);"));
      const std::string function =
          types_.function_of("masked_store", none, {type, operand(1)->getType(), mask}, text);
      return fmt::format("{}({}, {}, {})", function, value(operand(0)), value(operand(1)),
                         value(operand(3)));
    }
    case Intrinsic::masked_gather: {  // pointers, alignment, mask, otherwise
      Type *type = source.getType(), *mask = operand(2)->getType();
      const std::string text =
          fmt::format("  {} e[{}];\n  memcpy(e, &c, sizeof e);\n{}  memcpy(&r, e, sizeof r);\n",
                      types_.name(type->getScalarType()), CTypes::lanes(type),
                      loop(type, types_.lane(mask, "b", "i"),
                           fmt::format("memcpy(&e[i], {}, sizeof e[0]);",
                                       types_.lane(operand(0)->getType(), "a", "i"))));
      const std::string function =
          types_.function_of("gather", type, {operand(0)->getType(), mask, type}, text);
      return fmt::format("{}({}, {}, {})", function, value(operand(0)), value(operand(2)),
                         value(operand(3)));
    }
    default: {  // masked_scatter: value, pointers, alignment, mask
      Type *type = operand(0)->getType(), *mask = operand(3)->getType();
      const std::string text =
          fmt::format("  {} e[{}];\n  memcpy(e, &a, sizeof e);\n{}",
                      types_.name(type->getScalarType()), CTypes::lanes(type),
                      loop(type, types_.lane(mask, "c", "i"),
                           fmt::format("memcpy({}, &e[i], sizeof e[0]);",
                                       types_.lane(operand(1)->getType(), "b", "i"))));
      const std::string function =
          types_.function_of("scatter", none, {type, operand(1)->getType(), mask}, text);
      return fmt::format("{}({}, {}, {})", function, value(operand(0)), value(operand(1)),
                         value(operand(3)));
    }
  }
}

}  // namespace sinter::codegen
