#include "runtime/llvm/emit/random.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/philox.h"

namespace sinter::codegen {

PhiloxKey load_philox_key(Emitter& e, Value state, int64_t stream) {
  llvm::IRBuilder<>& ir = e.ir();
  Value seed = e.load(DType::kInt64, state, e.i64(0));
  Value step = e.load(DType::kInt64, state, e.i64(1));
  const auto high = [&](Value v) { return ir.CreateLShr(v, uint64_t{32}); };
  Value rounds = e.on_stack(ir.getInt64Ty(), 2 * kPhiloxRounds);
  Value k0 = seed, k1 = ir.CreateXor(high(seed), e.i64(static_cast<uint32_t>(stream)));
  for (int round = 0; round < kPhiloxRounds; ++round) {
    // The last products are wanted whole: their keys belong to the upper halves.
    const uint64_t shift = round == kPhiloxRounds - 1 ? 32 : 0;
    e.store(DType::kInt64, ir.CreateShl(k0, shift), rounds, e.i64(2 * round));
    e.store(DType::kInt64, ir.CreateShl(k1, shift), rounds, e.i64(2 * round + 1));
    k0 = ir.CreateAdd(k0, e.i64(kPhiloxW0));
    k1 = ir.CreateAdd(k1, e.i64(kPhiloxW1));
  }
  return {step, high(step), rounds};
}

namespace {

// Words of a block, two in 64 bits, as the last products leave them.
struct WordPairs {
  Value words01;  // word 1 and, in the upper half, word 0
  Value words23;  // word 3 and word 2
};

// One block a lane (lanes x i64). The upper half of a lane is whatever the arithmetic leaves there:
// products read lower halves, so no word moves to another lane and nothing is masked (vpmuludq).
WordPairs emit_philox(Emitter& e, const PhiloxKey& key, Value blocks) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(blocks);
  llvm::Type* type = blocks->getType();
  const auto product = [&](Value word, uint32_t factor) {
    return ir.CreateMul(ir.CreateAnd(word, uint64_t{0xFFFFFFFF}),
                        llvm::ConstantInt::get(type, factor));
  };
  const auto mix = [&](Value a, Value b, int k) {
    Value round_key = e.load(DType::kInt64, key.rounds, e.i64(k));
    return ir.CreateXor(ir.CreateXor(a, b), e.splat(round_key, lanes));
  };
  Value c0 = blocks, c1 = ir.CreateLShr(blocks, uint64_t{32});
  Value c2 = e.splat(key.step_low, lanes), c3 = e.splat(key.step_high, lanes);
  constexpr int kLast = kPhiloxRounds - 1;
  for (int round = 0; round < kLast; ++round) {
    Value p0 = product(c0, kPhiloxM0), p1 = product(c2, kPhiloxM1);
    c0 = mix(ir.CreateLShr(p1, uint64_t{32}), c1, 2 * round);
    c2 = mix(ir.CreateLShr(p0, uint64_t{32}), c3, 2 * round + 1);
    c1 = p1, c3 = p0;
  }
  return {mix(product(c2, kPhiloxM1), ir.CreateShl(c1, uint64_t{32}), 2 * kLast),
          mix(product(c0, kPhiloxM0), ir.CreateShl(c3, uint64_t{32}), 2 * kLast + 1)};
}

Value lane_constant(Emitter& e, int lanes, const std::function<int64_t(int lane)>& value) {
  if (lanes == 1) return e.i64(value(0));
  std::vector<uint64_t> numbers;
  for (int i = 0; i < lanes; ++i) numbers.push_back(static_cast<uint64_t>(value(i)));
  return llvm::ConstantDataVector::get(e.ir().getContext(), numbers);
}

Value number(Emitter& e, int64_t value, int lanes) { return e.number(DType::kInt64, value, lanes); }

}  // namespace

Values emit_philox_words(Emitter& e, const PhiloxKey& key, Value first, int lanes) {
  llvm::IRBuilder<>& ir = e.ir();
  const int half = std::max(1, lanes / 2);
  llvm::Type* narrow = e.type(DType::kInt32, lanes);
  const auto down = [&](Value v) { return ir.CreateLShr(v, uint64_t{32}); };
  // Even blocks, then odd ones: their words become the halves of 64-bit lanes.
  const WordPairs w =
      emit_philox(e, key, ir.CreateAdd(e.splat(first, lanes), lane_constant(e, lanes, [&](int i) {
                                         return i < half ? 2 * i : 2 * (i - half) + 1;
                                       })));
  Values words;
  for (Value pairs : {w.words01, w.words23}) {
    if (lanes == 1) {
      words.push_back(ir.CreateTrunc(down(pairs), narrow));
      words.push_back(ir.CreateTrunc(pairs, narrow));
      continue;
    }
    std::vector<int> lower(static_cast<size_t>(half)), upper(lower.size());
    std::iota(lower.begin(), lower.end(), 0);
    std::iota(upper.begin(), upper.end(), half);
    Value even = ir.CreateShuffleVector(pairs, lower), odd = ir.CreateShuffleVector(pairs, upper);
    Value high = ir.CreateOr(down(even), ir.CreateAnd(odd, ~uint64_t{0xFFFFFFFF}));
    Value low =
        ir.CreateOr(ir.CreateAnd(even, uint64_t{0xFFFFFFFF}), ir.CreateShl(odd, uint64_t{32}));
    words.push_back(ir.CreateBitCast(high, narrow));
    words.push_back(ir.CreateBitCast(low, narrow));
  }
  return words;
}

Value emit_philox_elements(Emitter& e, const PhiloxKey& key, Value elements) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(elements);
  const auto all = [&](int64_t v) { return number(e, v, lanes); };
  Value group = ir.CreateLShr(elements, all(6));
  const WordPairs w = emit_philox(
      e, key, ir.CreateOr(ir.CreateShl(group, all(4)), ir.CreateAnd(elements, all(15))));
  // Bits 4 and 5 of an element are its word.
  Value in_first = ir.CreateICmpEQ(ir.CreateAnd(elements, all(32)), all(0));
  Value shift = ir.CreateShl(ir.CreateAnd(ir.CreateNot(elements), all(16)), all(1));
  Value pair = ir.CreateSelect(in_first, w.words01, w.words23);
  return ir.CreateTrunc(ir.CreateLShr(pair, shift), e.type(DType::kInt32, lanes));
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

int bits16_elements(const Emitter& e, int vectors) { return e.cpu().vector_bytes * vectors; }

Values emit_bits16(Emitter& e, const PhiloxKey& key, Value first, int vectors) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = e.cpu().vector_bytes / 8, all = lanes * vectors;
  // Blocks lie where punpcklqdq and punpckhqdq bring their pairs together in order.
  const WordPairs w = emit_philox(
      e, key, ir.CreateAdd(e.splat(first, all), lane_constant(e, all, [&](int i) {
                             return i / lanes * lanes + i % lanes / 2 + i % 2 * (lanes / 2);
                           })));
  llvm::Type* type = llvm::FixedVectorType::get(ir.getInt16Ty(), static_cast<unsigned>(4 * lanes));
  Values numbers;
  for (int start = 0; start < all; start += lanes) {
    for (int half = 0; half < 2; ++half) {
      std::vector<int> order;
      for (int i = start + half; i < start + lanes; i += 2) order.insert(order.end(), {i, all + i});
      numbers.push_back(
          ir.CreateBitCast(ir.CreateShuffleVector(w.words01, w.words23, order), type));
    }
  }
  return numbers;
}

Value emit_bits16_elements(Emitter& e, const PhiloxKey& key, Value elements) {
  llvm::IRBuilder<>& ir = e.ir();
  const int lanes = Emitter::lanes_of(elements);
  const auto all = [&](int64_t v) { return number(e, v, lanes); };
  const WordPairs w = emit_philox(e, key, ir.CreateLShr(elements, all(3)));
  Value in_first = ir.CreateICmpEQ(ir.CreateAnd(elements, all(4)), all(0));
  Value shift = ir.CreateShl(ir.CreateAnd(elements, all(3)), all(4));
  Value pair = ir.CreateSelect(in_first, w.words01, w.words23);
  return ir.CreateTrunc(ir.CreateAnd(ir.CreateLShr(pair, shift), all(0xFFFF)),
                        e.type(DType::kInt32, lanes));
}

}  // namespace sinter::codegen
