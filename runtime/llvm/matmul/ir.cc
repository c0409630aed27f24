// Splits, sums and multiply-adds of the matmul generator.
#include "runtime/llvm/matmul/ir.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <functional>

#include "runtime/llvm/loops/program.h"

namespace sinter::codegen {

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

}  // namespace sinter::codegen
