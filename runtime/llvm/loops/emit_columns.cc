// The columns of a row: vector chunks with a masked rest, in as many passes as reductions ask for.
#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "runtime/llvm/loops/emit_nest.h"

namespace sinter::codegen {

namespace {

constexpr int64_t kRandomGroup = 64;  // elements whose four words come from one set of blocks
constexpr int64_t kRandomBlock = 8;   // elements whose 16 bits come from one block

}  // namespace

Value NestEmitter::whole_columns(int64_t block) {
  Value begin = begin_[columns_];
  Value blocks = ir_.CreateSDiv(ir_.CreateSub(end_[columns_], begin), e_.i64(block));
  return ir_.CreateAdd(begin, ir_.CreateMul(blocks, e_.i64(block)));
}

int64_t NestEmitter::element_ops() const {
  int64_t count = 0;
  for (size_t k = 0; k < nest_.ops.size(); ++k) {
    const LoopOp& o = nest_.ops[k];
    if (needed_[k] && o.level == Level::kElement)
      count += o.kind == LoopOpKind::kScalar   ? std::max<int64_t>(1, scalar_op_cost(o.scalar))
               : o.kind == LoopOpKind::kRandom ? 60
                                               : 1;
  }
  return count;
}

bool NestEmitter::is_unrolled() const {
  const int64_t chunks = (nest_.dims[columns_] + lanes_ - 1) / lanes_;
  const bool whole = nest_.split != static_cast<int>(columns_) || pieces_ == 1;
  return whole && chunks <= 8 && chunks * element_ops() <= 256;
}

bool NestEmitter::has_random(std::span<const size_t> roots) const {
  std::vector<bool> reached(nest_.ops.size(), false);
  for (size_t k : roots) reached[k] = true;
  for (size_t k = nest_.ops.size(); k-- > 0;) {
    if (!reached[k]) continue;
    if (nest_.ops[k].kind == LoopOpKind::kRandom && nest_.ops[k].level == Level::kElement)
      return true;
    for (int o : nest_.ops[k].operands) reached[static_cast<size_t>(o)] = true;
  }
  return false;
}

bool NestEmitter::is_aligned(const LoopOp& o) const {
  const int64_t unit = o.scale == 16 ? kRandomBlock : kRandomGroup;
  for (size_t d = 0; d < columns_; ++d) {
    if (o.access.strides[d] % unit != 0) return false;
  }
  return o.access.strides[columns_] == 1 && o.access.offset % unit == 0;
}

int64_t NestEmitter::random_group(std::span<const size_t> roots) {
  bits16_vectors_ = 1;
  if (!has_random(roots) || lanes_ > 16) return 0;
  bool words = false;
  for (const LoopOp& o : nest_.ops) {
    if (o.kind != LoopOpKind::kRandom) continue;
    if (!is_aligned(o)) return 0;
    words |= o.scale != 16;
  }
  if (words) return kRandomGroup;
  // A second vector fills the time in which the first one's products are under way.
  const int64_t group = bits16_elements(e_, 1), columns = nest_.dims[columns_];
  if (lanes_ > 1 && (columns % (2 * group) == 0 || columns > 16 * group)) bits16_vectors_ = 2;
  return group * bits16_vectors_;
}

void NestEmitter::emit_pass(const std::vector<size_t>& reductions, const std::vector<size_t>& sinks,
                            bool unrolled) {
  std::vector<size_t> roots = reductions;
  roots.insert(roots.end(), sinks.begin(), sinks.end());
  const int64_t columns = nest_.dims[columns_], random = random_group(roots);
  Values start;
  for (size_t k : reductions) start_reduction(k, start);
  if (unrolled) {
    Values carried = start;
    const auto count = static_cast<size_t>((columns + lanes_ - 1) / lanes_);
    chunks_.resize(count);
    const bool one_group = random > 0 && columns <= kRandomGroup;
    if (one_group) bits16_vectors_ = 1;
    for (size_t c = 0; c < count; ++c) {
      Chunk& chunk = chunks_[c];
      chunk.parts = one_group ? &row_parts_ : nullptr;
      chunk.group_part = one_group ? static_cast<int>(c) : -1;
      if (chunk.column == nullptr) {
        const int64_t at = static_cast<int64_t>(c) * lanes_;
        chunk.column = e_.i64(at);
        if (columns - at < lanes_) chunk.mask = e_.mask_below(e_.i64(columns - at), lanes_);
        chunk.values.assign(nest_.ops.size(), nullptr);
      }
      carried = emit_chunk(chunk, reductions, sinks, carried);
    }
    return finish_reductions(reductions, carried);
  }
  const int64_t unroll = random > 0                                   ? random / lanes_
                         : !reductions.empty() || element_ops() <= 12 ? 4
                                                                      : 1;
  const int64_t block = unroll * lanes_;
  Value begin = begin_[columns_], end = end_[columns_];
  Value main_end = whole_columns(block), full_end = whole_columns(lanes_);
  // Each of the `unroll` chunks has its own totals, so that additions overlap.
  Values carried;
  for (int64_t u = 0; u < unroll; ++u) carried.insert(carried.end(), start.begin(), start.end());
  const size_t width = start.size();
  const auto add = [&](Value i, std::span<const Value> now) {
    Values next;
    RandomParts parts;
    std::vector<Chunk> group(static_cast<size_t>(unroll));
    for (size_t u = 0; u < group.size(); ++u) {
      group[u].column = u == 0 ? i : ir_.CreateNSWAdd(i, e_.i64(static_cast<int64_t>(u) * lanes_));
      group[u].values.assign(nest_.ops.size(), nullptr);
      group[u].parts = random > 0 ? &parts : nullptr;
      group[u].group_part = random > 0 ? static_cast<int>(u) : -1;
      const Values mine = emit_chunk(group[u], reductions, sinks, now.subspan(u * width, width));
      next.insert(next.end(), mine.begin(), mine.end());
    }
    return next;
  };
  const auto combine_chunks = [&](Values& totals, std::span<const Value> others) {
    for (size_t u = 0; u < static_cast<size_t>(unroll); ++u) {
      Values mine(totals.begin() + static_cast<int64_t>(u * width),
                  totals.begin() + static_cast<int64_t>((u + 1) * width));
      combine_totals(reductions, mine, others.subspan(u * width, width));
      std::ranges::copy(mine, totals.begin() + static_cast<int64_t>(u * width));
    }
  };
  const bool sums = std::ranges::any_of(reductions, [&](size_t k) {
    const LoopOp& o = nest_.ops[k];
    return o.kind == LoopOpKind::kReduce && o.reduce == ReduceKind::kSum && is_floating(o.dtype);
  });
  const int64_t steps = columns / block;
  carried = in_runs(begin, main_end, block, steps, sums ? kRunTerms : steps, Values(carried),
                    carried, add, combine_chunks);
  Values total(carried.begin(), carried.begin() + static_cast<int64_t>(width));
  for (size_t u = 1; u < static_cast<size_t>(unroll); ++u) {
    const std::span<const Value> other = std::span<const Value>(carried).subspan(u * width, width);
    combine_totals(reductions, total, other);
  }
  const auto one_chunk = [&](Value i, std::span<const Value> now, Value mask) {
    Chunk chunk;
    chunk.column = i;
    chunk.mask = mask;
    chunk.values.assign(nest_.ops.size(), nullptr);
    return emit_chunk(chunk, reductions, sinks, now);
  };
  if (unroll > 1)
    total = e_.loop(main_end, full_end, lanes_, total, [&](Value i, std::span<const Value> now) {
      return one_chunk(i, now, nullptr);
    });
  // At most one chunk with a mask.
  if (lanes_ > 1) {
    total = e_.loop(full_end, end, lanes_, total, [&](Value i, std::span<const Value> now) {
      return one_chunk(i, now, e_.mask_below(ir_.CreateSub(end, i), lanes_));
    });
  }
  finish_reductions(reductions, total);
}

Values NestEmitter::emit_chunk(Chunk& chunk, std::span<const size_t> reductions,
                               std::span<const size_t> sinks, std::span<const Value> carried) {
  Values next;
  size_t at = 0;
  for (size_t k : reductions) {
    const LoopOp& o = nest_.ops[k];
    Value value = element_value(chunk, static_cast<size_t>(o.operands[0]));
    const Emitter::OfLine line = of_op(k);
    if (o.kind == LoopOpKind::kReduce) {
      if (chunk.mask != nullptr)
        value = ir_.CreateSelect(chunk.mask, value, identity(o.reduce, o.dtype, lanes_));
      next.push_back(combine(o.reduce, o.dtype, carried[at++], value));
    } else {
      Value column =
          ir_.CreateAdd(e_.splat(ir_.CreateTrunc(chunk.column, ir_.getInt32Ty()), lanes_),
                        e_.lane_numbers(ir_.getInt32Ty(), lanes_));
      Value take = beats(o, carried[at], carried[at + 1], value);
      if (chunk.mask != nullptr) take = ir_.CreateAnd(take, chunk.mask);
      next.push_back(ir_.CreateSelect(take, value, carried[at]));
      next.push_back(ir_.CreateSelect(take, column, carried[at + 1]));
      at += 2;
    }
  }
  for (size_t k : sinks) {
    for (int o : nest_.ops[k].operands) element_value(chunk, static_cast<size_t>(o));
  }
  for (size_t k : sinks) element_sink(chunk, k);
  return next;
}

void NestEmitter::element_sink(Chunk& chunk, size_t k) {
  const LoopOp& o = nest_.ops[k];
  Value value = element_value(chunk, static_cast<size_t>(o.operands[0]));
  const Emitter::OfLine line = of_op(k);
  if (o.kind == LoopOpKind::kAccumulateAt) {
    Value index = clamped(value, op(o.operands[0]).dtype, o.limit);
    Value update = element_value(chunk, static_cast<size_t>(o.operands[1]));
    // Lanes share one index (it belongs to the row) or the nest has one lane.
    if (lanes_ > 1) index = e_.lane(index, 0);
    Value at = ir_.CreateAdd(ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(index, e_.i64(o.scale))),
                             ir_.CreateMul(chunk.column, e_.i64(o.access.strides[columns_])));
    update = combine(ReduceKind::kSum, o.dtype,
                     e_.load(o.dtype, buffer(o.access), at, lanes_, chunk.mask), update);
    return e_.store(o.dtype, update, buffer(o.access), at, chunk.mask);
  }
  if (o.kind == LoopOpKind::kAccumulate) {
    if (Value first = is_first(o)) {
      Value before = ir_.CreateSelect(first, identity(o.reduce, o.dtype, lanes_), load(chunk, k));
      value = combine(o.reduce, o.dtype, before, value);
    }
  }
  const int64_t stride = o.access.strides[columns_];
  SINTER_CHECK(stride != 0 || lanes_ == 1 || nest_.dims[columns_] == 1, nest_.to_string(1));
  if (streaming_ && o.stream && chunk.mask == nullptr) {
    e_.stream(o.dtype, value, buffer(o.access), ir_.CreateAdd(row_offsets_[k], chunk.column));
  } else if (stride == 1 || lanes_ == 1 || nest_.dims[columns_] == 1) {
    e_.store(o.dtype, value, buffer(o.access),
             ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(chunk.column, e_.i64(stride))),
             chunk.mask);
  } else {
    e_.store_lanes(o.dtype, value, buffer(o.access), lane_offsets(chunk, k), chunk.mask);
  }
}

Value NestEmitter::lane_offsets(const Chunk& chunk, size_t k) {
  const int64_t stride = nest_.ops[k].access.strides[columns_];
  Value along = ir_.CreateMul(lane_columns(chunk), e_.number(DType::kInt64, stride, lanes_));
  return ir_.CreateAdd(e_.splat(row_offsets_[k], lanes_), along);
}

Value NestEmitter::load(const Chunk& chunk, size_t k) {
  const LoopOp& o = nest_.ops[k];
  const int64_t stride = o.access.strides[columns_];
  if (stride == 0) return e_.splat(e_.load(o.dtype, buffer(o.access), row_offsets_[k]), lanes_);
  if (stride == 1 || lanes_ == 1) {
    return e_.load(o.dtype, buffer(o.access),
                   ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(chunk.column, e_.i64(stride))),
                   lanes_, chunk.mask);
  }
  return e_.load_lanes(o.dtype, buffer(o.access), lane_offsets(chunk, k), lanes_, chunk.mask);
}

// Operands first, in their order. Not by recursion: an expression may be tens of thousands of ops
// deep.
Value NestEmitter::element_value(Chunk& chunk, size_t k) {
  std::vector<std::pair<size_t, size_t>> open = {{k, 0}};  // an op, its next operand
  while (!open.empty()) {
    auto& [at, next] = open.back();
    const LoopOp& o = nest_.ops[at];
    if (chunk.values[at] != nullptr) {
      open.pop_back();
    } else if (o.level != Level::kElement) {
      chunk.values[at] = o.kind == LoopOpKind::kScalar && o.scalar == ScalarOp::kConstant
                             ? constant(o, lanes_)
                             : e_.splat(row_[at], lanes_);
    } else if (next < element_operands(o)) {
      open.emplace_back(static_cast<size_t>(o.operands[next++]), 0);
    } else {
      chunk.values[at] = compute(chunk, at);
    }
  }
  return chunk.values[k];
}

// How many of its operands an op reads element by element.
size_t NestEmitter::element_operands(const LoopOp& o) const {
  if (o.kind == LoopOpKind::kScalar) return o.operands.size();
  return o.kind == LoopOpKind::kLoadAt && !is_row_at_index(o) ? 1 : 0;
}

// Does the op load neighbours from where an index of the whole row says?
bool NestEmitter::is_row_at_index(const LoopOp& o) const {
  return op(o.operands[0]).level != Level::kElement &&
         (o.access.strides[columns_] == 1 || lanes_ == 1);
}

Value NestEmitter::compute(Chunk& chunk, size_t k) {
  const Emitter::OfLine line = of_op(k);
  const LoopOp& o = nest_.ops[k];
  switch (o.kind) {
    case LoopOpKind::kLoad: return load(chunk, k);
    case LoopOpKind::kLoadAt: {
      const auto index_op = static_cast<size_t>(o.operands[0]);
      if (is_row_at_index(o)) {
        const int64_t stride = o.access.strides[columns_];
        Value base =
            ir_.CreateAdd(row_offsets_[k],
                          ir_.CreateMul(clamped(row_[index_op], op(o.operands[0]).dtype, o.limit),
                                        e_.i64(o.scale)));
        return e_.load(o.dtype, buffer(o.access),
                       ir_.CreateAdd(base, ir_.CreateMul(chunk.column, e_.i64(stride))), lanes_,
                       chunk.mask);
      }
      Value index = clamped(element_value(chunk, index_op), op(o.operands[0]).dtype, o.limit);
      Value offsets = ir_.CreateAdd(
          lane_offsets(chunk, k), ir_.CreateMul(index, e_.number(DType::kInt64, o.scale, lanes_)));
      return e_.load_lanes(o.dtype, buffer(o.access), offsets, lanes_, chunk.mask);
    }
    case LoopOpKind::kIndex: return e_.cast(lane_columns(chunk), DType::kInt64, o.dtype);
    case LoopOpKind::kRandom: return random(chunk, k);
    case LoopOpKind::kScalar: {
      Values operands;
      for (int operand : o.operands)
        operands.push_back(element_value(chunk, static_cast<size_t>(operand)));
      return apply(o, operands);
    }
    default: raise_internal("a value", nest_.to_string(1));
  }
}

Value NestEmitter::random(Chunk& chunk, size_t k) {
  const LoopOp& o = nest_.ops[k];
  if (o.scale == 16 && (chunk.parts != nullptr || (is_aligned(o) && lanes_ % kRandomBlock == 0)))
    return random_bits16(chunk, k);
  if (chunk.parts == nullptr) return random_elements(k, lane_offsets(chunk, k));
  // Vector `group_part` of a group of 64 elements: word w of blocks that start at 16 * group +
  // first.
  const int per_row = 16 / lanes_;
  const int word = chunk.group_part / per_row, part = chunk.group_part % per_row;
  Values& words = (*chunk.parts)[{k, part}];
  if (words.empty()) {
    Value element = ir_.CreateAdd(row_offsets_[k], chunk.column);
    Value group = ir_.CreateLShr(element, uint64_t{6});
    Value first = ir_.CreateAdd(ir_.CreateShl(group, uint64_t{4}), e_.i64(part * lanes_));
    words = emit_philox_words(e_, keys_.at(k), first, lanes_);
  }
  return random_value(e_, words[static_cast<size_t>(word)], o.dtype);
}

Value NestEmitter::random_bits16(Chunk& chunk, size_t k) {
  // Vectors of the part that one call of Philox gives, and which of them this is.
  const int vectors = chunk.parts == nullptr ? 1 : bits16_elements(e_, bits16_vectors_) / lanes_;
  const int vector = chunk.parts == nullptr ? 0 : chunk.group_part % vectors;
  Values alone;
  Values& numbers =
      chunk.parts == nullptr ? alone : (*chunk.parts)[{k, chunk.group_part / vectors}];
  if (numbers.empty()) {
    Value element = ir_.CreateSub(ir_.CreateAdd(row_offsets_[k], chunk.column),
                                  e_.i64(int64_t{vector} * lanes_));
    numbers = emit_bits16(e_, keys_.at(k), ir_.CreateLShr(element, uint64_t{3}),
                          chunk.parts == nullptr ? 1 : bits16_vectors_);
  }
  const int length = Emitter::lanes_of(numbers[0]), at = vector * lanes_;
  Value source = numbers[static_cast<size_t>(at / length)];
  llvm::Type* type = e_.type(DType::kInt32, lanes_);
  if (lanes_ == 1) return ir_.CreateZExt(e_.lane(source, at % length), type);
  std::vector<int> lanes(static_cast<size_t>(lanes_));
  std::iota(lanes.begin(), lanes.end(), at % length);
  return ir_.CreateZExt(ir_.CreateShuffleVector(source, lanes), type);
}

Value NestEmitter::random_elements(size_t k, Value elements) {
  const LoopOp& o = nest_.ops[k];
  if (o.scale == 16) return emit_bits16_elements(e_, keys_.at(k), elements);
  return random_value(e_, emit_philox_elements(e_, keys_.at(k), elements), o.dtype);
}

}  // namespace sinter::codegen
