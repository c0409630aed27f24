// Index arithmetic and loops of the matmul generator.
#include "runtime/llvm/matmul_ir.h"

#include <optional>

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

void MatmulIr::loop(Value begin, Value end, int64_t step, const std::function<void(Value)>& body) {
  const auto first = constant_of(begin), last = constant_of(end);
  if (first && last && *first >= *last) return;
  if (first && last && *first + step >= *last) return body(begin);
  e.loop(begin, end, step, body);
}

Value MatmulIr::mask(int64_t count) {
  if (count == lanes) return nullptr;
  std::vector<llvm::Constant*> bits;
  for (int64_t i = 0; i < lanes; ++i) bits.push_back(b.getInt1(i < count));
  return llvm::ConstantVector::get(bits);
}

}  // namespace sinter::codegen
