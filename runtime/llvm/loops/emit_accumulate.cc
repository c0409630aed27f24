// Reductions over rows alone: blocks of columns outside, rows inside, totals in registers. Each
// total takes its rows in order, long sums in runs.
#include <algorithm>

#include "runtime/llvm/loops/emit_nest.h"

namespace sinter::codegen {

void NestEmitter::emit_accumulations() {
  sinks_.clear();
  for (size_t k = 0; k < nest_.ops.size(); ++k) {
    if (needed_[k] && is_sink(nest_.ops[k])) sinks_.push_back(k);
  }
  constexpr int64_t kTotals = 8;  // in registers, with room for what is added
  const int64_t vectors = std::clamp<int64_t>(kTotals / static_cast<int64_t>(sinks_.size()), 1, 4);
  const int64_t block = vectors * lanes_;
  Value begin = begin_[columns_], end = end_[columns_];
  Value main_end = whole_columns(block), full_end = whole_columns(lanes_);
  e_.loop(begin, main_end, block, [&](Value i) { accumulate_block(i, vectors, nullptr); });
  if (vectors > 1)
    e_.loop(main_end, full_end, lanes_, [&](Value i) { accumulate_block(i, 1, nullptr); });
  e_.loop(full_end, end, lanes_,
          [&](Value i) { accumulate_block(i, 1, e_.mask_below(ir_.CreateSub(end, i), lanes_)); });
}

void NestEmitter::accumulate_block(Value column, int64_t vectors, Value mask) {
  std::vector<Value> at;
  for (int64_t v = 0; v < vectors; ++v)
    at.push_back(v == 0 ? column : ir_.CreateNSWAdd(column, e_.i64(v * lanes_)));
  Values totals;
  for (size_t v = 0; v < at.size(); ++v) {
    for (size_t k : sinks_)
      totals.push_back(identity(nest_.ops[k].reduce, nest_.ops[k].dtype, lanes_));
  }
  totals = accumulate_rows(0, at, mask, totals);
  for (size_t v = 0; v < at.size(); ++v) {
    for (size_t n = 0; n < sinks_.size(); ++n) {
      const LoopOp& o = nest_.ops[sinks_[n]];
      e_.store(o.dtype, totals[v * sinks_.size() + n], buffer(o.access),
               ir_.CreateAdd(row_offset(o.access), at[v]), mask);
    }
  }
}

Values NestEmitter::accumulate_rows(size_t d, std::span<const Value> at, Value mask,
                                    std::span<const Value> totals) {
  if (d < columns_) {
    int64_t inside = 1;  // rows of a step
    for (size_t k = d + 1; k < columns_; ++k) inside *= nest_.dims[k];
    Values none;
    for (size_t v = 0; v < at.size(); ++v) {
      for (size_t k : sinks_)
        none.push_back(identity(nest_.ops[k].reduce, nest_.ops[k].dtype, lanes_));
    }
    const auto combine_all = [&](Values& sums, std::span<const Value> others) {
      for (size_t n = 0; n < sums.size(); ++n) {
        const LoopOp& o = nest_.ops[sinks_[n % sinks_.size()]];
        sums[n] = combine(o.reduce, o.dtype, sums[n], others[n]);
      }
    };
    // Steps of many rows have sums of their own.
    const bool apart = inside > kRunTerms / 2;
    const int64_t run = apart ? kRunTerms : kRunTerms / inside;
    return in_runs(
        begin_[d], end_[d], 1, nest_.dims[d], run, none, totals,
        [&](Value i, std::span<const Value> now) {
          index_[d] = i;
          if (!apart) return accumulate_rows(d + 1, at, mask, now);
          Values sums(now.begin(), now.end());
          combine_all(sums, accumulate_rows(d + 1, at, mask, none));
          return sums;
        },
        combine_all);
  }
  begin_row();
  Values next;
  for (Value column : at) {
    Chunk chunk;
    chunk.column = column;
    chunk.mask = mask;
    chunk.values.assign(nest_.ops.size(), nullptr);
    for (size_t k : sinks_) {
      const LoopOp& o = nest_.ops[k];
      next.push_back(combine(o.reduce, o.dtype, totals[next.size()],
                             element_value(chunk, static_cast<size_t>(o.operands[0]))));
    }
  }
  return next;
}

}  // namespace sinter::codegen
