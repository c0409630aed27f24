// Tracing of scalar expressions: hash-consing builder with exact folding, operators, and the table
// of scalar ops.
#include "core/scalar_expr.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/error.h"
#include "core/hash.h"

namespace sinter {
namespace {

struct OpInfo {
  std::string_view name;
  int arity;
  int64_t cost;
};

constexpr OpInfo kOps[] = {
    {"argument", 0, 0}, {"constant", 0, 0}, {"add", 2, 1},       {"sub", 2, 1},
    {"mul", 2, 1},      {"div", 2, 4},      {"max", 2, 2},       {"min", 2, 2},
    {"pow", 2, 30},     {"neg", 1, 1},      {"abs", 1, 1},       {"sign", 1, 2},
    {"floor", 1, 1},    {"ceil", 1, 1},     {"round", 1, 1},     {"sqrt", 1, 6},
    {"exp", 1, 12},     {"expm1", 1, 14},   {"log", 1, 14},      {"log1p", 1, 16},
    {"tanh", 1, 16},    {"erf", 1, 16},     {"logistic", 1, 18}, {"softplus", 1, 33},
    {"sin", 1, 20},     {"cos", 1, 20},     {"less", 2, 1},      {"less_equal", 2, 1},
    {"equal", 2, 1},    {"and", 2, 1},      {"or", 2, 1},        {"not", 1, 1},
    {"select", 3, 1},   {"cast", 1, 1},
};

const OpInfo& info(ScalarOp op) { return kOps[static_cast<size_t>(op)]; }

bool is_comparison(ScalarOp op) {
  return op == ScalarOp::kLess || op == ScalarOp::kLessEqual || op == ScalarOp::kEqual;
}

ScalarBuilder* common_builder(std::span<const Scalar> operands) {
  for (const Scalar& s : operands) {
    if (!s.is_number()) return s.builder();
  }
  raise_internal("an operand that is traced", "a scalar op on numbers alone");
}

[[noreturn]] void raise_operand_fault(ScalarOp op, std::span<const DType> dtypes,
                                      std::string_view fault) {
  std::string found;
  for (DType d : dtypes) found += fmt::format("{}{}", found.empty() ? "" : ", ", dtype_name(d));
  throw ShapeError(fmt::format("{} of {}: {}", info(op).name, found, fault));
}

Scalar emit(ScalarOp op, std::initializer_list<Scalar> operands) {
  return common_builder(std::span(operands.begin(), operands.size()))->emit(op, operands);
}

}  // namespace

std::string_view scalar_op_name(ScalarOp op) { return info(op).name; }
int scalar_op_arity(ScalarOp op) { return info(op).arity; }
int64_t scalar_op_cost(ScalarOp op) { return info(op).cost; }

bool ScalarExpr::operator==(const ScalarExpr& other) const {
  if (arguments != other.arguments || instructions.size() != other.instructions.size() ||
      results.size() != other.results.size())
    return false;
  // From the results to their operands, which pairs the instructions up; not by recursion, as
  // expressions may be deep.
  std::vector<int32_t> pair(instructions.size(), -1);
  std::vector<int32_t> open;
  const auto paired = [&](int32_t mine, int32_t theirs) {
    int32_t& known = pair[static_cast<size_t>(mine)];
    if (known >= 0) return known == theirs;
    known = theirs;
    open.push_back(mine);
    return true;
  };
  for (size_t r = 0; r < results.size(); ++r) {
    if (!paired(results[r], other.results[r])) return false;
  }
  while (!open.empty()) {
    const auto mine = static_cast<size_t>(open.back());
    open.pop_back();
    const ScalarInstruction& a = instructions[mine];
    const ScalarInstruction& b = other.instructions[static_cast<size_t>(pair[mine])];
    if (a.op != b.op || a.dtype != b.dtype || a.constant != b.constant) return false;
    if (a.op == ScalarOp::kArgument) {
      if (a.operands != b.operands) return false;
      continue;
    }
    for (size_t k = 0; k < 3; ++k) {
      if ((a.operands[k] < 0) != (b.operands[k] < 0)) return false;
      if (a.operands[k] >= 0 && !paired(a.operands[k], b.operands[k])) return false;
    }
  }
  return true;
}

int64_t ScalarExpr::flops() const {
  int64_t total = 0;
  for (const ScalarInstruction& i : instructions) total += scalar_op_cost(i.op);
  return total;
}

ScalarExpr ScalarExpr::widened() const {
  ScalarExpr result = *this;
  auto widen = [](DType& d) {
    if (d == DType::kFloat32) d = DType::kFloat64;
  };
  for (DType& d : result.arguments) widen(d);
  for (ScalarInstruction& i : result.instructions) widen(i.dtype);
  return result;
}

DType Scalar::dtype() const {
  SINTER_CHECK(!is_number());
  return builder_->instruction(id_).dtype;
}

ScalarBuilder::ScalarBuilder(std::vector<DType> arguments) {
  expr_.arguments = std::move(arguments);
}

Scalar ScalarBuilder::add(ScalarInstruction instruction) {
  const auto slot_of = [&](const ScalarInstruction& wanted) {
    uint64_t hash = static_cast<uint64_t>(wanted.op) << 8 | static_cast<uint64_t>(wanted.dtype);
    for (int32_t operand : wanted.operands) hash = hash_word(hash, static_cast<uint32_t>(operand));
    hash = hash_word(hash, std::bit_cast<uint64_t>(wanted.constant.as_double()));
    size_t slot = hash & (known_.size() - 1);
    while (known_[slot] >= 0 && !(this->instruction(known_[slot]) == wanted))
      slot = (slot + 1) & (known_.size() - 1);
    return slot;
  };
  if (2 * (expr_.instructions.size() + 1) > known_.size()) {
    known_.assign(std::max<size_t>(32, 2 * known_.size()), -1);
    for (size_t i = 0; i < expr_.instructions.size(); ++i)
      known_[slot_of(expr_.instructions[i])] = static_cast<int32_t>(i);
  }
  int32_t& known = known_[slot_of(instruction)];
  if (known < 0) {
    known = static_cast<int32_t>(expr_.instructions.size());
    expr_.instructions.push_back(instruction);
  }
  return {this, known};
}

Scalar ScalarBuilder::argument(int index) {
  SINTER_CHECK(index >= 0 && index < static_cast<int>(expr_.arguments.size()));
  return add(
      {ScalarOp::kArgument, expr_.arguments[static_cast<size_t>(index)], {index, -1, -1}, {}});
}

std::vector<Scalar> ScalarBuilder::arguments() {
  std::vector<Scalar> result;
  for (size_t i = 0; i < expr_.arguments.size(); ++i)
    result.push_back(argument(static_cast<int>(i)));
  return result;
}

Scalar ScalarBuilder::constant(DType dtype, Number value) {
  return add({ScalarOp::kConstant, dtype, {-1, -1, -1}, require_element(dtype, value)});
}

Scalar ScalarBuilder::emit(ScalarOp op, std::span<const Scalar> operands) {
  SINTER_CHECK(static_cast<int>(operands.size()) == info(op).arity && op != ScalarOp::kCast);
  // Plain numbers take the dtype of the traced operand beside them.
  std::array<int32_t, 3> ids = {-1, -1, -1};
  std::array<DType, 3> dtypes = {};
  const size_t first_value = op == ScalarOp::kSelect ? 1 : 0;
  DType dtype = DType::kFloat32;
  bool found = false;
  for (size_t i = first_value; i < operands.size(); ++i) {
    if (!operands[i].is_number() && !found) {
      dtype = operands[i].dtype();
      found = true;
    }
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    const Scalar value = operands[i].is_number() ? constant(i < first_value ? DType::kBool : dtype,
                                                            operands[i].constant())
                                                 : operands[i];
    SINTER_CHECK(value.builder() == this);
    ids[i] = value.id();
    dtypes[i] = value.dtype();
  }
  const DType result = is_comparison(op) ? DType::kBool : dtype;
  if (const char* fault = scalar_operand_fault({op, result, ids, {}}, dtypes))
    raise_operand_fault(op, std::span(dtypes).first(operands.size()), fault);
  return fold(op, result, std::span<const int32_t>(ids.data(), operands.size()));
}

Scalar ScalarBuilder::fold(ScalarOp op, DType dtype, std::span<const int32_t> operands) {
  std::array<int32_t, 3> ids = {-1, -1, -1};
  std::copy(operands.begin(), operands.end(), ids.begin());
  const auto constant_of = [&](size_t i) { return instruction(ids[i]).op == ScalarOp::kConstant; };
  const auto is = [&](size_t i, double value) {
    return constant_of(i) && instruction(ids[i]).constant.as_double() == value;
  };
  bool all_constant = true;
  for (size_t i = 0; i < operands.size(); ++i) all_constant = all_constant && constant_of(i);
  const ScalarInstruction result{op, dtype, ids, {}};
  if (all_constant) {
    const DType operand_dtype = instruction(ids[operands.size() == 3 ? 1 : 0]).dtype;
    std::array<ScalarValue, 3> v;
    for (size_t i = 0; i < operands.size(); ++i) {
      v[i] = scalar_value(instruction(ids[i]).constant);
    }
    const ScalarValue value = evaluate_instruction(result, operand_dtype, v[0], v[1], v[2]);
    return constant(dtype, is_floating(dtype) ? Number(value.f) : Number(value.i));
  }
  // Identities that hold for every value, NaN and infinities included. (x + 0 turns -0 into 0, so
  // only x + -0 and x - 0 qualify.)
  if (op == ScalarOp::kMul && is(0, 1)) return {this, ids[1]};
  if (op == ScalarOp::kMul && is(1, 1)) return {this, ids[0]};
  if (op == ScalarOp::kDiv && is(1, 1)) return {this, ids[0]};
  if (op == ScalarOp::kSub && is(1, 0) && !std::signbit(instruction(ids[1]).constant.as_double()))
    return {this, ids[0]};
  if (op == ScalarOp::kNeg && instruction(ids[0]).op == ScalarOp::kNeg)
    return {this, instruction(ids[0]).operands[0]};
  if (op == ScalarOp::kSelect && constant_of(0))
    return {this, instruction(ids[0]).constant.as_integer() != 0 ? ids[1] : ids[2]};
  if (op == ScalarOp::kSelect && ids[1] == ids[2]) return {this, ids[1]};
  if (op == ScalarOp::kAnd || op == ScalarOp::kOr) {
    const bool decides = op == ScalarOp::kOr;  // true in a disjunction, false in a conjunction
    for (size_t i = 0; i < 2; ++i) {
      if (constant_of(i)) return {this, is(i, decides ? 1 : 0) ? ids[i] : ids[1 - i]};
    }
  }
  return add(result);
}

Scalar ScalarBuilder::cast(Scalar value, DType dtype) {
  if (value.is_number()) return constant(dtype, value.constant());
  if (value.dtype() == dtype) return value;
  const std::array<int32_t, 1> operand = {value.id()};
  return fold(ScalarOp::kCast, dtype, operand);
}

std::vector<Scalar> ScalarBuilder::inline_expr(const ScalarExpr& expr,
                                               std::span<const Scalar> arguments) {
  SINTER_CHECK(arguments.size() == expr.arguments.size());
  std::vector<Scalar> values;
  values.reserve(expr.instructions.size());
  for (const ScalarInstruction& i : expr.instructions) {
    switch (i.op) {
      case ScalarOp::kArgument: {
        const Scalar& a = arguments[static_cast<size_t>(i.operands[0])];
        values.push_back(a.is_number() ? constant(i.dtype, a.constant()) : a);
        SINTER_CHECK(values.back().dtype() == i.dtype, "argument dtype of an inlined expression");
        break;
      }
      case ScalarOp::kConstant: values.push_back(constant(i.dtype, i.constant)); break;
      case ScalarOp::kCast:
        values.push_back(cast(values[static_cast<size_t>(i.operands[0])], i.dtype));
        break;
      default: {
        std::array<Scalar, 3> operands = {0.0, 0.0, 0.0};
        const auto arity = static_cast<size_t>(info(i.op).arity);
        for (size_t k = 0; k < arity; ++k) operands[k] = values[static_cast<size_t>(i.operands[k])];
        values.push_back(emit(i.op, std::span(operands).first(arity)));
      }
    }
  }
  std::vector<Scalar> results;
  for (int32_t r : expr.results) results.push_back(values[static_cast<size_t>(r)]);
  return results;
}

ScalarExpr ScalarBuilder::finish(std::span<const Scalar> results) {
  std::vector<char> live(expr_.instructions.size(), 0);
  std::vector<int32_t> ids;
  for (const Scalar& r : results) {
    SINTER_CHECK(!r.is_number() && r.builder() == this, "a result that was not traced");
    ids.push_back(r.id());
    live[static_cast<size_t>(r.id())] = 1;
  }
  for (size_t i = expr_.instructions.size(); i-- > 0;) {
    if (!live[i] || expr_.instructions[i].op == ScalarOp::kArgument) continue;
    for (int32_t operand : expr_.instructions[i].operands) {
      if (operand >= 0) live[static_cast<size_t>(operand)] = 1;
    }
  }
  ScalarExpr pruned;
  pruned.arguments = expr_.arguments;
  std::vector<int32_t> renamed(expr_.instructions.size(), -1);
  for (size_t i = 0; i < expr_.instructions.size(); ++i) {
    if (!live[i]) continue;
    ScalarInstruction copy = expr_.instructions[i];
    if (copy.op != ScalarOp::kArgument) {
      for (int32_t& operand : copy.operands) {
        if (operand >= 0) operand = renamed[static_cast<size_t>(operand)];
      }
    }
    renamed[i] = static_cast<int32_t>(pruned.instructions.size());
    pruned.instructions.push_back(copy);
  }
  for (int32_t id : ids) pruned.results.push_back(renamed[static_cast<size_t>(id)]);
  return pruned;
}

Scalar operator+(Scalar a, Scalar b) { return emit(ScalarOp::kAdd, {a, b}); }
Scalar operator-(Scalar a, Scalar b) { return emit(ScalarOp::kSub, {a, b}); }
Scalar operator*(Scalar a, Scalar b) { return emit(ScalarOp::kMul, {a, b}); }
Scalar operator/(Scalar a, Scalar b) { return emit(ScalarOp::kDiv, {a, b}); }
Scalar operator-(Scalar a) { return emit(ScalarOp::kNeg, {a}); }
Scalar operator<(Scalar a, Scalar b) { return emit(ScalarOp::kLess, {a, b}); }
Scalar operator<=(Scalar a, Scalar b) { return emit(ScalarOp::kLessEqual, {a, b}); }
Scalar operator>(Scalar a, Scalar b) { return emit(ScalarOp::kLess, {b, a}); }
Scalar operator>=(Scalar a, Scalar b) { return emit(ScalarOp::kLessEqual, {b, a}); }
Scalar equal(Scalar a, Scalar b) { return emit(ScalarOp::kEqual, {a, b}); }
Scalar logical_and(Scalar a, Scalar b) { return emit(ScalarOp::kAnd, {a, b}); }
Scalar logical_or(Scalar a, Scalar b) { return emit(ScalarOp::kOr, {a, b}); }
Scalar logical_not(Scalar a) { return emit(ScalarOp::kNot, {a}); }
Scalar select(Scalar c, Scalar a, Scalar b) { return emit(ScalarOp::kSelect, {c, a, b}); }
Scalar max(Scalar a, Scalar b) { return emit(ScalarOp::kMax, {a, b}); }
Scalar min(Scalar a, Scalar b) { return emit(ScalarOp::kMin, {a, b}); }
Scalar pow(Scalar a, Scalar b) { return emit(ScalarOp::kPow, {a, b}); }
Scalar abs(Scalar a) { return emit(ScalarOp::kAbs, {a}); }
Scalar sign(Scalar a) { return emit(ScalarOp::kSign, {a}); }
Scalar floor(Scalar a) { return emit(ScalarOp::kFloor, {a}); }
Scalar ceil(Scalar a) { return emit(ScalarOp::kCeil, {a}); }
Scalar round(Scalar a) { return emit(ScalarOp::kRound, {a}); }
Scalar sqrt(Scalar a) { return emit(ScalarOp::kSqrt, {a}); }
Scalar exp(Scalar a) { return emit(ScalarOp::kExp, {a}); }
Scalar expm1(Scalar a) { return emit(ScalarOp::kExpm1, {a}); }
Scalar log(Scalar a) { return emit(ScalarOp::kLog, {a}); }
Scalar log1p(Scalar a) { return emit(ScalarOp::kLog1p, {a}); }
Scalar tanh(Scalar a) { return emit(ScalarOp::kTanh, {a}); }
Scalar erf(Scalar a) { return emit(ScalarOp::kErf, {a}); }
Scalar logistic(Scalar a) { return emit(ScalarOp::kLogistic, {a}); }
Scalar softplus(Scalar a) { return emit(ScalarOp::kSoftplus, {a}); }
Scalar sin(Scalar a) { return emit(ScalarOp::kSin, {a}); }
Scalar cos(Scalar a) { return emit(ScalarOp::kCos, {a}); }
Scalar cast(Scalar a, DType dtype) {
  const std::array<Scalar, 1> operands = {a};
  return common_builder(operands)->cast(a, dtype);
}

}  // namespace sinter
