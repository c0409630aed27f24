// Index arithmetic and loops of the matmul generator.
#include "runtime/llvm/matmul_ir.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "runtime/llvm/loop_program.h"

namespace sinter::codegen {
namespace {

std::optional<int64_t> constant_of(Value value) {
  if (auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value)) return constant->getSExtValue();
  return std::nullopt;
}

}  // namespace

Value MatmulIr::mul(Value x, int64_t y) {
  if (y == 1) return x;
  return b.CreateMul(x, llvm::ConstantInt::get(x->getType(), static_cast<uint64_t>(y)));
}

Value MatmulIr::at(Value base, Value offset) {
  if (constant_of(offset) == 0) return base;
  return e.element(base, dtype, offset);
}

Value MatmulIr::byte(Value base, int64_t offset) {
  return offset == 0 ? base : e.element(base, DType::kUint8, index(offset));
}

Value MatmulIr::offset(const DimGroup& group, Value position) {
  llvm::Type* type = position->getType();
  if (group.is_invariant()) return llvm::ConstantInt::get(type, 0);
  if (group.is_single()) return mul(position, group.stride());
  Value sum = nullptr;
  for (size_t i = group.extents.size(); i-- > 0;) {
    Value extent = llvm::ConstantInt::get(type, static_cast<uint64_t>(group.extents[i]));
    Value term = mul(i == 0 ? position : b.CreateURem(position, extent), group.strides[i]);
    sum = sum == nullptr ? term : b.CreateAdd(sum, term);
    if (i > 0) position = b.CreateUDiv(position, extent);
  }
  return sum;
}

Value MatmulIr::begin_of(const EvenSplit& split, Value part) {
  const int64_t larger = split.total - split.count * split.smallest();
  Value begin = mul(part, split.smallest());
  return larger == 0 ? begin : add(begin, min(part, index(larger)));
}

void MatmulIr::each_part(const EvenSplit& split, std::pair<Value, Value> range,
                         const std::function<void(Value begin, int64_t size, Value number)>& body) {
  const auto number = [&](Value i) { return b.CreateSub(i, range.first); };
  const int64_t large = split.large_parts(), size = split.largest(), small = split.smallest();
  loop(range.first, min(range.second, index(large)), 1,
       [&](Value i) { body(mul(i, size), size, number(i)); });
  if (large == split.count) return;
  loop(max(range.first, index(large)), range.second, 1,
       [&](Value i) { body(add(mul(i, small), large * (size - small)), small, number(i)); });
}

void MatmulIr::loop(Value begin, Value end, int64_t step, const std::function<void(Value)>& body) {
  const auto first = constant_of(begin), last = constant_of(end);
  if (first && last && *first >= *last) return;
  if (first && last && *first + step >= *last) return body(begin);
  e.loop(begin, end, step, body);
}

Value MatmulIr::on_stack(int64_t vectors) { return e.on_stack(e.type(dtype, lanes), vectors); }

void MatmulIr::store_all(std::span<const Value> vectors, Value pointer) {
  for (size_t i = 0; i < vectors.size(); ++i)
    store(vectors[i], at(pointer, static_cast<int64_t>(i) * lanes));
}

Value MatmulIr::multiply_add(Value x, Value y, Value sum) {
  if (!pairs) return e.fma(x, y, sum);
  auto* type = llvm::FixedVectorType::get(b.getBFloatTy(), static_cast<unsigned>(2 * lanes));
  return b.CreateIntrinsic(llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512, {},
                           {sum, b.CreateBitCast(x, type), b.CreateBitCast(y, type)});
}

void MatmulIr::settle(const MatmulSums& sums, Value row, Value end, DType dtype, Value lowest,
                      int64_t stride, int of_lanes, Value mask) {
  const auto from_level = [&](auto&& self, int64_t level, int64_t run) -> void {
    if (level + 1 >= sums.levels) return;
    Value ends = b.CreateICmpNE(b.CreateUDiv(row, index(run)), b.CreateUDiv(end, index(run)));
    e.when(ends, [&] {
      Value from = at(lowest, level * stride), to = at(lowest, (level + 1) * stride);
      const auto load = [&](Value place) { return e.load(dtype, place, index(0), of_lanes, mask); };
      Value sum =
          e.scalar_op(ScalarOp::kAdd, dtype, dtype, std::vector<Value>{load(to), load(from)});
      e.store(dtype, sum, to, index(0), mask);
      e.store(dtype, e.number(dtype, is_floating(dtype) ? -0.0 : 0, of_lanes), from, index(0),
              mask);
      self(self, level + 1, run * kRunTerms);
    });
  };
  from_level(from_level, 0, sums.run);
}

void MatmulIr::prefetch(Value pointer) {
  const int read = 0, second_level = 2, data = 1;
  b.CreateIntrinsic(llvm::Intrinsic::prefetch, {pointer->getType()},
                    {pointer, e.i32(read), e.i32(second_level), e.i32(data)});
}

Values MatmulIr::load_turned(Value pointer, int64_t row_stride, int64_t rows, int64_t terms) {
  const auto block = static_cast<int>(block_terms());
  Value mask = terms == block ? nullptr : e.mask_below(index(terms), block);
  Values vectors = turn([&](int64_t row) {
    return e.load(dtype, at(pointer, std::min(row, rows - 1) * row_stride), index(0), block, mask);
  });
  vectors.resize(static_cast<size_t>(terms));
  return vectors;
}

// Vector i of a block holds 16 bytes of row i, of row i + block, and so on. Interleaving vectors
// half a block apart within these 16 bytes, log2(block) times, leaves one vector a term.
Values MatmulIr::turn(const std::function<Value(int64_t row)>& load) {
  const int64_t block = block_terms();
  Values vectors;
  for (int64_t i = 0; i < block; ++i) {
    Values pieces;
    for (int64_t row = i; row < lanes; row += block) pieces.push_back(load(row));
    for (; pieces.size() > 1; pieces.resize(pieces.size() / 2)) {
      std::vector<int> all;
      for (int lane = 0; lane < 2 * Emitter::lanes_of(pieces[0]); ++lane) all.push_back(lane);
      for (size_t p = 0; p < pieces.size() / 2; ++p)
        pieces[p] = b.CreateShuffleVector(pieces[2 * p], pieces[2 * p + 1], all);
    }
    vectors.push_back(pieces[0]);
  }
  for (int64_t stage = 1; stage < block; stage *= 2) {
    Values next;
    for (int64_t i = 0; i < block / 2; ++i) {
      for (int64_t half : {int64_t{0}, block / 2}) {
        std::vector<int> lanes_of_both;
        for (int64_t lane = 0; lane < lanes; ++lane) {
          const int64_t from = lane / block * block + half + lane % block / 2;
          lanes_of_both.push_back(static_cast<int>(from + (lane % 2 == 0 ? 0 : lanes)));
        }
        next.push_back(b.CreateShuffleVector(vectors[static_cast<size_t>(i)],
                                             vectors[static_cast<size_t>(i + block / 2)],
                                             lanes_of_both));
      }
    }
    vectors = std::move(next);
  }
  return vectors;
}

Value MatmulIr::mask(int64_t count) {
  if (count == lanes) return nullptr;
  std::vector<llvm::Constant*> bits;
  for (int64_t i = 0; i < lanes; ++i) bits.push_back(b.getInt1(i < count));
  return llvm::ConstantVector::get(bits);
}

}  // namespace sinter::codegen
