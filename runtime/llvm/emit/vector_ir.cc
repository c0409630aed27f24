// Index arithmetic, loops and turned squares of vectors.
#include "runtime/llvm/emit/vector_ir.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace sinter::codegen {
namespace {

std::optional<int64_t> constant_of(Value value) {
  if (auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value)) return constant->getSExtValue();
  return std::nullopt;
}

}  // namespace

Value VectorIr::mul(Value x, int64_t y) {
  if (y == 1) return x;
  return b.CreateMul(x, llvm::ConstantInt::get(x->getType(), static_cast<uint64_t>(y)));
}

Value VectorIr::at(Value base, Value offset) {
  if (constant_of(offset) == 0) return base;
  return e.element(base, dtype, offset);
}

Value VectorIr::byte(Value base, int64_t offset) {
  return offset == 0 ? base : e.element(base, DType::kUint8, index(offset));
}

void VectorIr::loop(Value begin, Value end, int64_t step, const std::function<void(Value)>& body) {
  const auto first = constant_of(begin), last = constant_of(end);
  if (first && last && *first >= *last) return;
  if (first && last && *first + step >= *last) return body(begin);
  e.loop(begin, end, step, body);
}

Value VectorIr::on_stack(int64_t vectors) { return e.on_stack(e.type(dtype, lanes), vectors); }

void VectorIr::store_all(std::span<const Value> vectors, Value pointer) {
  for (size_t i = 0; i < vectors.size(); ++i)
    store(vectors[i], at(pointer, static_cast<int64_t>(i) * lanes));
}

void VectorIr::prefetch(Value pointer) {
  const int read = 0, second_level = 2, data = 1;
  b.CreateIntrinsic(llvm::Intrinsic::prefetch, {pointer->getType()},
                    {pointer, e.i32(read), e.i32(second_level), e.i32(data)});
}

Values VectorIr::load_turned(Value pointer, int64_t row_stride, int64_t rows, int64_t terms) {
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
Values VectorIr::turn(const std::function<Value(int64_t row)>& load) {
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

Value VectorIr::mask(int64_t count) {
  if (count == lanes) return nullptr;
  std::vector<llvm::Constant*> bits;
  for (int64_t i = 0; i < lanes; ++i) bits.push_back(b.getInt1(i < count));
  return llvm::ConstantVector::get(bits);
}

}  // namespace sinter::codegen
