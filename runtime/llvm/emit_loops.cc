// A nest is emitted from the outside in: what is uniform, the row loops, what a row needs, then the columns in vector chunks, once a
// pass. Values are made where they are first asked for and remembered for as long as they stay true: a piece, a row, a chunk.
#include "runtime/llvm/emit_loops.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/error.h"
#include "runtime/llvm/emit.h"
#include "runtime/llvm/emit_random.h"

namespace sinter::codegen {
namespace {

constexpr int64_t kRandomGroup = 64;  // elements whose four words come from one set of blocks

class NestEmitter {
 public:
  NestEmitter(Emitter& e, const LoopProgram& program, const LoopNest& nest, int pieces)
      : e_(e), ir_(e.ir()), program_(program), nest_(nest), pieces_(pieces), columns_(static_cast<size_t>(nest.columns())) {}

  void emit() {
    lanes_ = choose_lanes();
    begin_.assign(nest_.dims.size(), e_.i64(0));
    end_.clear();
    for (int64_t d : nest_.dims) end_.push_back(e_.i64(d));
    if (pieces_ > 1 && nest_.split >= 0) choose_range();
    const auto body = [&] {
      outer_.assign(nest_.ops.size(), nullptr);
      keys_.clear();
      index_.assign(nest_.dims.size(), nullptr);
      find_needed();
      for (size_t k = 0; k < nest_.ops.size(); ++k) {
        if (!needed_[k]) continue;
        if (nest_.ops[k].kind == LoopOpKind::kRandom) keys_[k] = load_philox_key(e_, buffer(nest_.ops[k].access), nest_.ops[k].limit);
        if (nest_.ops[k].level == Level::kUniform) outer_[k] = scalar_value(k);
      }
      emit_rows(0);
    };
    if (pieces_ > 1 && nest_.split < 0) e_.when(ir_.CreateICmpEQ(e_.piece(), e_.i64(0)), body);
    else body();
  }

 private:
  // --- choices

  int choose_lanes() const {
    if (nest_.scalar) return 1;
    int64_t widest = 4;
    for (const LoopOp& op : nest_.ops) {
      if (op.level == Level::kElement && op.kind != LoopOpKind::kIndex) widest = std::max(widest, dtype_size(op.dtype));
    }
    return e_.cpu().lanes(widest);
  }

  void choose_range() {
    const auto s = static_cast<size_t>(nest_.split);
    const int64_t extent = nest_.dims[s];
    if (s == columns_) {
      const int64_t each = columns_per_piece(extent, pieces_);
      begin_[s] = ir_.CreateMul(e_.piece(), e_.i64(each));
      end_[s] = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir_.CreateAdd(begin_[s], e_.i64(each)), e_.i64(extent));
      return;
    }
    // The first extent % pieces pieces have one row more.
    const int64_t each = extent / pieces_, more = extent % pieces_;
    const auto start = [&](Value piece) {
      return ir_.CreateAdd(ir_.CreateMul(piece, e_.i64(each)), ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, piece, e_.i64(more)));
    };
    begin_[s] = start(e_.piece());
    end_[s] = start(ir_.CreateAdd(e_.piece(), e_.i64(1)));
  }

  static bool is_sink(const LoopOp& op) {
    return op.kind == LoopOpKind::kStore || op.kind == LoopOpKind::kAccumulate || op.kind == LoopOpKind::kAccumulateAt;
  }
  static bool is_reduction(const LoopOp& op) { return op.kind == LoopOpKind::kReduce || op.kind == LoopOpKind::kArgReduce; }
  const LoopOp& op(int k) const { return nest_.ops[static_cast<size_t>(k)]; }

  void find_needed() {
    needed_.assign(nest_.ops.size(), false);
    for (size_t k = nest_.ops.size(); k-- > 0;) {
      if (is_sink(nest_.ops[k])) needed_[k] = true;
      if (!needed_[k]) continue;
      for (int o : nest_.ops[k].operands) needed_[static_cast<size_t>(o)] = true;
    }
  }

  // --- addresses

  Value buffer(const Access& a) {
    const LoopBuffer& b = program_.buffers[static_cast<size_t>(a.buffer)];
    Value base = e_.buffer(b.argument);
    return b.byte_offset == 0 ? base : ir_.CreateConstGEP1_64(ir_.getInt8Ty(), base, static_cast<uint64_t>(b.byte_offset));
  }

  // The part of an element number that rows and piece decide.
  Value row_offset(const Access& a) {
    Value offset = e_.i64(a.offset);
    if (a.piece_stride != 0) offset = ir_.CreateAdd(offset, ir_.CreateMul(e_.piece(), e_.i64(a.piece_stride)));
    for (size_t d = 0; d < columns_; ++d) {
      if (a.strides[d] != 0) offset = ir_.CreateAdd(offset, ir_.CreateMul(index_[d], e_.i64(a.strides[d])));
    }
    return offset;
  }

  // --- rows

  void emit_rows(size_t d) {
    if (d == columns_) return emit_row();
    e_.loop(begin_[d], end_[d], 1, [&](Value i) {
      index_[d] = i;
      emit_rows(d + 1);
    });
  }

  void emit_row() {
    row_ = outer_;
    row_offsets_.assign(nest_.ops.size(), nullptr);
    chunks_.clear();
    for (size_t k = 0; k < nest_.ops.size(); ++k) {
      if (needed_[k] && !nest_.ops[k].access.strides.empty() && nest_.ops[k].access.buffer >= 0) row_offsets_[k] = row_offset(nest_.ops[k].access);
    }
    const bool unrolled = is_unrolled();
    for (int pass = 0; pass < nest_.passes(); ++pass) {
      for (size_t k = 0; k < nest_.ops.size(); ++k) {
        const LoopOp& o = nest_.ops[k];
        if (!needed_[k] || o.level == Level::kElement || o.pass != pass || is_reduction(o)) continue;
        if (is_sink(o)) row_sink(k);
        else if (row_[k] == nullptr) row_[k] = scalar_value(k);
      }
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

  // A value of one lane: uniform or of the row.
  Value scalar_value(size_t k) {
    const LoopOp& o = nest_.ops[k];
    switch (o.kind) {
      case LoopOpKind::kLoad: return e_.load(o.dtype, buffer(o.access), row_offset(o.access));
      case LoopOpKind::kLoadAt: {
        Value at = ir_.CreateAdd(row_offset(o.access), ir_.CreateMul(clamped(scalar_operand(o, 0), op(o.operands[0]).dtype, o.limit), e_.i64(o.scale)));
        return e_.load(o.dtype, buffer(o.access), at);
      }
      case LoopOpKind::kIndex: return e_.cast(index_[static_cast<size_t>(o.dim)], DType::kInt64, o.dtype);
      case LoopOpKind::kRandom: return random_value(e_, emit_philox_elements(e_, keys_.at(k), row_offset(o.access)), o.dtype);
      case LoopOpKind::kScalar: {
        if (o.scalar == ScalarOp::kConstant) return constant(o, 1);
        Values operands;
        for (size_t n = 0; n < o.operands.size(); ++n) operands.push_back(scalar_operand(o, n));
        return apply(o, operands);
      }
      default: raise_internal("a value", nest_.to_string(1));
    }
  }

  Value scalar_operand(const LoopOp& o, size_t n) {
    const auto k = static_cast<size_t>(o.operands[n]);
    Value v = row_.empty() ? outer_[k] : row_[k];
    SINTER_CHECK(v != nullptr, nest_.to_string(1));
    return v;
  }

  Value apply(const LoopOp& o, std::span<const Value> operands) {
    const size_t typed = o.scalar == ScalarOp::kSelect ? 1 : 0;
    return e_.scalar_op(o.scalar, o.dtype, op(o.operands[typed]).dtype, operands);
  }

  Value constant(const LoopOp& o, int lanes) {
    // 2^63 - 1 has no double of its own.
    if (o.dtype == DType::kInt64 && o.constant >= 9223372036854775808.0) return llvm::ConstantInt::get(e_.type(o.dtype, lanes), INT64_MAX);
    return e_.number(o.dtype, o.constant, lanes);
  }

  Value identity(ReduceKind kind, DType dtype, int lanes) {
    LoopOp o;
    o.dtype = dtype;
    o.constant = reduce_identity(kind, dtype);
    return constant(o, lanes);
  }

  Value combine(ReduceKind kind, DType dtype, Value a, Value b) { return e_.scalar_op(reduce_scalar_op(kind), dtype, dtype, std::vector<Value>{a, b}); }

  // An index clamped to 0 .. limit - 1, as i64.
  Value clamped(Value index, DType dtype, int64_t limit) {
    const int lanes = Emitter::lanes_of(index);
    index = e_.cast(index, dtype, DType::kInt64);
    index = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, index, e_.number(DType::kInt64, 0, lanes));
    return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, index, e_.number(DType::kInt64, static_cast<double>(limit - 1), lanes));
  }

  // Is this the first row of the piece that reaches the place accumulated into? Null when every row has its own place.
  Value is_first(const LoopOp& o) {
    Value first = nullptr;
    for (size_t d = 0; d < columns_; ++d) {
      if (o.access.strides[d] != 0 || nest_.dims[d] == 1) continue;
      Value at_begin = ir_.CreateICmpEQ(index_[d], begin_[d]);
      first = first == nullptr ? at_begin : ir_.CreateAnd(first, at_begin);
    }
    return first;
  }

  void row_sink(size_t k) {
    const LoopOp& o = nest_.ops[k];
    Value value = scalar_operand(o, 0);
    Value at = row_offsets_[k];
    if (o.kind == LoopOpKind::kAccumulateAt) {
      at = ir_.CreateAdd(at, ir_.CreateMul(clamped(value, op(o.operands[0]).dtype, o.limit), e_.i64(o.scale)));
      value = combine(ReduceKind::kSum, o.dtype, e_.load(o.dtype, buffer(o.access), at), scalar_operand(o, 1));
    } else if (o.kind == LoopOpKind::kAccumulate) {
      if (Value first = is_first(o)) {
        Value before = ir_.CreateSelect(first, identity(o.reduce, o.dtype, 1), e_.load(o.dtype, buffer(o.access), at));
        value = combine(o.reduce, o.dtype, before, value);
      }
    }
    e_.store(o.dtype, value, buffer(o.access), at);
  }

  // --- columns

  struct Chunk {
    Value column = nullptr;  // of the first lane
    Value mask = nullptr;    // null: all lanes
    int group_part = -1;     // which vector of an aligned group of 64 elements this is, or -1
    std::vector<Value> values;
    // Random words of the group, by op and part of 16 lanes; null where elements are not walked in groups.
    std::map<std::pair<size_t, int>, std::array<Value, 4>>* parts = nullptr;
  };

  int64_t element_ops() const {
    int64_t count = 0;
    for (size_t k = 0; k < nest_.ops.size(); ++k) {
      const LoopOp& o = nest_.ops[k];
      if (needed_[k] && o.level == Level::kElement) count += o.kind == LoopOpKind::kScalar ? std::max<int64_t>(1, scalar_op_cost(o.scalar)) : o.kind == LoopOpKind::kRandom ? 60 : 1;
    }
    return count;
  }

  // Short rows are written out, and values live from one pass to the next.
  bool is_unrolled() const {
    const int64_t chunks = (nest_.dims[columns_] + lanes_ - 1) / lanes_;
    const bool whole = nest_.split != static_cast<int>(columns_) || pieces_ == 1;
    return whole && chunks <= 8 && chunks * element_ops() <= 256;
  }

  bool has_random(std::span<const size_t> roots) const {
    std::vector<bool> reached(nest_.ops.size(), false);
    for (size_t k : roots) reached[k] = true;
    for (size_t k = nest_.ops.size(); k-- > 0;) {
      if (!reached[k]) continue;
      if (nest_.ops[k].kind == LoopOpKind::kRandom && nest_.ops[k].level == Level::kElement) return true;
      for (int o : nest_.ops[k].operands) reached[static_cast<size_t>(o)] = true;
    }
    return false;
  }

  // Random ops walk whole groups of 64 when the nest is one flat run of elements.
  bool groups_are_aligned() const {
    if (columns_ != 0 || lanes_ > 16) return false;
    return std::all_of(nest_.ops.begin(), nest_.ops.end(), [&](const LoopOp& o) {
      return o.kind != LoopOpKind::kRandom || (o.access.strides[0] == 1 && o.access.offset == 0);
    });
  }

  void emit_pass(const std::vector<size_t>& reductions, const std::vector<size_t>& sinks, bool unrolled) {
    std::vector<size_t> roots = reductions;
    roots.insert(roots.end(), sinks.begin(), sinks.end());
    const int64_t columns = nest_.dims[columns_];
    Values start;
    for (size_t k : reductions) start_reduction(k, start);
    if (unrolled) {
      Values carried = start;
      const auto count = static_cast<size_t>((columns + lanes_ - 1) / lanes_);
      chunks_.resize(count);
      for (size_t c = 0; c < count; ++c) {
        Chunk& chunk = chunks_[c];
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
    const bool random = has_random(roots) && groups_are_aligned();
    const int64_t unroll = random ? kRandomGroup / lanes_ : !reductions.empty() || element_ops() <= 12 ? 4 : 1;
    const int64_t block = unroll * lanes_;
    Value begin = begin_[columns_], end = end_[columns_];
    Value length = ir_.CreateSub(end, begin);
    const auto down_to = [&](int64_t multiple) { return ir_.CreateAdd(begin, ir_.CreateMul(ir_.CreateSDiv(length, e_.i64(multiple)), e_.i64(multiple))); };
    Value main_end = down_to(block), full_end = down_to(lanes_);
    // Each of the `unroll` chunks has its own totals, so that additions overlap.
    Values carried;
    for (int64_t u = 0; u < unroll; ++u) carried.insert(carried.end(), start.begin(), start.end());
    const size_t width = start.size();
    carried = e_.loop(begin, main_end, block, carried, [&](Value i, std::span<const Value> now) {
      Values next;
      std::map<std::pair<size_t, int>, std::array<Value, 4>> parts;
      std::vector<Chunk> group(static_cast<size_t>(unroll));
      for (size_t u = 0; u < group.size(); ++u) {
        group[u].column = u == 0 ? i : ir_.CreateNSWAdd(i, e_.i64(static_cast<int64_t>(u) * lanes_));
        group[u].values.assign(nest_.ops.size(), nullptr);
        group[u].parts = random ? &parts : nullptr;
        group[u].group_part = random ? static_cast<int>(u) : -1;
        const Values mine = emit_chunk(group[u], reductions, sinks, now.subspan(u * width, width));
        next.insert(next.end(), mine.begin(), mine.end());
      }
      return next;
    });
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
    if (unroll > 1) total = e_.loop(main_end, full_end, lanes_, total, [&](Value i, std::span<const Value> now) { return one_chunk(i, now, nullptr); });
    // At most one chunk with a mask.
    if (lanes_ > 1) {
      total = e_.loop(full_end, end, lanes_, total, [&](Value i, std::span<const Value> now) { return one_chunk(i, now, e_.mask_below(ir_.CreateSub(end, i), lanes_)); });
    }
    finish_reductions(reductions, total);
  }

  // --- reductions: one running value (sum, ...), or value and column (arg)

  void start_reduction(size_t k, Values& start) {
    const LoopOp& o = nest_.ops[k];
    if (o.kind == LoopOpKind::kReduce) {
      start.push_back(identity(o.reduce, o.dtype, lanes_));
    } else {
      start.push_back(llvm::Constant::getNullValue(e_.type(op(o.operands[0]).dtype, lanes_)));
      start.push_back(e_.number(DType::kInt32, -1, lanes_));
    }
  }

  // Does candidate (value, column) beat the best so far? NaN counts as the extreme; a column of -1 is none.
  Value beats(const LoopOp& o, Value best, Value best_column, Value value) {
    const DType dtype = op(o.operands[0]).dtype;
    const int lanes = Emitter::lanes_of(value);
    Value better = o.reduce == ReduceKind::kMax ? e_.scalar_op(ScalarOp::kLess, DType::kBool, dtype, std::vector<Value>{best, value})
                                                : e_.scalar_op(ScalarOp::kLess, DType::kBool, dtype, std::vector<Value>{value, best});
    if (is_floating(dtype)) {
      Value best_is_number = ir_.CreateFCmpORD(best, best);
      better = ir_.CreateAnd(best_is_number, ir_.CreateOr(better, ir_.CreateFCmpUNO(value, value)));
    }
    return ir_.CreateOr(better, ir_.CreateICmpSLT(best_column, e_.number(DType::kInt32, 0, lanes)));
  }

  void combine_totals(std::span<const size_t> reductions, Values& total, std::span<const Value> other) {
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

  // The better of two; of equals the one with the lower column.
  void merge_best(const LoopOp& o, Value& best, Value& best_column, Value value, Value column) {
    const int lanes = Emitter::lanes_of(value);
    Value zero = e_.number(DType::kInt32, 0, lanes);
    Value wins = beats(o, best, best_column, value);
    Value loses = beats(o, value, column, best);
    Value same = ir_.CreateAnd(ir_.CreateNot(ir_.CreateOr(wins, loses)), ir_.CreateICmpSLT(column, best_column));
    Value take = ir_.CreateAnd(ir_.CreateICmpSGE(column, zero), ir_.CreateOr(ir_.CreateOr(same, ir_.CreateAnd(wins, ir_.CreateNot(loses))), ir_.CreateICmpSLT(best_column, zero)));
    best = ir_.CreateSelect(take, value, best);
    best_column = ir_.CreateSelect(take, column, best_column);
  }

  void finish_reductions(std::span<const size_t> reductions, std::span<const Value> totals) {
    size_t at = 0;
    for (size_t k : reductions) {
      const LoopOp& o = nest_.ops[k];
      if (o.kind == LoopOpKind::kReduce) {
        row_[k] = e_.combine_lanes(totals[at++], [&](Value a, Value b) { return combine(o.reduce, o.dtype, a, b); });
        continue;
      }
      Value best = totals[at], column = totals[at + 1];
      at += 2;
      for (int lanes = lanes_; lanes > 1; lanes /= 2) {
        const auto half = [&](Value v, int from) {
          std::vector<int> which;
          for (int i = 0; i < lanes / 2; ++i) which.push_back(from + i);
          Value part = ir_.CreateShuffleVector(v, which);
          return lanes == 2 ? ir_.CreateExtractElement(part, uint64_t{0}) : part;
        };
        Value low = half(best, 0), low_column = half(column, 0);
        merge_best(o, low, low_column, half(best, lanes / 2), half(column, lanes / 2));
        best = low;
        column = low_column;
      }
      row_[k] = column;
    }
  }

  // --- one chunk

  // Computes everything the sinks need before any of them stores, because a result may share the memory of an input.
  Values emit_chunk(Chunk& chunk, std::span<const size_t> reductions, std::span<const size_t> sinks, std::span<const Value> carried) {
    Values next;
    size_t at = 0;
    for (size_t k : reductions) {
      const LoopOp& o = nest_.ops[k];
      Value value = element_value(chunk, static_cast<size_t>(o.operands[0]));
      if (o.kind == LoopOpKind::kReduce) {
        if (chunk.mask != nullptr) value = ir_.CreateSelect(chunk.mask, value, identity(o.reduce, o.dtype, lanes_));
        next.push_back(combine(o.reduce, o.dtype, carried[at++], value));
      } else {
        Value column = ir_.CreateAdd(e_.splat(ir_.CreateTrunc(chunk.column, ir_.getInt32Ty()), lanes_), e_.lane_numbers(ir_.getInt32Ty(), lanes_));
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

  void element_sink(Chunk& chunk, size_t k) {
    const LoopOp& o = nest_.ops[k];
    Value value = element_value(chunk, static_cast<size_t>(o.operands[0]));
    if (o.kind == LoopOpKind::kAccumulateAt) {
      Value index = clamped(value, op(o.operands[0]).dtype, o.limit);
      Value update = element_value(chunk, static_cast<size_t>(o.operands[1]));
      // Lanes share one index (it belongs to the row) or the nest has one lane.
      if (lanes_ > 1) index = ir_.CreateExtractElement(index, uint64_t{0});
      Value at = ir_.CreateAdd(ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(index, e_.i64(o.scale))), ir_.CreateMul(chunk.column, e_.i64(o.access.strides[columns_])));
      update = combine(ReduceKind::kSum, o.dtype, e_.load(o.dtype, buffer(o.access), at, lanes_, chunk.mask), update);
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
    if (stride == 1 || lanes_ == 1 || nest_.dims[columns_] == 1) {
      e_.store(o.dtype, value, buffer(o.access), ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(chunk.column, e_.i64(stride))), chunk.mask);
    } else {
      e_.store_lanes(o.dtype, value, buffer(o.access), lane_offsets(chunk, k), chunk.mask);
    }
  }

  Value lane_columns(const Chunk& chunk) { return ir_.CreateAdd(e_.splat(chunk.column, lanes_), e_.lane_numbers(ir_.getInt64Ty(), lanes_)); }

  Value lane_offsets(const Chunk& chunk, size_t k) {
    const int64_t stride = nest_.ops[k].access.strides[columns_];
    Value along = ir_.CreateMul(lane_columns(chunk), e_.number(DType::kInt64, static_cast<double>(stride), lanes_));
    return ir_.CreateAdd(e_.splat(row_offsets_[k], lanes_), along);
  }

  Value load(const Chunk& chunk, size_t k) {
    const LoopOp& o = nest_.ops[k];
    const int64_t stride = o.access.strides[columns_];
    if (stride == 0) return e_.splat(e_.load(o.dtype, buffer(o.access), row_offsets_[k]), lanes_);
    if (stride == 1 || lanes_ == 1) {
      return e_.load(o.dtype, buffer(o.access), ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(chunk.column, e_.i64(stride))), lanes_, chunk.mask);
    }
    return e_.load_lanes(o.dtype, buffer(o.access), lane_offsets(chunk, k), lanes_, chunk.mask);
  }

  Value element_value(Chunk& chunk, size_t k) {
    const LoopOp& o = nest_.ops[k];
    if (chunk.values[k] != nullptr) return chunk.values[k];
    Value result = nullptr;
    if (o.level != Level::kElement) {
      if (o.kind == LoopOpKind::kScalar && o.scalar == ScalarOp::kConstant) result = constant(o, lanes_);
      else result = e_.splat(row_[k], lanes_);
    } else {
      result = compute(chunk, k);
    }
    return chunk.values[k] = result;
  }

  Value compute(Chunk& chunk, size_t k) {
    const LoopOp& o = nest_.ops[k];
    switch (o.kind) {
      case LoopOpKind::kLoad: return load(chunk, k);
      case LoopOpKind::kLoadAt: {
        const auto index_op = static_cast<size_t>(o.operands[0]);
        const int64_t stride = o.access.strides[columns_];
        if (op(o.operands[0]).level != Level::kElement && (stride == 1 || lanes_ == 1)) {
          Value base = ir_.CreateAdd(row_offsets_[k], ir_.CreateMul(clamped(row_[index_op], op(o.operands[0]).dtype, o.limit), e_.i64(o.scale)));
          return e_.load(o.dtype, buffer(o.access), ir_.CreateAdd(base, ir_.CreateMul(chunk.column, e_.i64(stride))), lanes_, chunk.mask);
        }
        Value index = clamped(element_value(chunk, index_op), op(o.operands[0]).dtype, o.limit);
        Value offsets = ir_.CreateAdd(lane_offsets(chunk, k), ir_.CreateMul(index, e_.number(DType::kInt64, static_cast<double>(o.scale), lanes_)));
        return e_.load_lanes(o.dtype, buffer(o.access), offsets, lanes_, chunk.mask);
      }
      case LoopOpKind::kIndex: return e_.cast(lane_columns(chunk), DType::kInt64, o.dtype);
      case LoopOpKind::kRandom: return random(chunk, k);
      case LoopOpKind::kScalar: {
        Values operands;
        for (int operand : o.operands) operands.push_back(element_value(chunk, static_cast<size_t>(operand)));
        return apply(o, operands);
      }
      default: raise_internal("a value", nest_.to_string(1));
    }
  }

  Value random(Chunk& chunk, size_t k) {
    const LoopOp& o = nest_.ops[k];
    if (chunk.parts == nullptr) return random_value(e_, emit_philox_elements(e_, keys_.at(k), lane_offsets(chunk, k)), o.dtype);
    // Vector `group_part` of a group of 64 elements: word w of blocks that start at 16 * group + first.
    const int per_row = 16 / lanes_;
    const int word = chunk.group_part / per_row, part = chunk.group_part % per_row;
    const auto key = std::make_pair(k, part);
    if (!chunk.parts->contains(key)) {
      Value group = ir_.CreateLShr(chunk.column, uint64_t{6});
      Value first = ir_.CreateAdd(ir_.CreateShl(group, uint64_t{4}), e_.i64(part * lanes_));
      (*chunk.parts)[key] = emit_philox(e_, keys_.at(k), ir_.CreateAdd(e_.splat(first, lanes_), e_.lane_numbers(ir_.getInt64Ty(), lanes_)));
    }
    return random_value(e_, (*chunk.parts)[key][static_cast<size_t>(word)], o.dtype);
  }

  Emitter& e_;
  llvm::IRBuilder<>& ir_;
  const LoopProgram& program_;
  const LoopNest& nest_;
  int pieces_;
  size_t columns_;
  int lanes_ = 1;
  std::vector<bool> needed_;
  Values begin_, end_, index_;
  Values outer_, row_;  // values of one lane: uniform, and of the current row
  Values row_offsets_;
  std::map<size_t, PhiloxKey> keys_;
  std::vector<Chunk> chunks_;  // of an unrolled row
};

}  // namespace

void emit_phase(Emitter& emitter, const LoopProgram& program, const LoopPhase& phase, const std::string& name) {
  emitter.begin_kernel(name);
  for (const LoopNest& nest : phase.nests) NestEmitter(emitter, program, nest, phase.pieces).emit();
  emitter.end_function();
}

}  // namespace sinter::codegen
