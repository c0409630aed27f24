// Scalar ops as IR, on any lane count: the meaning is that of core/scalar_eval.cc.
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <functional>

#include "core/error.h"
#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/emit/math.h"

namespace sinter::codegen {
namespace {

using llvm::Intrinsic::ID;
bool is_unsigned(DType dtype) {
  return record_of(dtype).kind == DTypeKind::kUnsigned || dtype == DType::kBool;
}

// Integer arithmetic on bools keeps "is it non-zero" alone.
Value bool_op(Emitter& e, ScalarOp op, Value a, Value b) {
  llvm::IRBuilder<>& ir = e.ir();
  switch (op) {
    case ScalarOp::kAdd:
    case ScalarOp::kMax:
    case ScalarOp::kOr: return ir.CreateOr(a, b);
    case ScalarOp::kMul:
    case ScalarOp::kMin:
    case ScalarOp::kAnd: return ir.CreateAnd(a, b);
    case ScalarOp::kNot: return ir.CreateNot(a);
    case ScalarOp::kAbs:
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound: return a;
    default: raise_internal("a scalar op of bools", std::string(scalar_op_name(op)));
  }
}

// Truncates toward zero; by zero it gives zero, and no input traps.
Value integer_divide(Emitter& e, DType dtype, Value a, Value b) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(a);
  Value zero = e.number(dtype, 0, lanes), one = e.number(dtype, 1, lanes);
  Value by_zero = ir.CreateICmpEQ(b, zero);
  if (is_unsigned(dtype))
    return ir.CreateSelect(by_zero, zero, ir.CreateUDiv(a, ir.CreateSelect(by_zero, one, b)));
  Value by_minus_one = ir.CreateICmpEQ(b, e.number(dtype, -1, lanes));
  Value quotient = ir.CreateSDiv(a, ir.CreateSelect(ir.CreateOr(by_zero, by_minus_one), one, b));
  return ir.CreateSelect(by_zero, zero, ir.CreateSelect(by_minus_one, ir.CreateNeg(a), quotient));
}

// By squaring, as in core/scalar_eval.cc.
Value integer_power(Emitter& e, DType dtype, Value a, Value b) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(a);
  Value zero = e.number(dtype, 0, lanes), one = e.number(dtype, 1, lanes);
  const auto is_odd = [&](Value v) { return ir.CreateICmpNE(ir.CreateAnd(v, one), zero); };
  const auto bits = static_cast<int>(8 * dtype_size(dtype)) - (is_unsigned(dtype) ? 0 : 1);
  Value result = one, power = a;
  for (int bit = 0; bit < bits; ++bit) {
    Value rest = ir.CreateLShr(b, e.number(dtype, bit, lanes));
    result = ir.CreateSelect(is_odd(rest), ir.CreateMul(result, power), result);
    power = ir.CreateMul(power, power);
  }
  if (is_unsigned(dtype)) return result;
  Value minus_one = e.number(dtype, -1, lanes);
  Value of_minus_one = ir.CreateSelect(is_odd(b), minus_one, one);
  Value inverse =
      ir.CreateSelect(ir.CreateICmpEQ(a, one), one,
                      ir.CreateSelect(ir.CreateICmpEQ(a, minus_one), of_minus_one, zero));
  return ir.CreateSelect(ir.CreateICmpSLT(b, zero), inverse, result);
}

Value integer_op(Emitter& e, ScalarOp op, DType dtype, Value a, Value b) {
  if (dtype == DType::kBool) return bool_op(e, op, a, b);
  llvm::IRBuilder<>& ir = e.ir();
  const bool u = is_unsigned(dtype);
  const int lanes = Emitter::lanes_of(a);
  switch (op) {
    case ScalarOp::kAdd: return ir.CreateAdd(a, b);
    case ScalarOp::kSub: return ir.CreateSub(a, b);
    case ScalarOp::kMul: return ir.CreateMul(a, b);
    case ScalarOp::kDiv: return integer_divide(e, dtype, a, b);
    case ScalarOp::kPow: return integer_power(e, dtype, a, b);
    case ScalarOp::kMax:
      return ir.CreateBinaryIntrinsic(u ? llvm::Intrinsic::umax : llvm::Intrinsic::smax, a, b);
    case ScalarOp::kMin:
      return ir.CreateBinaryIntrinsic(u ? llvm::Intrinsic::umin : llvm::Intrinsic::smin, a, b);
    case ScalarOp::kNeg: return ir.CreateNeg(a);
    case ScalarOp::kAbs:
      return u ? a : ir.CreateBinaryIntrinsic(llvm::Intrinsic::abs, a, ir.getFalse());
    case ScalarOp::kSign: {
      Value zero = e.number(dtype, 0, lanes), one = e.number(dtype, 1, lanes);
      if (u) return ir.CreateSelect(ir.CreateICmpNE(a, zero), one, zero);
      return ir.CreateBinaryIntrinsic(
          llvm::Intrinsic::smin,
          ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, e.number(dtype, -1, lanes)), one);
    }
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRound: return a;
    default: raise_internal("an integer scalar op", std::string(scalar_op_name(op)));
  }
}

Value float_op(Emitter& e, ScalarOp op, DType dtype, Value a, Value b) {
  llvm::IRBuilder<>& ir = e.ir();
  switch (op) {
    case ScalarOp::kAdd: return ir.CreateFAdd(a, b);
    case ScalarOp::kSub: return ir.CreateFSub(a, b);
    case ScalarOp::kMul: return ir.CreateFMul(a, b);
    case ScalarOp::kDiv: return ir.CreateFDiv(a, b);
    case ScalarOp::kMax: return e.maximum(dtype, a, b);
    case ScalarOp::kMin: return e.minimum(dtype, a, b);
    case ScalarOp::kNeg: return ir.CreateFNeg(a);
    case ScalarOp::kAbs: return ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a);
    case ScalarOp::kFloor: return ir.CreateUnaryIntrinsic(llvm::Intrinsic::floor, a);
    case ScalarOp::kCeil: return ir.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, a);
    case ScalarOp::kRound: return ir.CreateUnaryIntrinsic(llvm::Intrinsic::nearbyint, a);
    case ScalarOp::kSign: {
      const int lanes = Emitter::lanes_of(a);
      Value zero = e.number(dtype, 0, lanes);
      Value negative = ir.CreateSelect(ir.CreateFCmpOLT(a, zero), e.number(dtype, -1, lanes),
                                       ir.CreateSelect(ir.CreateFCmpUNO(a, a), a, zero));
      return ir.CreateSelect(ir.CreateFCmpOGT(a, zero), e.number(dtype, 1, lanes), negative);
    }
    default: return emit_math(e, op, dtype, a, b);
  }
}

}  // namespace

Value Emitter::fma(Value a, Value b, Value c) {
  if (cpu_.has_fma) return ir_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
  return ir_.CreateFAdd(ir_.CreateFMul(a, b), c);
}

// (b > a ? b : a) is one vmaxps; it gives a when either is NaN, so only a NaN in b needs care (none
// for constants).
Value Emitter::maximum(DType dtype, Value a, Value b) {
  if (!is_floating(dtype)) return integer_op(*this, ScalarOp::kMax, dtype, a, b);
  Value larger = ir_.CreateSelect(ir_.CreateFCmpOGT(b, a), b, a);
  return llvm::isa<llvm::Constant>(b) ? larger
                                      : ir_.CreateSelect(ir_.CreateFCmpUNO(b, b), b, larger);
}

Value Emitter::minimum(DType dtype, Value a, Value b) {
  if (!is_floating(dtype)) return integer_op(*this, ScalarOp::kMin, dtype, a, b);
  Value smaller = ir_.CreateSelect(ir_.CreateFCmpOLT(b, a), b, a);
  return llvm::isa<llvm::Constant>(b) ? smaller
                                      : ir_.CreateSelect(ir_.CreateFCmpUNO(b, b), b, smaller);
}

// The bits of a bfloat16 are the upper half of a float's.
Value Emitter::widen_bfloat16(Value bits) {
  const int lanes = lanes_of(bits);
  Value word = ir_.CreateZExt(bits, type(DType::kInt32, lanes));
  return ir_.CreateBitCast(ir_.CreateShl(word, 16), type(DType::kFloat32, lanes));
}

// To nearest, ties to even, as core/bfloat16.h: on the bits, since VCVTNEPS2BF16 makes zeros of
// subnormal numbers, but where only products see the result, which do so too.
Value Emitter::round_to_bfloat16(Value value) {
  const int lanes = lanes_of(value);
  if (rounds_for_products_ && lanes == 16) {
    Value narrow =
        ir_.CreateIntrinsic(llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_512, {}, {value});
    return ir_.CreateBitCast(narrow, type(DType::kBFloat16, lanes));
  }
  const auto bits = [&](int64_t n) { return number(DType::kInt32, n, lanes); };
  Value word = ir_.CreateBitCast(value, type(DType::kInt32, lanes));
  Value upper = ir_.CreateLShr(word, 16);
  Value rounded = ir_.CreateLShr(
      ir_.CreateAdd(ir_.CreateAdd(word, bits(0x7fff)), ir_.CreateAnd(upper, bits(1))), 16);
  Value result =
      ir_.CreateSelect(ir_.CreateFCmpUNO(value, value), ir_.CreateOr(upper, bits(0x40)), rounded);
  return ir_.CreateTrunc(result, type(DType::kBFloat16, lanes));
}

// As core/float16.h, on the bits: not every CPU converts them, and few programs ask for it.
Value Emitter::widen_float16(Value half) {
  const int lanes = lanes_of(half);
  llvm::Type* words = type(DType::kInt32, lanes);
  const auto bits = [&](int64_t n) { return number(DType::kInt32, n, lanes); };
  Value word = ir_.CreateZExt(half, words);
  Value sign = ir_.CreateShl(ir_.CreateAnd(word, bits(0x8000)), 16);
  Value magnitude = ir_.CreateShl(ir_.CreateAnd(word, bits(0x7fff)), 13);
  Value scaled = ir_.CreateFMul(ir_.CreateBitCast(magnitude, type(DType::kFloat32, lanes)),
                                number(DType::kFloat32, 0x1p112, lanes));
  Value finite = ir_.CreateBitCast(scaled, words);
  Value result = ir_.CreateSelect(ir_.CreateICmpUGE(magnitude, bits(0x7c00 << 13)),
                                  ir_.CreateOr(magnitude, bits(0x7f800000)), finite);
  return ir_.CreateBitCast(ir_.CreateOr(sign, result), type(DType::kFloat32, lanes));
}

Value Emitter::round_to_float16(Value value) {
  const int lanes = lanes_of(value);
  llvm::Type* words = type(DType::kInt32, lanes);
  const auto bits = [&](int64_t n) { return number(DType::kInt32, n, lanes); };
  Value word = ir_.CreateBitCast(value, words);
  Value sign = ir_.CreateAnd(ir_.CreateLShr(word, 16), bits(0x8000));
  Value magnitude = ir_.CreateAnd(word, bits(0x7fffffff));
  Value upper = ir_.CreateLShr(magnitude, 13);
  Value nan = ir_.CreateOr(ir_.CreateAnd(upper, bits(0x3ff)), bits(0x7e00));
  Value large = ir_.CreateSelect(ir_.CreateICmpUGT(magnitude, bits(0x7f800000)), nan, bits(0x7c00));
  Value beside_half = ir_.CreateFAdd(ir_.CreateBitCast(magnitude, type(DType::kFloat32, lanes)),
                                     number(DType::kFloat32, 0.5, lanes));
  Value small = ir_.CreateSub(ir_.CreateBitCast(beside_half, words), bits(0x3f000000));
  Value rounded = ir_.CreateAdd(ir_.CreateSub(magnitude, bits(0x38000000 - 0xfff)),
                                ir_.CreateAnd(upper, bits(1)));
  Value usual = ir_.CreateLShr(rounded, 13);
  Value result = ir_.CreateSelect(
      ir_.CreateICmpUGE(magnitude, bits(0x47800000)), large,
      ir_.CreateSelect(ir_.CreateICmpULT(magnitude, bits(0x38800000)), small, usual));
  return ir_.CreateTrunc(ir_.CreateOr(sign, result), type(DType::kFloat16, lanes));
}

Value Emitter::cast(Value value, DType from, DType to) {
  if (from == to) return value;
  const int lanes = lanes_of(value);
  if (from == DType::kBFloat16) return cast(widen_bfloat16(value), DType::kFloat32, to);
  if (from == DType::kFloat16) return cast(widen_float16(value), DType::kFloat32, to);
  if (to == DType::kBFloat16) return round_to_bfloat16(cast(value, from, DType::kFloat32));
  if (to == DType::kFloat16) return round_to_float16(cast(value, from, DType::kFloat32));
  llvm::Type* target = type(to, lanes);
  if (is_floating(from)) {
    if (is_floating(to)) return ir_.CreateFPCast(value, target);
    if (to == DType::kBool) return ir_.CreateFCmpUNE(value, number(from, 0, lanes));
    return ir_.CreateIntrinsic(
        is_unsigned(to) ? llvm::Intrinsic::fptoui_sat : llvm::Intrinsic::fptosi_sat,
        {target, value->getType()}, {value});
  }
  if (is_floating(to))
    return is_unsigned(from) ? ir_.CreateUIToFP(value, target) : ir_.CreateSIToFP(value, target);
  if (to == DType::kBool) return ir_.CreateICmpNE(value, number(from, 0, lanes));
  return is_unsigned(from) ? ir_.CreateZExtOrTrunc(value, target)
                           : ir_.CreateSExtOrTrunc(value, target);
}

Value Emitter::scalar_op(ScalarOp op, DType result, DType operand,
                         std::span<const Value> operands) {
  Value a = operands[0];
  Value b = operands.size() > 1 ? operands[1] : nullptr;
  const bool floating = is_floating(operand);
  switch (op) {
    case ScalarOp::kSelect: return ir_.CreateSelect(a, b, operands[2]);
    case ScalarOp::kCast: return cast(a, operand, result);
    case ScalarOp::kEqual: return floating ? ir_.CreateFCmpOEQ(a, b) : ir_.CreateICmpEQ(a, b);
    case ScalarOp::kLess:
      return floating               ? ir_.CreateFCmpOLT(a, b)
             : is_unsigned(operand) ? ir_.CreateICmpULT(a, b)
                                    : ir_.CreateICmpSLT(a, b);
    case ScalarOp::kLessEqual:
      return floating               ? ir_.CreateFCmpOLE(a, b)
             : is_unsigned(operand) ? ir_.CreateICmpULE(a, b)
                                    : ir_.CreateICmpSLE(a, b);
    default: break;
  }
  return floating ? float_op(*this, op, operand, a, b) : integer_op(*this, op, operand, a, b);
}

Values Emitter::expression(const ScalarExpr& expr, std::span<const Value> arguments, int lanes) {
  Values values;
  values.reserve(expr.instructions.size());
  for (const ScalarInstruction& i : expr.instructions) {
    if (i.op == ScalarOp::kArgument) {
      Value v = arguments[static_cast<size_t>(i.operands[0])];
      values.push_back(lanes_of(v) == lanes ? v : splat(v, lanes));
    } else if (i.op == ScalarOp::kConstant) {
      values.push_back(number(i.dtype, i.constant, lanes));
    } else {
      Values operands;
      for (int n = 0; n < scalar_op_arity(i.op); ++n)
        operands.push_back(values[static_cast<size_t>(i.operands[static_cast<size_t>(n)])]);
      const size_t typed = i.op == ScalarOp::kSelect ? 1 : 0;
      values.push_back(scalar_op(i.op, i.dtype,
                                 expr.instructions[static_cast<size_t>(i.operands[typed])].dtype,
                                 operands));
    }
  }
  Values results;
  for (int32_t r : expr.results) results.push_back(values[static_cast<size_t>(r)]);
  return results;
}

Value Emitter::combine_lanes(Value vector, const std::function<Value(Value, Value)>& combine) {
  int lanes = lanes_of(vector);
  while (lanes > 1) {
    std::vector<int> low, high;
    for (int i = 0; i < lanes / 2; ++i) low.push_back(i), high.push_back(i + lanes / 2);
    lanes /= 2;
    Value a = ir_.CreateShuffleVector(vector, low), b = ir_.CreateShuffleVector(vector, high);
    if (lanes == 1) a = lane(a, 0), b = lane(b, 0);
    vector = combine(a, b);
  }
  return vector;
}

Value Emitter::intrinsic(llvm::Intrinsic::ID id, std::initializer_list<Value> operands) {
  return ir_.CreateIntrinsic(id, {(*operands.begin())->getType()}, std::vector<Value>(operands));
}

}  // namespace sinter::codegen
