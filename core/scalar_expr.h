// Scalar expressions: the body of an elementwise op, traced once. From it come the reference,
// vector code, derivative and flop counts.
//
// An expression is a list of instructions in SSA form over typed arguments a0, a1, ...; it may have
// several results. Text form: `(float32, float32) -> t0 = exp(a0); mul(t0, a1), add(a0,
// 1:float32)`.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/number.h"

namespace sinter {

enum class ScalarOp : uint8_t {
  kArgument,  // operands[0] is the index of the argument
  kConstant,  // `constant`
  // two operands, result of their type
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMax,
  kMin,
  kPow,
  // one operand, result of its type
  kNeg,
  kAbs,
  kSign,
  kFloor,
  kCeil,
  kRound,
  kSqrt,
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kTanh,
  kErf,
  kLogistic,  // 1 / (1 + e^-x)
  kSoftplus,  // log(1 + e^x)
  kSin,
  kCos,
  // comparisons: two operands of one type, result bool
  kLess,
  kLessEqual,
  kEqual,
  // logic on bool
  kAnd,
  kOr,
  kNot,
  kSelect,  // bool, then, else
  kCast,    // to the type of the instruction
};

/// "add", "select", ...; arguments and constants have no name.
std::string_view scalar_op_name(ScalarOp op);
/// Number of operands (0 for arguments and constants).
int scalar_op_arity(ScalarOp op);

struct ScalarInstruction {
  ScalarOp op = ScalarOp::kConstant;
  DType dtype = DType::kFloat32;
  std::array<int32_t, 3> operands = {-1, -1, -1};
  Number constant;  // an element of dtype: an integer for integers and bool, else floating
  bool operator==(const ScalarInstruction& other) const = default;
};

class ScalarExpr {
 public:
  std::vector<DType> arguments;
  std::vector<ScalarInstruction> instructions;  // operands refer to earlier instructions only
  std::vector<int32_t> results;                 // indices of instructions

  DType result_dtype(size_t i) const { return instructions[static_cast<size_t>(results[i])].dtype; }
  /// Arithmetic operations an element costs, transcendental ones counted as given by
  /// scalar_op_cost.
  int64_t flops() const;
  std::string to_string() const;
  /// Inverse of to_string; raises ParseError.
  static ScalarExpr parse(std::string_view text);
  /// The same expression with every float32 widened to float64.
  ScalarExpr widened() const;
  /// Same arguments and the same tree of instructions under each result; their order in the list
  /// does not matter.
  bool operator==(const ScalarExpr& other) const;
};

/// A value while an expression is traced. Mixed numbers take the dtype of the traced operand: `2 *
/// x + 1`.
class ScalarBuilder;
class Scalar {
 public:
  Scalar(double constant)
      : constant_(constant) {}  // NOLINT: implicit so that bodies read as formulas
  Scalar(Number constant) : constant_(constant) {}  // NOLINT: as above
  Scalar(ScalarBuilder* builder, int32_t id) : builder_(builder), id_(id) {}
  ScalarBuilder* builder() const { return builder_; }
  int32_t id() const { return id_; }
  Number constant() const { return constant_; }
  bool is_number() const { return builder_ == nullptr; }
  DType dtype() const;

 private:
  ScalarBuilder* builder_ = nullptr;
  int32_t id_ = -1;
  Number constant_;
};

/// Builds an expression; equal instructions are made once and constants folded where that is exact.
/// Operands whose dtypes do not fit, and numbers that the dtype beside them does not have (0.5
/// beside int32), raise ShapeError.
class ScalarBuilder {
 public:
  explicit ScalarBuilder(std::vector<DType> arguments);
  ScalarBuilder(const ScalarBuilder&) = delete;
  Scalar argument(int index);
  std::vector<Scalar> arguments();
  Scalar constant(DType dtype, Number value);
  Scalar emit(ScalarOp op, std::initializer_list<Scalar> operands) {
    return emit(op, std::span(operands.begin(), operands.size()));
  }
  Scalar emit(ScalarOp op, std::span<const Scalar> operands);
  Scalar cast(Scalar value, DType dtype);
  /// Inlines `expr` on the given arguments (dtypes must match) and returns its results.
  std::vector<Scalar> inline_expr(const ScalarExpr& expr, std::span<const Scalar> arguments);
  const ScalarInstruction& instruction(int32_t id) const {
    return expr_.instructions[static_cast<size_t>(id)];
  }
  /// The expression of `results` without unused instructions (arguments keep their indices).
  ScalarExpr finish(std::span<const Scalar> results);

 private:
  Scalar add(ScalarInstruction instruction);
  Scalar fold(ScalarOp op, DType dtype, std::span<const int32_t> operands);
  ScalarExpr expr_;
  std::vector<int32_t> known_;  // an open hash table of instructions, -1 where free
};

Scalar operator+(Scalar a, Scalar b);
Scalar operator-(Scalar a, Scalar b);
Scalar operator*(Scalar a, Scalar b);
Scalar operator/(Scalar a, Scalar b);
Scalar operator-(Scalar a);
Scalar operator<(Scalar a, Scalar b);
Scalar operator<=(Scalar a, Scalar b);
Scalar operator>(Scalar a, Scalar b);
Scalar operator>=(Scalar a, Scalar b);
Scalar equal(Scalar a, Scalar b);
Scalar logical_and(Scalar a, Scalar b);
Scalar logical_or(Scalar a, Scalar b);
Scalar logical_not(Scalar a);
Scalar select(Scalar condition, Scalar then_value, Scalar else_value);
/// Maximum and minimum that give NaN when either operand is NaN, as NumPy and Keras do.
Scalar max(Scalar a, Scalar b);
Scalar min(Scalar a, Scalar b);
Scalar pow(Scalar a, Scalar b);
Scalar abs(Scalar a);
Scalar sign(Scalar a);
Scalar floor(Scalar a);
Scalar ceil(Scalar a);
Scalar round(Scalar a);  // to nearest, ties to even
Scalar sqrt(Scalar a);
Scalar exp(Scalar a);
Scalar expm1(Scalar a);
Scalar log(Scalar a);
Scalar log1p(Scalar a);
Scalar tanh(Scalar a);
Scalar erf(Scalar a);
Scalar logistic(Scalar a);
Scalar softplus(Scalar a);
Scalar sin(Scalar a);
Scalar cos(Scalar a);
Scalar cast(Scalar a, DType dtype);

/// A scalar value at run time: floats in `f`, integers and bools in `i`.
struct ScalarValue {
  double f = 0;
  int64_t i = 0;
};
/// A literal as a value.
inline ScalarValue scalar_value(Number number) {
  return number.is_floating() ? ScalarValue{number.as_double(), 0}
                              : ScalarValue{0, number.as_integer()};
}

/// Evaluates at the precision of each instruction (float32 instructions round to float). `scratch`
/// must hold one value an instruction; results are read from scratch[expr.results[k]].
void evaluate(const ScalarExpr& expr, std::span<const ScalarValue> arguments,
              std::span<ScalarValue> scratch);
/// One instruction on given operands, at its precision; shared with constant folding.
ScalarValue evaluate_instruction(const ScalarInstruction& instruction, DType operand_dtype,
                                 ScalarValue a, ScalarValue b, ScalarValue c);

/// Reverse-mode derivative (chain rule over the instructions): an expression whose arguments are
/// those of `expr` followed by one cotangent for each floating result (in order), and whose results
/// are the cotangents of the arguments in `wrt`. Floor, ceil, round, sign, comparisons and casts to
/// integers have derivative zero. ops/README.md has what max, min and abs do at ties.
///
/// The chain rule multiplies numbers as they are computed: an intermediate that overflows where
/// the result does not (e^-x in 1 / (1 + e^-x)) makes infinity times zero. Hence logistic and
/// softplus are ops of their own, and bodies keep their intermediates finite.
ScalarExpr scalar_vjp(const ScalarExpr& expr, std::span<const int> wrt);

/// What is wrong with computing in a dtype that is for storage.
const char* storage_fault(DType dtype);
/// nullptr when operands of these dtypes fit the instruction and its dtype, otherwise what it
/// needs.
const char* scalar_operand_fault(const ScalarInstruction& instruction,
                                 const std::array<DType, 3>& operands);

/// "" when `expr` is legal (operands exist and come earlier, dtypes fit, constants are in range),
/// otherwise what is wrong with it. Expressions that were traced or parsed are legal; those from a
/// file must be asked.
std::string scalar_expr_fault(const ScalarExpr& expr);

/// Relative cost of one instruction in units of an addition; used by cost models and flop counts.
int64_t scalar_op_cost(ScalarOp op);

}  // namespace sinter
