// Running totals of a row: lanes and unrolled chunks have their own, combined in an order that
// depends on their number alone.
#include "runtime/llvm/loops/emit_nest.h"

namespace sinter::codegen {

void NestEmitter::start_reduction(size_t k, Values& start) {
  const LoopOp& o = nest_.ops[k];
  if (o.kind == LoopOpKind::kReduce) {
    start.push_back(identity(o.reduce, o.dtype, lanes_));
  } else {
    start.push_back(llvm::Constant::getNullValue(e_.type(op(o.operands[0]).dtype, lanes_)));
    start.push_back(e_.number(DType::kInt32, -1, lanes_));
  }
}

Value NestEmitter::beats(const LoopOp& o, Value best, Value best_column, Value value) {
  const DType dtype = op(o.operands[0]).dtype;
  const int lanes = Emitter::lanes_of(value);
  Value better =
      o.reduce == ReduceKind::kMax
          ? e_.scalar_op(ScalarOp::kLess, DType::kBool, dtype, std::vector<Value>{best, value})
          : e_.scalar_op(ScalarOp::kLess, DType::kBool, dtype, std::vector<Value>{value, best});
  if (is_floating(dtype)) {
    Value best_is_number = ir_.CreateFCmpORD(best, best);
    better = ir_.CreateAnd(best_is_number, ir_.CreateOr(better, ir_.CreateFCmpUNO(value, value)));
  }
  return ir_.CreateOr(better, ir_.CreateICmpSLT(best_column, e_.number(DType::kInt32, 0, lanes)));
}

void NestEmitter::combine_totals(std::span<const size_t> reductions, Values& total,
                                 std::span<const Value> other) {
  size_t at = 0;
  for (size_t k : reductions) {
    const LoopOp& o = nest_.ops[k];
    if (o.kind == LoopOpKind::kReduce) {
      total[at] = combine(o.reduce, o.dtype, total[at], other[at]);
      ++at;
    } else {
      merge_best(o, total[at], total[at + 1], other[at], other[at + 1]);
      at += 2;
    }
  }
}

void NestEmitter::merge_best(const LoopOp& o, Value& best, Value& best_column, Value value,
                             Value column) {
  const int lanes = Emitter::lanes_of(value);
  Value zero = e_.number(DType::kInt32, 0, lanes);
  Value wins = beats(o, best, best_column, value);
  Value loses = beats(o, value, column, best);
  Value same = ir_.CreateAnd(ir_.CreateNot(ir_.CreateOr(wins, loses)),
                             ir_.CreateICmpSLT(column, best_column));
  Value take =
      ir_.CreateAnd(ir_.CreateICmpSGE(column, zero),
                    ir_.CreateOr(ir_.CreateOr(same, ir_.CreateAnd(wins, ir_.CreateNot(loses))),
                                 ir_.CreateICmpSLT(best_column, zero)));
  best = ir_.CreateSelect(take, value, best);
  best_column = ir_.CreateSelect(take, column, best_column);
}

void NestEmitter::finish_reductions(std::span<const size_t> reductions,
                                    std::span<const Value> totals) {
  size_t at = 0;
  for (size_t k : reductions) {
    const LoopOp& o = nest_.ops[k];
    if (o.kind == LoopOpKind::kReduce) {
      row_[k] = e_.combine_lanes(
          totals[at++], [&](Value a, Value b) { return combine(o.reduce, o.dtype, a, b); });
      continue;
    }
    Value best = totals[at], column = totals[at + 1];
    at += 2;
    for (int lanes = lanes_; lanes > 1; lanes /= 2) {
      const auto half = [&](Value v, int from) {
        std::vector<int> which;
        for (int i = 0; i < lanes / 2; ++i) which.push_back(from + i);
        Value part = ir_.CreateShuffleVector(v, which);
        return lanes == 2 ? e_.lane(part, 0) : part;
      };
      Value low = half(best, 0), low_column = half(column, 0);
      merge_best(o, low, low_column, half(best, lanes / 2), half(column, lanes / 2));
      best = low;
      column = low_column;
    }
    row_[k] = column;
  }
}

}  // namespace sinter::codegen
