// Joins pairs of terms, and packs the left side of a product of them.
#include "runtime/llvm/matmul/pairs.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <functional>

#include "core/error.h"

namespace sinter::codegen {

Value MatmulPairs::join(Value low, Value high) {
  const int lanes = Emitter::lanes_of(low);
  Value word = b_.CreateZExt(low, ir_.e.type(DType::kInt32, lanes));
  if (high != nullptr)
    word = b_.CreateOr(word, b_.CreateShl(b_.CreateZExt(high, word->getType()), 16));
  return b_.CreateBitCast(word, ir_.e.type(DType::kFloat32, lanes));
}

Value MatmulPairs::across(DType dtype, Value first, Value second, Value mask) {
  if (dtype == DType::kFloat32) return across_rounded(first, second, mask);
  const auto load = [&](Value at) { return ir_.e.load(dtype, at, ir_.index(0), ir_.lanes, mask); };
  Value low = load(first);
  return join(low, second == nullptr ? nullptr : load(second));
}

// VCVTNE2PS2BF16 puts the rounded numbers of one vector behind those of the other.
Value MatmulPairs::across_rounded(Value first, Value second, Value mask) {
  const int lanes = ir_.lanes;
  Value low = ir_.load(first, mask);
  Value high = second == nullptr ? ir_.zero() : ir_.load(second, mask);
  Value both =
      b_.CreateIntrinsic(llvm::Intrinsic::x86_avx512bf16_cvtne2ps2bf16_512, {}, {high, low});
  std::vector<int> interleaved;
  for (int i = 0; i < lanes; ++i) interleaved.insert(interleaved.end(), {i, lanes + i});
  return b_.CreateBitCast(b_.CreateShuffleVector(both, interleaved), low->getType());
}

Value MatmulPairs::along(DType dtype, Value first, int64_t count, Value terms) {
  const auto lanes = static_cast<int>(2 * count);
  Value mask = terms == nullptr ? nullptr : ir_.e.mask_below(terms, lanes);
  Value both = ir_.e.load(dtype, first, ir_.index(0), lanes, mask);
  if (dtype == DType::kFloat32) {
    SINTER_CHECK(lanes == 8 || lanes == 16);
    both = b_.CreateIntrinsic(lanes == 8 ? llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_256
                                         : llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_512,
                              {}, {both});
  }
  return b_.CreateBitCast(both, ir_.e.type(DType::kFloat32, static_cast<int>(count)));
}

Value MatmulPairs::one(const MatmulOperand& operand, Value base, Value batch, Value free,
                       Value pair) {
  Value origin = ir_.add(ir_.offset(operand.batch, batch), ir_.offset(operand.free, free));
  const auto load = [&](Value term) {
    Value at = ir_.add(origin, ir_.offset(operand.depth, term));
    return ir_.e.cast(ir_.e.load(operand.dtype, base, at), operand.dtype, DType::kBFloat16);
  };
  Value term = ir_.mul(pair, 2), next = ir_.add(term, 1);
  Value low = load(term);
  if (plan_.terms % 2 == 0) return join(low, load(next));
  Value last = ir_.index(plan_.terms - 1);
  Value high = load(ir_.min(next, last));
  return join(
      low, b_.CreateSelect(b_.CreateICmpSLE(next, last), high, ir_.e.number(DType::kBFloat16, 0)));
}

void MatmulPairs::each(Value begin, Value end,
                       const std::function<void(Value pair, bool whole)>& body) {
  const int64_t whole = plan_.terms / 2;
  ir_.loop(begin, plan_.terms % 2 == 0 ? end : ir_.min(end, ir_.index(whole)), 1,
           [&](Value pair) { body(pair, true); });
  if (plan_.terms % 2 == 0) return;
  // Zero beside the last term: the left side has one there too, so nothing is added.
  ir_.e.when(b_.CreateICmpSGT(end, ir_.index(whole)), [&] { body(ir_.index(whole), false); });
}

void MatmulPairs::pack_left(Value source, Value row, Value rows, Value begin, Value end,
                            Value target) {
  const MatmulOperand& from = plan_.lhs_source;
  source = ir_.e.element(source, from.dtype, ir_.mul(row, from.free.stride()));
  if (from.free.stride() == 1)
    pack_left_across(source, rows, begin, end, target);
  else
    pack_left_along(source, rows, begin, end, target);
}

// Rows lie side by side: a vector of them is packed at once.
void MatmulPairs::pack_left_across(Value source, Value rows, Value begin, Value end, Value target) {
  const MatmulOperand& from = plan_.lhs_source;
  const int64_t stride = plan_.problem.lhs.depth.stride();
  Value whole = ir_.mul(b_.CreateUDiv(rows, ir_.index(ir_.lanes)), ir_.lanes);
  Value rest = ir_.e.mask_below(b_.CreateSub(rows, whole), ir_.lanes);
  each(begin, end, [&](Value pair, bool has_both) {
    Value first = ir_.e.element(source, from.dtype, ir_.mul(pair, 2 * from.depth.stride()));
    Value second = ir_.e.element(first, from.dtype, ir_.index(from.depth.stride()));
    Value to = ir_.at(target, ir_.mul(b_.CreateSub(pair, begin), stride));
    const auto pack = [&](Value row, Value mask) {
      Value at_second = ir_.e.element(second, from.dtype, row);
      ir_.store(across(from.dtype, ir_.e.element(first, from.dtype, row),
                       has_both ? at_second : nullptr, mask),
                ir_.at(to, row));
    };
    ir_.loop(ir_.index(0), whole, ir_.lanes, [&](Value row) { pack(row, nullptr); });
    ir_.e.when(b_.CreateICmpSLT(whole, rows), [&] { pack(whole, rest); });
  });
}

// Terms lie side by side: a row is packed a vector of pairs at a time.
void MatmulPairs::pack_left_along(Value source, Value rows, Value begin, Value end, Value target) {
  const MatmulOperand& from = plan_.lhs_source;
  ir_.loop(ir_.index(0), rows, 1, [&](Value row) {
    Value at = ir_.e.element(source, from.dtype, ir_.mul(row, from.free.stride()));
    Value to = ir_.at(target, ir_.mul(row, plan_.problem.lhs.free.stride()));
    ir_.loop(begin, end, ir_.lanes, [&](Value pair) {
      Value term = ir_.mul(pair, 2);
      Value left = b_.CreateSub(ir_.index(plan_.terms), term);
      ir_.store(along(from.dtype, ir_.e.element(at, from.dtype, term), ir_.lanes, left),
                ir_.at(to, b_.CreateSub(pair, begin)));
    });
  });
}

}  // namespace sinter::codegen
