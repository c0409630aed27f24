#include "runtime/llvm/emit/math.h"

#include <fmt/format.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/PatternMatch.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <span>
#include <utility>

#include "core/error.h"
#include "runtime/llvm/emit/emitter.h"
#include "runtime/llvm/emit/math_pieces.h"

namespace sinter::codegen {
namespace {

// What the two precisions differ in; the algorithms are written once over it.
struct Format {
  DType dtype;
  int mantissa_bits;  // without the hidden one
  int bias;
  double
      round_magic;  // 1.5 * 2^mantissa_bits: adding it rounds to an integer, held in the low bits
  double ln2_high, ln2_low;  // their sum is ln 2; n * ln2_high is exact for every exponent n
  double exp_low, exp_high;  // beyond these exp is 0 and infinity
  double tanh_one;           // beyond it tanh rounds to 1
};
constexpr Format kSingle = {DType::kFloat32,         23,     127,  12582912.0, 0.693359375,
                            -2.12194440054690583e-4, -104.0, 89.0, 10.0};
constexpr Format kDouble = {DType::kFloat64,
                            52,
                            1023,
                            6755399441055744.0,
                            6.93147180369123816490e-01,
                            1.90821492927058770002e-10,
                            -746.0,
                            710.0,
                            22.0};

constexpr int kFullLanes = 16;  // of a vector of AVX-512

class Math {
 public:
  Math(Emitter& e, DType dtype, Value like)
      : e_(e),
        ir_(e.ir()),
        f_(dtype == DType::kFloat32 ? kSingle : kDouble),
        lanes_(Emitter::lanes_of(like)) {}

  Value sqrt(Value x) {
    if (f_.dtype == DType::kFloat32 && lanes_ > 1 && e_.cpu().has_avx512)
      return in_full_vector(x, [&](Value v) { return sqrt_by_estimate(v); });
    return ir_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x);
  }

  // y = (1 + e) / sqrt(x), |e| < 2^-14, and one step of Newton's method on s = x y. VSQRTPS keeps
  // the divider busy, which Adam needs for its quotient, for longer than all of this takes.
  Value sqrt_by_estimate(Value x) {
    Value all = ir_.getInt16(0xFFFF);
    Value y = ir_.CreateIntrinsic(llvm::Intrinsic::x86_avx512_rsqrt14_ps_512, {}, {x, c(0), all});
    Value s = mul(x, y);
    Value lost = fma(ir_.CreateFNeg(s), y, c(1));
    Value root = fma(mul(s, c(0.5)), lost, s);
    // Zeros and infinity are their own roots: class 2 and class 5 of VFIXUPIMMPS take the operand.
    Value own = ir_.CreateVectorSplat(kFullLanes, ir_.getInt32(1 << (4 * 2) | 1 << (4 * 5)));
    return ir_.CreateIntrinsic(llvm::Intrinsic::x86_avx512_mask_fixupimm_ps_512, {},
                               {root, x, own, e_.i32(0), all, e_.i32(4)});
  }

  // x = n ln 2 + r, |r| <= ln(2)/2; e^x = 2^n e^r.
  Value exp(Value x) { return exp(clamp(x, f_.exp_low, f_.exp_high), 0); }

  // 2^-less e^x, for numbers x.
  Value exp(Value x, int less) {
    if (f_.dtype == DType::kFloat32 && e_.cpu().has_avx512)
      return in_full_vector(x, [&](Value v) { return exp_by_table(v, less); });
    Split s = split(x);
    if (less != 0) {
      s.n = ir_.CreateSub(s.n, integer(less));
      s.rounded = sub(s.rounded, c(less));
    }
    return scale(fma(square(s.r), exp_polynomial(s.r), add(s.r, c(1))), s);
  }

  // x = n ln 2 + r for a multiple n of 1/16: 2^n without its whole part comes out of a register,
  // and e^r takes half as many terms.
  Value exp_by_table(Value x, int less) {
    const Split s = split(x, kFullLanes);
    std::vector<double> powers;
    for (int j = 0; j < kFullLanes; ++j) powers.push_back(std::exp2(j / double{kFullLanes} - less));
    Value power = pick(powers, s.shifted);
    constexpr double kRadius = std::numbers::ln2 / (2 * kFullLanes);
    Value p = polynomial(s.r, {1, 0.5 + kRadius * kRadius / 24, 1.0 / 6});
    return scale(fma(mul(power, s.r), p, power), s);  // rounds n down
  }

  // 2^n (e^r - 1) + (2^n - 1), halved on the way so that n may be one more than the largest
  // exponent.
  Value expm1(Value x) {
    Value clamped = clamp(x, f_.dtype == DType::kFloat32 ? -40.0 : -80.0, f_.exp_high);
    const Split s = split(clamped);
    Value q = fma(square(s.r), expm1_polynomial(s.r), s.r);
    Value half = power_of_two(ir_.CreateSub(s.n, integer(1)));
    Value y = fma(half, q, sub(half, c(0.5)));
    return select(ir_.CreateFCmpOEQ(x, c(0)), x, add(y, y));
  }

  // tanh |x| = t / (t + 2) with t = e^(2|x|) - 1.
  Value tanh(Value x) {
    Value a = clamp(absolute(x), 0, f_.tanh_one);
    Value t = expm1(add(a, a));
    return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, ir_.CreateFDiv(t, add(t, c(2))), x);
  }

  Value log(Value x) {
    Value y = log_positive(x);
    y = select(ir_.CreateFCmpOEQ(x, infinity()), x, y);
    y = select(ir_.CreateFCmpOEQ(x, c(0)), ir_.CreateFNeg(infinity()), y);
    return select(ir_.CreateFCmpULT(x, c(0)), nan(), y);  // also NaN
  }

  // log(1 + x) = log u + (x - (u - 1)) / u, where u = 1 + x rounded.
  Value log1p(Value x) {
    Value u = add(c(1), x);
    Value lost = ir_.CreateFDiv(sub(x, sub(u, c(1))), u);
    Value y = add(log_positive(u), lost);
    y = select(ir_.CreateFCmpOEQ(u, c(1)), x, y);
    y = select(ir_.CreateFCmpOEQ(x, infinity()), x, y);
    y = select(ir_.CreateFCmpOEQ(u, c(0)), ir_.CreateFNeg(infinity()), y);
    return select(ir_.CreateFCmpULT(u, c(0)), nan(), y);
  }

  // Two polynomials and no division. |x| < 1: x + x R(x^2), fitted to 1.2e-9. Beyond: 1 - S(|x|)^4,
  // where S is the fourth root of erfc, fitted so that erf is within 4.2e-10; squaring twice keeps
  // the relative error of a small number small.
  Value erf_single(Value x) {
    if (e_.cpu().has_avx512)
      return in_full_vector(x, [&](Value v) { return erf_by_pieces(v); });
    Value a = absolute(x);
    Value r =
        polynomial(square(x), {1.283791657e-01, -3.761262583e-01, 1.128358522e-01, -2.685381446e-02,
                               5.188331865e-03, -8.010226807e-04, 7.853962778e-05});
    Value inner = fma(x, r, x);
    Value u = sub(clamp(a, 0, 3.95), c(2));
    Value s = polynomial(
        u, {2.615224031e-01, -2.888619724e-01, 9.913473393e-02, 6.896822901e-03, -1.222820175e-02,
            1.563390884e-03, 7.546117973e-04, -2.157786282e-04, -2.016749912e-05, 1.140253132e-05});
    Value p = square(s);
    Value outer =
        ir_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, fma(ir_.CreateFNeg(p), p, c(1)), x);
    return select(ir_.CreateFCmpOLT(a, c(1)), inner, outer);
  }

  // One polynomial around each of 16 centers, its coefficients picked out of registers by one
  // permutation each: a third of the multiply-adds, and no division. Around 0 only odd terms remain
  // and no constant, so small numbers keep their relative error; the last center is where erf has
  // become 1.
  Value erf_by_pieces(Value x) {
    constexpr double kStep = kErfEnd / (kErfPieces - 1);
    Value a = at_most(absolute(x), kErfEnd);
    Value magic = c(f_.round_magic);
    Value shifted = fma(a, c(1 / kStep), magic);
    Value t = fma(sub(shifted, magic), c(-kStep), a);
    const ErfPieces pieces = fit_erf();
    const auto term = [&](size_t k) {
      std::array<double, kErfPieces> values;
      for (size_t i = 0; i < values.size(); ++i) values[i] = pieces[i][k];
      return pick(values, shifted);
    };
    Value y = term(kErfTerms - 1);
    for (size_t k = kErfTerms - 1; k-- > 0;) y = fma(y, t, term(k));
    return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, y, x);
  }

  // u / (u + u e^-x) with u = 2^-less, so that u e^-x does not overflow where the quotient is a
  // number.
  Value logistic(Value x) {
    const int less = f_.dtype == DType::kFloat32 ? 24 : 60;
    Value unit = c(std::ldexp(1.0, -less));
    Value e = exp(clamp(ir_.CreateFNeg(x), f_.exp_low, -f_.exp_low), less);
    return ir_.CreateFDiv(unit, add(unit, e));
  }

  // max(x, 0) + log(1 + e^-|x|)
  Value softplus(Value x) {
    return add(e_.maximum(f_.dtype, x, c(0)), log1p(exp(ir_.CreateFNeg(absolute(x)))));
  }

  // libm's function, lane by lane: in a function of its own, which saves as much around the call as
  // one lane would (libm's may change all vector registers) and is compiled once a module.
  Value by_lane(const char* name, Value a, Value b) {
    llvm::Type* element = e_.type(f_.dtype);
    const size_t operands = b == nullptr ? 1 : 2;
    const auto type_of = [&](llvm::Type* t) {
      return llvm::FunctionType::get(t, std::vector<llvm::Type*>(operands, t), false);
    };
    const auto call = [&](llvm::FunctionCallee callee, Value x, Value y) {
      return y == nullptr ? ir_.CreateCall(callee, {x}) : ir_.CreateCall(callee, {x, y});
    };
    const llvm::FunctionCallee one = e_.module().getOrInsertFunction(name, type_of(element));
    if (lanes_ == 1) return call(one, a, b);
    llvm::Function* all = e_.helper(
        fmt::format("{}_of_{}", name, lanes_), type_of(a->getType()), [&](llvm::Function* f) {
          f->addFnAttr(llvm::Attribute::NoInline);
          Value result = llvm::PoisonValue::get(a->getType());
          for (int i = 0; i < lanes_; ++i) {
            Value x = e_.lane(f->getArg(0), i);
            Value y = operands == 1 ? nullptr : e_.lane(f->getArg(1), i);
            result = ir_.CreateInsertElement(result, call(one, x, y), static_cast<uint64_t>(i));
          }
          ir_.CreateRet(result);
        });
    return call(all, a, b);
  }

 private:
  struct Split {
    Value shifted, rounded, n, r;  // n in the low bits, as a float, as an integer
  };

  Value c(double value) { return e_.number(f_.dtype, value, lanes_); }
  Value infinity() { return c(std::numeric_limits<double>::infinity()); }
  Value nan() { return c(std::numeric_limits<double>::quiet_NaN()); }
  DType integers() const { return f_.dtype == DType::kFloat32 ? DType::kInt32 : DType::kInt64; }
  Value integer(int64_t value) {
    return llvm::ConstantInt::get(e_.type(integers(), lanes_), static_cast<uint64_t>(value), true);
  }
  Value bits(Value x) { return ir_.CreateBitCast(x, e_.type(integers(), lanes_)); }
  Value from_bits(Value x) { return ir_.CreateBitCast(x, e_.type(f_.dtype, lanes_)); }
  Value add(Value a, Value b) { return ir_.CreateFAdd(a, b); }
  Value sub(Value a, Value b) { return ir_.CreateFSub(a, b); }
  Value mul(Value a, Value b) { return ir_.CreateFMul(a, b); }
  Value fma(Value a, Value b, Value d) { return e_.fma(a, b, d); }
  Value square(Value a) { return mul(a, a); }
  Value select(Value condition, Value a, Value b) { return ir_.CreateSelect(condition, a, b); }
  // NaN stays NaN: comparisons with it are false. Each side is one vminps or vmaxps.
  Value clamp(Value x, double low, double high) {
    Value y = at_most(x, high);
    return select(ir_.CreateFCmpOGT(c(low), y), c(low), y);
  }
  Value at_most(Value x, double high) {
    if (is_at_most_zero(x) && high >= 0) return x;
    return select(ir_.CreateFCmpOLT(c(high), x), c(high), x);
  }
  // select(y < 0, y, 0), as softmax has it before exp.
  static bool is_at_most_zero(Value x) {
    using namespace llvm::PatternMatch;
    llvm::CmpInst::Predicate predicate = llvm::CmpInst::BAD_FCMP_PREDICATE;
    llvm::Value* y = nullptr;
    return match(x, m_Select(m_FCmp(predicate, m_Value(y), m_AnyZeroFP()), m_Deferred(y),
                             m_AnyZeroFP())) &&
           predicate == llvm::CmpInst::FCMP_OLT;
  }
  Value absolute(Value x) { return ir_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x); }

  // f of 16 lanes, on which its permutations work.
  Value in_full_vector(Value x, const std::function<Value(Value)>& f) {
    const int lanes = std::exchange(lanes_, kFullLanes);
    const auto widen = [&](Value v, int from, int to) {
      if (from == to) return v;
      if (from == 1) return e_.splat(v, to);
      std::vector<int> order(static_cast<size_t>(to));
      for (int i = 0; i < to; ++i) order[static_cast<size_t>(i)] = i % from;
      return ir_.CreateShuffleVector(v, order);
    };
    Value y = f(widen(x, lanes, kFullLanes));
    lanes_ = lanes;
    if (lanes == 1) return e_.lane(y, 0);
    return widen(y, kFullLanes, lanes);
  }

  // The values[i] of 16, where i are the low bits of each lane of `index`.
  Value pick(std::span<const double> values, Value index) {
    std::vector<llvm::Constant*> table;
    for (double value : values) table.push_back(llvm::ConstantFP::get(ir_.getFloatTy(), value));
    return ir_.CreateIntrinsic(llvm::Intrinsic::x86_avx512_permvar_sf_512, {},
                               {llvm::ConstantVector::get(table), bits(index)});
  }

  // Horner's scheme; coefficients from the constant term up.
  Value polynomial(Value x, const std::vector<double>& k) {
    Value y = c(k.back());
    for (size_t i = k.size() - 1; i-- > 0;) y = fma(y, x, c(k[i]));
    return y;
  }

  // n is a multiple of 1 / parts.
  Split split(Value x, int parts = 1) {
    Value magic = c(f_.round_magic / parts);
    Split s;
    s.shifted = fma(x, c(1.4426950408889634), magic);
    s.rounded = sub(s.shifted, magic);
    s.n = ir_.CreateSub(bits(s.shifted), bits(magic));
    s.r = fma(s.rounded, c(-f_.ln2_low), fma(s.rounded, c(-f_.ln2_high), x));
    return s;
  }

  Value power_of_two(Value n) {
    return from_bits(ir_.CreateShl(ir_.CreateAdd(n, integer(f_.bias)), integer(f_.mantissa_bits)));
  }

  // y 2^n, right also where 2^n overflows or the product is denormal.
  Value scale(Value y, const Split& s) {
    if (e_.cpu().has_avx512 && lanes_ * dtype_size(f_.dtype) == 64) {
      const bool single = f_.dtype == DType::kFloat32;
      Value mask =
          single ? static_cast<Value>(ir_.getInt16(0xFFFF)) : static_cast<Value>(ir_.getInt8(0xFF));
      return ir_.CreateIntrinsic(single ? llvm::Intrinsic::x86_avx512_mask_scalef_ps_512
                                        : llvm::Intrinsic::x86_avx512_mask_scalef_pd_512,
                                 {}, {y, s.rounded, y, mask, e_.i32(4)});
    }
    Value half = ir_.CreateAShr(s.n, integer(1));
    return mul(mul(y, power_of_two(half)), power_of_two(ir_.CreateSub(s.n, half)));
  }

  // (e^r - 1 - r) / r^2 on |r| <= ln(2)/2: fitted for single (relative error of exp 3.1e-9, of
  // expm1 2.4e-10), Taylor's series for double.
  Value exp_polynomial(Value r) {
    if (f_.dtype == DType::kFloat64) return taylor(r);
    return polynomial(
        r, {4.999999340e-01, 1.666651997e-01, 4.166839584e-02, 8.368796892e-03, 1.381443104e-03});
  }
  Value expm1_polynomial(Value r) {
    if (f_.dtype == DType::kFloat64) return taylor(r);
    return polynomial(r, {5.000000044e-01, 1.666666637e-01, 4.166635953e-02, 8.333389627e-03,
                          1.394074421e-03, 1.984588622e-04});
  }
  Value taylor(Value r) {
    return polynomial(
        r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
            1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0});
  }

  // log of positive finite x = 2^k m, m in [sqrt(1/2), sqrt(2)): k ln 2 + log(1 + f), f = m - 1.
  Value log_positive(Value x) {
    // Denormals are scaled up first.
    const double smallest = std::ldexp(1.0, 1 - f_.bias);
    Value tiny = ir_.CreateFCmpOLT(x, c(smallest));
    x = select(tiny, mul(x, c(std::ldexp(1.0, f_.mantissa_bits + 1))), x);
    Value root = bits(c(std::sqrt(0.5)));
    Value distance = ir_.CreateSub(bits(x), root);
    Value k = ir_.CreateAShr(distance, integer(f_.mantissa_bits));
    Value m = from_bits(ir_.CreateSub(bits(x), ir_.CreateShl(k, integer(f_.mantissa_bits))));
    k = ir_.CreateSub(k, select(tiny, integer(f_.mantissa_bits + 1), integer(0)));
    Value exponent = ir_.CreateSIToFP(k, e_.type(f_.dtype, lanes_));
    Value f = sub(m, c(1));
    Value z = square(f);
    if (f_.dtype == DType::kFloat32) {
      // f - f^2/2 + f^3 P(f); P fitted to a relative error of the whole of 7.5e-10.
      Value p = polynomial(
          f, {3.333331254e-01, -2.500000952e-01, 2.000212353e-01, -1.666800500e-01, 1.421945162e-01,
              -1.240534258e-01, 1.188870905e-01, -1.167750532e-01, 6.747691814e-02});
      Value tail = fma(exponent, c(f_.ln2_low), mul(mul(z, f), p));
      tail = fma(z, c(-0.5), tail);
      return fma(exponent, c(f_.ln2_high), add(f, tail));
    }
    // log(1 + f) = 2 artanh(s), s = f / (2 + f): 2s + 2s^3 (1/3 + s^2/5 + ...), where 2s = f - s f.
    Value s = ir_.CreateFDiv(f, add(c(2), f));
    Value w = square(s);
    Value series = polynomial(w, {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15,
                                  2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23});
    Value half_square = mul(c(0.5), z);
    Value tail = fma(s, fma(w, series, half_square), mul(exponent, c(f_.ln2_low)));
    return fma(exponent, c(f_.ln2_high), sub(f, sub(half_square, tail)));
  }

  Emitter& e_;
  llvm::IRBuilder<>& ir_;
  const Format& f_;
  int lanes_;
};

}  // namespace

Value emit_math(Emitter& e, ScalarOp op, DType dtype, Value a, Value b) {
  Math m(e, dtype, a);
  const bool single = dtype == DType::kFloat32;
  switch (op) {
    case ScalarOp::kSqrt: return m.sqrt(a);
    case ScalarOp::kExp: return m.exp(a);
    case ScalarOp::kExpm1: return m.expm1(a);
    case ScalarOp::kTanh: return m.tanh(a);
    case ScalarOp::kLog: return m.log(a);
    case ScalarOp::kLog1p: return m.log1p(a);
    case ScalarOp::kErf: return single ? m.erf_single(a) : m.by_lane("erf", a, nullptr);
    case ScalarOp::kLogistic: return m.logistic(a);
    case ScalarOp::kSoftplus: return m.softplus(a);
    case ScalarOp::kSin: return m.by_lane(single ? "sinf" : "sin", a, nullptr);
    case ScalarOp::kCos: return m.by_lane(single ? "cosf" : "cos", a, nullptr);
    case ScalarOp::kPow: return m.by_lane(single ? "powf" : "pow", a, b);
    default: raise_internal("a transcendental scalar op", std::string(scalar_op_name(op)));
  }
}

}  // namespace sinter::codegen
