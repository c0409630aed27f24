#include "runtime/llvm/emit_random.h"

#include "core/philox.h"

namespace sinter::codegen {

PhiloxKey load_philox_key(Emitter& e, Value state, int64_t stream) {
  llvm::IRBuilder<>& ir = e.ir();
  Value seed = e.load(DType::kInt64, state, e.i64(0));
  Value step = e.load(DType::kInt64, state, e.i64(1));
  const auto low = [&](Value v) { return ir.CreateTrunc(v, ir.getInt32Ty()); };
  const auto high = [&](Value v) { return low(ir.CreateLShr(v, uint64_t{32})); };
  return {low(seed), ir.CreateXor(high(seed), ir.getInt32(static_cast<uint32_t>(stream))),
          low(step), high(step)};
}

namespace {

struct HighLow {
  Value high, low;
};

// The 64 bits of `factor` * value, for unsigned 32-bit lanes. Vectors multiply the even lanes and
// the odd lanes where they stand in 64-bit lanes, so that nothing moves between lanes.
HighLow multiply(Emitter& e, Value value, uint32_t factor) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(value);
  llvm::Type* narrow = value->getType();
  Value low = ir.CreateMul(value, llvm::ConstantInt::get(narrow, factor));
  const bool paired = lanes >= 4;
  llvm::Type* wide = e.type(DType::kInt64, paired ? lanes / 2 : lanes);
  const auto times = [&](Value v) { return ir.CreateMul(v, llvm::ConstantInt::get(wide, factor)); };
  if (!paired) {
    Value product = times(ir.CreateZExt(value, wide));
    return {ir.CreateTrunc(ir.CreateLShr(product, uint64_t{32}), narrow), low};
  }
  Value pairs = ir.CreateBitCast(value, wide);
  Value even = times(ir.CreateAnd(pairs, uint64_t{0xFFFFFFFF}));
  Value odd = times(ir.CreateLShr(pairs, uint64_t{32}));
  Value high =
      ir.CreateOr(ir.CreateLShr(even, uint64_t{32}), ir.CreateAnd(odd, ~uint64_t{0xFFFFFFFF}));
  return {ir.CreateBitCast(high, narrow), low};
}

}  // namespace

std::array<Value, 4> emit_philox(Emitter& e, const PhiloxKey& key, Value block) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(block);
  llvm::Type* narrow = e.type(DType::kInt32, lanes);
  std::array<Value, 4> c = {ir.CreateTrunc(block, narrow),
                            ir.CreateTrunc(ir.CreateLShr(block, uint64_t{32}), narrow),
                            e.splat(key.step_low, lanes), e.splat(key.step_high, lanes)};
  Value k0 = key.key0, k1 = key.key1;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const HighLow p0 = multiply(e, c[0], kPhiloxM0), p1 = multiply(e, c[2], kPhiloxM1);
    c = {ir.CreateXor(ir.CreateXor(p1.high, c[1]), e.splat(k0, lanes)), p1.low,
         ir.CreateXor(ir.CreateXor(p0.high, c[3]), e.splat(k1, lanes)), p0.low};
    k0 = ir.CreateAdd(k0, ir.getInt32(kPhiloxW0));
    k1 = ir.CreateAdd(k1, ir.getInt32(kPhiloxW1));
  }
  return c;
}

Value random_value(Emitter& e, Value word, DType dtype) {
  if (dtype == DType::kInt32) return word;
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(word);
  Value upper = ir.CreateLShr(
      word, uint64_t{8});  // 24 bits: exact in either format, also read as a signed number
  return ir.CreateFMul(ir.CreateSIToFP(upper, e.type(dtype, lanes)),
                       e.number(dtype, 0x1p-24, lanes));
}

Value emit_philox_elements(Emitter& e, const PhiloxKey& key, Value elements) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(elements);
  const auto number = [&](int64_t v) {
    return e.number(DType::kInt64, static_cast<double>(v), lanes);
  };
  Value group = ir.CreateLShr(elements, number(6));
  Value block = ir.CreateOr(ir.CreateShl(group, number(4)), ir.CreateAnd(elements, number(15)));
  Value which = ir.CreateAnd(ir.CreateLShr(elements, number(4)), number(3));
  const std::array<Value, 4> words = emit_philox(e, key, block);
  Value word = words[3];
  for (int w = 2; w >= 0; --w)
    word = ir.CreateSelect(ir.CreateICmpEQ(which, number(w)), words[static_cast<size_t>(w)], word);
  return word;
}

}  // namespace sinter::codegen
