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

std::array<Value, 4> emit_philox(Emitter& e, const PhiloxKey& key, Value block) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(block);
  llvm::Type* narrow = e.type(DType::kInt32, lanes);
  llvm::Type* wide = e.type(DType::kInt64, lanes);
  const auto low = [&](Value v) { return ir.CreateTrunc(v, narrow); };
  const auto high = [&](Value v) { return low(ir.CreateLShr(v, uint64_t{32})); };
  std::array<Value, 4> c = {low(block), high(block), e.splat(key.step_low, lanes),
                            e.splat(key.step_high, lanes)};
  Value k0 = key.key0, k1 = key.key1;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    Value p0 = ir.CreateMul(ir.CreateZExt(c[0], wide), llvm::ConstantInt::get(wide, kPhiloxM0));
    Value p1 = ir.CreateMul(ir.CreateZExt(c[2], wide), llvm::ConstantInt::get(wide, kPhiloxM1));
    c = {ir.CreateXor(ir.CreateXor(high(p1), c[1]), e.splat(k0, lanes)), low(p1),
         ir.CreateXor(ir.CreateXor(high(p0), c[3]), e.splat(k1, lanes)), low(p0)};
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
