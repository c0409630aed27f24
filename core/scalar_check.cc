// Legality of scalar expressions that come from outside.
#include <fmt/format.h>

#include <array>

#include "core/scalar_expr.h"

namespace sinter {

const char* storage_fault(DType dtype) {
  switch (dtype) {
#define SINTER_DTYPE(enumerator, type, name, ...) \
  case DType::enumerator: return name " is for storage: cast to float32 first";
    SINTER_DTYPES(SINTER_DTYPE)
#undef SINTER_DTYPE
  }
  return "";
}

const char* scalar_operand_fault(const ScalarInstruction& i, const std::array<DType, 3>& operands) {
  const auto [a, b, c] = operands;
  switch (i.op) {
    case ScalarOp::kSelect:
      return a == DType::kBool && b == c && i.dtype == b ? nullptr
                                                         : "select takes (bool, T, T) and gives T";
    case ScalarOp::kCast: return nullptr;
    case ScalarOp::kLess:
    case ScalarOp::kLessEqual:
    case ScalarOp::kEqual:
      if (is_for_storage(a)) return storage_fault(a);
      return a == b && i.dtype == DType::kBool ? nullptr
                                               : "a comparison takes (T, T) and gives bool";
    case ScalarOp::kAnd:
    case ScalarOp::kOr:
      return a == DType::kBool && b == a && i.dtype == a ? nullptr : "logic takes and gives bool";
    case ScalarOp::kNot:
      return a == DType::kBool && i.dtype == a ? nullptr : "logic takes and gives bool";
    default: break;
  }
  if (i.dtype != a || (scalar_op_arity(i.op) == 2 && a != b))
    return "operands and result must have one dtype";
  if (is_for_storage(a)) return storage_fault(a);
  if (a == DType::kBool) {
    switch (i.op) {
      case ScalarOp::kSub:
      case ScalarOp::kNeg:
      case ScalarOp::kSign:
      case ScalarOp::kDiv:
      case ScalarOp::kPow: return "bool has no such arithmetic: cast it first";
      default: break;
    }
  }
  const bool floating = i.op >= ScalarOp::kSqrt && i.op <= ScalarOp::kCos;
  return floating && !is_floating(a) ? "it takes floating operands" : nullptr;
}

namespace {

// How many of an instruction's operands say something: the others must be absent, so that nobody
// has to know which ones they are.
int used_operands(ScalarOp op) { return op == ScalarOp::kArgument ? 1 : scalar_op_arity(op); }

}  // namespace

std::string scalar_expr_fault(const ScalarExpr& expr) {
  constexpr size_t kMost = size_t{1} << 20;
  if (expr.instructions.size() > kMost)
    return fmt::format("it has {} instructions, at most {} are possible", expr.instructions.size(),
                       kMost);
  for (size_t k = 0; k < expr.instructions.size(); ++k) {
    const ScalarInstruction& i = expr.instructions[k];
    const auto fault = [&](std::string_view what) {
      return fmt::format("instruction {} ({}): {}", k, scalar_op_name(i.op), what);
    };
    for (auto n = static_cast<size_t>(used_operands(i.op)); n < i.operands.size(); ++n) {
      if (i.operands[n] != -1) return fault("an operand that it does not take");
    }
    if (i.op != ScalarOp::kConstant && i.constant != Number())
      return fault("a constant that it does not take");
    if (i.op == ScalarOp::kArgument) {
      const int32_t index = i.operands[0];
      if (index < 0 || index >= static_cast<int32_t>(expr.arguments.size()) ||
          expr.arguments[static_cast<size_t>(index)] != i.dtype) {
        return fault("no such argument");
      }
      continue;
    }
    if (i.op == ScalarOp::kConstant) {
      if (element_of(i.dtype, i.constant) != i.constant)
        return fault(no_element_of(i.dtype, i.constant));
      continue;
    }
    std::array<DType, 3> types = {};
    for (int n = 0; n < scalar_op_arity(i.op); ++n) {
      const int32_t operand = i.operands[static_cast<size_t>(n)];
      if (operand < 0 || operand >= static_cast<int32_t>(k))
        return fault("an operand that does not come before it");
      types[static_cast<size_t>(n)] = expr.instructions[static_cast<size_t>(operand)].dtype;
    }
    if (const char* what = scalar_operand_fault(i, types)) return fault(what);
  }
  for (int32_t r : expr.results) {
    if (r < 0 || r >= static_cast<int32_t>(expr.instructions.size()))
      return fmt::format("result {} does not exist", r);
  }
  return expr.results.empty() ? "it has no result" : "";
}

}  // namespace sinter
