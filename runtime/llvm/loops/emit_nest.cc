// Lanes, ranges of a piece, addresses, rows and what is computed once a row.
#include "runtime/llvm/loops/emit_nest.h"

#include <algorithm>

#include "core/error.h"

namespace sinter::codegen {

void NestEmitter::emit() {
  lanes_ = choose_lanes();
  begin_.assign(nest_.dims.size(), e_.i64(0));
  end_.clear();
  for (int64_t d : nest_.dims) end_.push_back(e_.i64(d));
  if (pieces_ > 1 && nest_.split >= 0) choose_range();
  const auto body = [&] {
    if (nest_.turn >= 0) return emit_turned();
    outer_.assign(nest_.ops.size(), nullptr);
    row_.clear();  // of the other body, whose values mean nothing here
    keys_.clear();
    index_.assign(nest_.dims.size(), nullptr);
    find_needed();
    for (size_t k = 0; k < nest_.ops.size(); ++k) {
      if (!needed_[k]) continue;
      if (nest_.ops[k].kind == LoopOpKind::kRandom)
        keys_[k] = load_philox_key(e_, buffer(nest_.ops[k].access), nest_.ops[k].limit);
      if (nest_.ops[k].level == Level::kUniform) outer_[k] = scalar_value(k);
    }
    lanes_ > 1 && nest_.accumulates_in_registers() ? emit_accumulations() : emit_rows(0);
  };
  if (Value stream = may_stream()) {
    e_.when(ir_.CreateNot(stream), body);
    streaming_ = true;
    e_.when(stream, [&] {
      body();
      e_.fence();
    });
  } else if (pieces_ > 1 && nest_.split < 0) {
    e_.when(ir_.CreateICmpEQ(e_.piece(), e_.i64(0)), body);
  } else {
    body();
  }
}

// A result that is written over an input is in the caches already. One in a user's array may begin
// anywhere.
Value NestEmitter::may_stream() {
  if (lanes_ == 1 || (pieces_ > 1 && nest_.split < 0)) return nullptr;
  // Turned elements leave in squares: only whole lines of one are written at once.
  if (nest_.turn >= 0 && e_.cpu().vector_bytes < 64) return nullptr;
  Value all = nullptr;
  for (const LoopOp& o : nest_.ops) {
    if (!o.stream) continue;
    Value to = ir_.CreatePtrToInt(buffer(o.access), ir_.getInt64Ty());
    Value may = ir_.CreateICmpEQ(ir_.CreateAnd(to, e_.i64(63)), e_.i64(0));
    for (const LoopOp& other : nest_.ops) {
      if (other.kind != LoopOpKind::kLoad || other.level != Level::kElement) continue;
      Value from = ir_.CreatePtrToInt(buffer(other.access), ir_.getInt64Ty());
      may = ir_.CreateAnd(may, ir_.CreateICmpNE(to, from));
    }
    all = all == nullptr ? may : ir_.CreateAnd(all, may);
  }
  return all;
}

int NestEmitter::choose_lanes() const {
  if (nest_.scalar) return 1;
  int64_t widest = 4;
  for (const LoopOp& op : nest_.ops) {
    if (op.level == Level::kElement && op.kind != LoopOpKind::kIndex)
      widest = std::max(widest, dtype_size(op.dtype));
  }
  return e_.cpu().lanes(widest);
}

void NestEmitter::choose_range() {
  const auto s = static_cast<size_t>(nest_.split);
  const int64_t extent = nest_.dims[s];
  if (nest_.is_turned(nest_.split)) {
    const int64_t tiles = extent / kTurnTile;
    const auto start = [&](Value piece) {
      Value tile = ir_.CreateSDiv(ir_.CreateMul(piece, e_.i64(tiles)), e_.i64(pieces_));
      return ir_.CreateMul(tile, e_.i64(kTurnTile));
    };
    begin_[s] = start(e_.piece());
    end_[s] = ir_.CreateSelect(ir_.CreateICmpEQ(e_.piece(), e_.i64(pieces_ - 1)), e_.i64(extent),
                               start(ir_.CreateAdd(e_.piece(), e_.i64(1))));
    return;
  }
  if (s == columns_) {
    const int64_t each = columns_per_piece(extent, pieces_);
    begin_[s] = ir_.CreateMul(e_.piece(), e_.i64(each));
    end_[s] = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                        ir_.CreateAdd(begin_[s], e_.i64(each)), e_.i64(extent));
    return;
  }
  // Runs stay whole. The first pieces have one more than the others where they do not come out
  // even.
  const int64_t run = nest_.run_along(nest_.split), parts = (extent + run - 1) / run;
  const int64_t each = parts / pieces_, more = parts % pieces_;
  const auto start = [&](Value piece) {
    Value part =
        ir_.CreateAdd(ir_.CreateMul(piece, e_.i64(each)),
                      ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, piece, e_.i64(more)));
    return run == 1 ? part
                    : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                                ir_.CreateMul(part, e_.i64(run)), e_.i64(extent));
  };
  begin_[s] = start(e_.piece());
  end_[s] = start(ir_.CreateAdd(e_.piece(), e_.i64(1)));
}

void NestEmitter::find_needed() {
  needed_.assign(nest_.ops.size(), false);
  for (size_t k = nest_.ops.size(); k-- > 0;) {
    if (is_sink(nest_.ops[k])) needed_[k] = true;
    if (!needed_[k]) continue;
    for (int o : nest_.ops[k].operands) needed_[static_cast<size_t>(o)] = true;
  }
}

Value NestEmitter::buffer(const Access& a) {
  const LoopBuffer& b = program_.buffers[static_cast<size_t>(a.buffer)];
  Value base = e_.buffer(b.argument);
  return b.byte_offset == 0
             ? base
             : ir_.CreateConstGEP1_64(ir_.getInt8Ty(), base, static_cast<uint64_t>(b.byte_offset));
}

Value NestEmitter::row_offset(const Access& a) {
  Value offset = e_.i64(a.offset);
  if (a.piece_stride != 0)
    offset = ir_.CreateAdd(offset, ir_.CreateMul(e_.piece(), e_.i64(a.piece_stride)));
  for (size_t d = 0; d < columns_; ++d) {
    if (a.strides[d] != 0)
      offset = ir_.CreateAdd(offset, ir_.CreateMul(index_[d], e_.i64(a.strides[d])));
  }
  for (const Run& run : a.runs) {
    Value number = ir_.CreateUDiv(index_[run.dim], e_.i64(run.length));
    offset = ir_.CreateAdd(offset, ir_.CreateMul(number, e_.i64(run.stride)));
  }
  return offset;
}

Values NestEmitter::in_runs(Value begin, Value end, int64_t step, int64_t steps, int64_t run,
                            std::span<const Value> none, std::span<const Value> totals,
                            const AddTerms& add, const AddTotals& combine) {
  if (steps <= 2 * run) return e_.loop(begin, end, step, totals, add);
  int64_t part = run;  // steps whose sum counts as one term
  while (part * kRunTerms < steps) part *= kRunTerms;
  return e_.loop(begin, end, step * part, totals, [&](Value i, std::span<const Value> now) {
    Value last = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                           ir_.CreateNSWAdd(i, e_.i64(step * part)), end);
    Values next(now.begin(), now.end());
    combine(next, in_runs(i, last, step, part, run, none, none, add, combine));
    return next;
  });
}

void NestEmitter::emit_rows(size_t d) {
  if (d == columns_) return emit_row();
  e_.loop(begin_[d], end_[d], 1, [&](Value i) {
    index_[d] = i;
    emit_rows(d + 1);
  });
}

void NestEmitter::begin_row() {
  row_ = outer_;
  row_offsets_.assign(nest_.ops.size(), nullptr);
  for (size_t k = 0; k < nest_.ops.size(); ++k) {
    if (needed_[k] && !nest_.ops[k].access.strides.empty() && nest_.ops[k].access.buffer >= 0)
      row_offsets_[k] = row_offset(nest_.ops[k].access);
  }
  compute_row(0);
}

void NestEmitter::compute_row(int pass) {
  for (size_t k = 0; k < nest_.ops.size(); ++k) {
    const LoopOp& o = nest_.ops[k];
    if (!needed_[k] || o.level == Level::kElement || o.pass != pass || is_reduction(o)) continue;
    if (is_sink(o))
      row_sink(k);
    else if (row_[k] == nullptr)
      row_[k] = scalar_value(k);
  }
}

void NestEmitter::emit_row() {
  chunks_.clear();
  row_parts_.clear();
  begin_row();
  const bool unrolled = is_unrolled();
  for (int pass = 0; pass < nest_.passes(); ++pass) {
    if (pass > 0) compute_row(pass);
    std::vector<size_t> reductions, sinks;
    for (size_t k = 0; k < nest_.ops.size(); ++k) {
      const LoopOp& o = nest_.ops[k];
      if (!needed_[k]) continue;
      if (is_reduction(o) && o.pass == pass + 1) reductions.push_back(k);
      if (is_sink(o) && o.level == Level::kElement && o.pass == pass) sinks.push_back(k);
    }
    if (!reductions.empty() || !sinks.empty()) emit_pass(reductions, sinks, unrolled);
  }
}

Value NestEmitter::scalar_value(size_t k) {
  const Emitter::OfLine line = of_op(k);
  const LoopOp& o = nest_.ops[k];
  switch (o.kind) {
    case LoopOpKind::kLoad: return e_.load(o.dtype, buffer(o.access), row_offset(o.access));
    case LoopOpKind::kLoadAt: {
      Value at = ir_.CreateAdd(
          row_offset(o.access),
          ir_.CreateMul(clamped(scalar_operand(o, 0), op(o.operands[0]).dtype, o.limit),
                        e_.i64(o.scale)));
      return e_.load(o.dtype, buffer(o.access), at);
    }
    case LoopOpKind::kIndex:
      return e_.cast(index_[static_cast<size_t>(o.dim)], DType::kInt64, o.dtype);
    case LoopOpKind::kRandom: return random_elements(k, row_offset(o.access));
    case LoopOpKind::kScalar: {
      if (o.scalar == ScalarOp::kConstant) return constant(o, 1);
      Values operands;
      for (size_t n = 0; n < o.operands.size(); ++n) operands.push_back(scalar_operand(o, n));
      return apply(o, operands);
    }
    default: raise_internal("a value", nest_.to_string(1));
  }
}

Value NestEmitter::scalar_operand(const LoopOp& o, size_t n) {
  const auto k = static_cast<size_t>(o.operands[n]);
  Value v = row_.empty() ? outer_[k] : row_[k];
  SINTER_CHECK(v != nullptr, nest_.to_string(1));
  return v;
}

void NestEmitter::row_sink(size_t k) {
  const Emitter::OfLine line = of_op(k);
  const LoopOp& o = nest_.ops[k];
  Value value = scalar_operand(o, 0);
  Value at = row_offsets_[k];
  if (o.kind == LoopOpKind::kAccumulateAt) {
    at = ir_.CreateAdd(
        at, ir_.CreateMul(clamped(value, op(o.operands[0]).dtype, o.limit), e_.i64(o.scale)));
    value = combine(ReduceKind::kSum, o.dtype, e_.load(o.dtype, buffer(o.access), at),
                    scalar_operand(o, 1));
  } else if (o.kind == LoopOpKind::kAccumulate) {
    if (Value first = is_first(o)) {
      Value before = ir_.CreateSelect(first, identity(o.reduce, o.dtype, 1),
                                      e_.load(o.dtype, buffer(o.access), at));
      value = combine(o.reduce, o.dtype, before, value);
    }
  }
  e_.store(o.dtype, value, buffer(o.access), at);
}

Value NestEmitter::is_first(const LoopOp& o) {
  Value first = nullptr;
  for (size_t d = 0; d < columns_; ++d) {
    if (o.access.strides[d] != 0 || nest_.dims[d] == 1) continue;
    const auto run = std::ranges::find(o.access.runs, d, &Run::dim);
    Value at_begin =
        run == o.access.runs.end()
            ? ir_.CreateICmpEQ(index_[d], begin_[d])
            : ir_.CreateICmpEQ(ir_.CreateURem(index_[d], e_.i64(run->length)), e_.i64(0));
    first = first == nullptr ? at_begin : ir_.CreateAnd(first, at_begin);
  }
  return first;
}

Value NestEmitter::apply(const LoopOp& o, std::span<const Value> operands) {
  const size_t typed = o.scalar == ScalarOp::kSelect ? 1 : 0;
  return e_.scalar_op(o.scalar, o.dtype, op(o.operands[typed]).dtype, operands);
}

Value NestEmitter::constant(const LoopOp& o, int lanes) {
  return e_.number(o.dtype, o.constant, lanes);
}

Value NestEmitter::identity(ReduceKind kind, DType dtype, int lanes) {
  LoopOp o;
  o.dtype = dtype;
  o.constant = reduce_identity(kind, dtype);
  return constant(o, lanes);
}

Value NestEmitter::clamped(Value index, DType dtype, int64_t limit) {
  const int lanes = Emitter::lanes_of(index);
  index = e_.cast(index, dtype, DType::kInt64);
  index =
      ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, index, e_.number(DType::kInt64, 0, lanes));
  return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, index,
                                   e_.number(DType::kInt64, limit - 1, lanes));
}

}  // namespace sinter::codegen
