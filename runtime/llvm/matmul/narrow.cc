// Emits narrow products: for each term a few vectors of rows and a splat of each column. Where the
// terms of a row lie side by side, as in x.W, a block of rows is turned in registers.
#include "runtime/llvm/matmul/narrow.h"

namespace sinter::codegen {

MatmulNarrow::MatmulNarrow(MatmulIr& ir, const MatmulPlan& plan, const MatmulRegion& region,
                           MatmulEpilogue& epilogue, MatmulRows* rows)
    : ir_(ir),
      plan_(plan),
      p_(plan.problem),
      region_(region),
      epilogue_(epilogue),
      whole_rows_(rows),
      levels_(matmul_sums(plan, region)),
      runs_(matmul_runs(plan)),
      totals_(ir, runs_) {
  mask_ = ir.mask(p_.columns);
  tile_ = ir.on_stack(p_.columns * plan.row_tiles.largest());
  if (rows == nullptr && !region.in_registers()) few_ = ir.on_stack(ir.block_terms());
  if (runs_.has_totals()) run_totals_ = totals_.on_stack(p_.columns * plan.row_tiles.largest());
}

void MatmulNarrow::set_sums(Values targets) {
  sums_ = std::move(targets);
  for (Value target : sums_) {
    for (int64_t level = 0; level < levels_.levels; ++level)
      ir_.store(ir_.nothing(), ir_.at(target, level * whole_columns()), mask_);
  }
}

void MatmulNarrow::emit(const PanelKind& kind, Value vector, Value batch, Value lhs, Value rhs) {
  Value row = ir_.mul(vector, ir_.lanes);
  lhs = ir_.at(lhs, ir_.mul(row, p_.lhs.free.stride()));
  const int64_t tile = p_.columns * kind.vectors;
  const Values nothing_yet(static_cast<size_t>(tile), ir_.zero());
  const auto total_at = [&](int64_t i) { return totals_.place(run_totals_, i); };
  int64_t begin = 0;
  if (runs_.has_totals()) {
    totals_.clear(run_totals_, tile);
    begin = p_.depth / runs_.terms * runs_.terms;
    ir_.loop(ir_.index(0), ir_.index(begin), runs_.terms, [&](Value k) {
      Values of_run = nothing_yet;
      sum_range(of_run, kind, lhs, rhs, k, ir_.add(k, runs_.terms));
      for (int64_t i = 0; i < tile; ++i) totals_.add(of_run[static_cast<size_t>(i)], total_at(i));
    });
  }
  Values acc = nothing_yet;
  const int64_t whole = p_.depth / plan_.unroll * plan_.unroll;
  if (whole > begin) sum_range(acc, kind, lhs, rhs, ir_.index(begin), ir_.index(whole));
  if (whole < p_.depth)
    sum_terms(acc, kind, ir_.at(lhs, ir_.index(whole * p_.lhs.depth.stride())),
              ir_.at(rhs, ir_.index(whole * p_.rhs.depth.stride())), p_.depth - whole);
  for (int64_t i = 0; i < tile && runs_.has_totals(); ++i)
    acc[static_cast<size_t>(i)] = totals_.with(acc[static_cast<size_t>(i)], total_at(i));
  finish(acc, kind, ir_.add(ir_.mul(batch, p_.rows), row));
}

void MatmulNarrow::sum_range(Values& acc, const PanelKind& kind, Value lhs, Value rhs, Value begin,
                             Value end) {
  const Values start = acc;
  acc = ir_.e.loop(begin, end, plan_.unroll, start, [&](Value k, std::span<const Value> carried) {
    acc.assign(carried.begin(), carried.end());
    sum_terms(acc, kind, ir_.at(lhs, ir_.mul(k, p_.lhs.depth.stride())),
              ir_.at(rhs, ir_.mul(k, p_.rhs.depth.stride())), plan_.unroll);
    return acc;
  });
}

// acc[column][vector] grows by `terms` terms.
void MatmulNarrow::sum_terms(Values& acc, const PanelKind& kind, Value lhs, Value rhs,
                             int64_t terms) {
  const int64_t vectors = kind.vectors;
  const auto rows_of = [&](int64_t v) {
    return v + 1 == vectors ? kind.last_lanes : int64_t{ir_.lanes};
  };
  const bool turns = plan_.turns_rows();
  std::vector<Values> left(static_cast<size_t>(vectors));  // [vector][term]
  for (int64_t v = 0; v < vectors; ++v) {
    Value first = ir_.at(lhs, v * ir_.lanes * p_.lhs.free.stride());
    if (turns)
      left[static_cast<size_t>(v)] =
          ir_.load_turned(first, p_.lhs.free.stride(), rows_of(v), terms);
    for (int64_t t = 0; !turns && t < terms; ++t) {
      left[static_cast<size_t>(v)].push_back(
          ir_.load(ir_.at(first, t * p_.lhs.depth.stride()), ir_.mask(rows_of(v))));
    }
  }
  const Emitter::OfLine line(ir_.e, Emitter::kProductLine);
  for (int64_t t = 0; t < terms; ++t) {
    for (int64_t j = 0; j < p_.columns; ++j) {
      Value right =
          ir_.load_splat(ir_.at(rhs, t * p_.rhs.depth.stride() + j * p_.rhs.free.stride()));
      for (int64_t v = 0; v < vectors; ++v) {
        Value& sum = acc[static_cast<size_t>(j * vectors + v)];
        sum = ir_.multiply_add(left[static_cast<size_t>(v)][static_cast<size_t>(t)], right, sum);
      }
    }
  }
}

// The tile goes through the stack, a column after the other, and is read back by rows.
void MatmulNarrow::finish(const Values& acc, const PanelKind& kind, Value row) {
  if (whole_rows_ != nullptr) return finish_whole_rows(acc, kind, row);
  ir_.store_all(acc, tile_);
  const int64_t stride = kind.vectors * ir_.lanes, block = ir_.block_terms();
  const int64_t existing = stride - ir_.lanes + kind.last_lanes, whole = existing / block * block;
  const auto rows_from = [&](Value first, int64_t count) {
    finish_rows(ir_.load_turned(ir_.at(tile_, first), stride, p_.columns, count),
                ir_.add(row, first));
  };
  ir_.loop(ir_.index(0), ir_.index(whole), block, [&](Value r) { rows_from(r, block); });
  if (whole < existing) rows_from(ir_.index(whole), existing - whole);
  for (Value sum : sums_)
    ir_.settle(levels_, row, ir_.add(row, existing), p_.dtype, sum, whole_columns(), ir_.lanes,
               mask_);
}

// A vector of rows after the other, as they are.
void MatmulNarrow::finish_whole_rows(const Values& acc, const PanelKind& kind, Value row) {
  if (kind.vectors == 1) return whole_rows_->emit(row, kind.last_lanes, acc);
  ir_.store_all(acc, tile_);
  const auto vector_of_rows = [&](Value v, int64_t rows) {
    Value first = ir_.mul(v, ir_.lanes);
    Values product;
    for (int64_t j = 0; j < p_.columns; ++j)
      product.push_back(ir_.load(ir_.at(ir_.at(tile_, first), j * kind.vectors * ir_.lanes)));
    whole_rows_->emit(ir_.add(row, first), rows, product);
  };
  const int64_t whole = kind.last_lanes == ir_.lanes ? kind.vectors : kind.vectors - 1;
  ir_.loop(ir_.index(0), ir_.index(whole), 1, [&](Value v) { vector_of_rows(v, ir_.lanes); });
  if (whole < kind.vectors) vector_of_rows(ir_.index(whole), kind.last_lanes);
}

void MatmulNarrow::finish_rows(const Values& rows, Value row) {
  Values sums(sums_.size(), nullptr);
  if (few_ == nullptr) {
    epilogue_.begin_tile();
    for (size_t r = 0; r < rows.size(); ++r)
      epilogue_.emit({row, ir_.index(0), static_cast<int64_t>(r), 0, mask_, rows[r]}, sums);
  } else {
    ir_.store_all(rows, few_);
    const Values none(sums_.size(), ir_.nothing());
    sums = ir_.e.loop(ir_.index(0), ir_.index(static_cast<int64_t>(rows.size())), 1, none,
                      [&](Value r, std::span<const Value> carried) {
                        epilogue_.begin_tile();
                        Values grown(carried.begin(), carried.end());
                        epilogue_.emit({ir_.add(row, r), ir_.index(0), 0, 0, mask_,
                                        ir_.load(ir_.at(few_, ir_.mul(r, ir_.lanes)))},
                                       grown);
                        return grown;
                      });
  }
  for (size_t i = 0; i < sums_.size(); ++i)
    ir_.store(ir_.b.CreateFAdd(ir_.load(sums_[i], mask_), sums[i]), sums_[i], mask_);
}

}  // namespace sinter::codegen
