// Emits one tile: accumulators as loop phis, for each term a few vectors of the right side and a
// splat of the left for each row.
#include "runtime/llvm/matmul/tile.h"

#include <functional>

#include "runtime/limits.h"
#include "runtime/llvm/matmul/pairs.h"

namespace sinter::codegen {
namespace {

// Chunks of fewer terms leave no time to ask for anything.
constexpr int64_t kAskingTerms = limit(128, 2);

}  // namespace

MatmulTile::MatmulTile(MatmulIr& ir, const MatmulPlan& plan, const MatmulRegion& region,
                       MatmulEpilogue* epilogue, MatmulRows* rows)
    : ir_(ir),
      b_(ir.b),
      plan_(plan),
      p_(plan.problem),
      region_(region),
      epilogue_(epilogue),
      whole_rows_(rows),
      levels_(matmul_sums(plan, region)),
      runs_(matmul_runs(plan)),
      totals_(ir, runs_) {
  if (rows != nullptr || (epilogue != nullptr && !region.in_registers()))
    stack_ = ir.on_stack(plan.row_tiles.largest() * plan.vectors.largest());
  if (runs_.terms > 0 && epilogue != nullptr)
    run_totals_ = totals_.on_stack(plan.row_tiles.largest() * plan.vectors.largest());
}

Value MatmulTile::lane_mask(const PanelKind& kind, int64_t vector) {
  return vector + 1 == kind.vectors ? ir_.mask(kind.last_lanes) : nullptr;
}

void MatmulTile::clear_sums(const PanelKind& kind, Value vector) {
  for (Value target : sums_) {
    for (int64_t v = 0; v < kind.vectors; ++v) {
      Value at = ir_.at(target, ir_.mul(ir_.add(vector, v), plan_.machine.lanes));
      for (int64_t level = 0; level < levels_.levels; ++level)
        ir_.store(ir_.nothing(), ir_.at(at, level * whole_columns()), lane_mask(kind, v));
    }
  }
}

void MatmulTile::set_depth(Panel& panel) {
  const EvenSplit& chunks = plan_.depth_chunks;
  if (chunks.count <= 1) {
    panel.begin = ir_.index(0);
    panel.end = ir_.index(p_.depth);
    return;
  }
  const auto at = [&](Value chunk) { return ir_.mul(ir_.begin_of(chunks, chunk), plan_.unroll); };
  panel.begin = at(panel.chunk);
  panel.end = ir_.min(at(ir_.add(panel.chunk, 1)), ir_.index(p_.depth));
}

void MatmulTile::emit(const Panel& panel, Value row, int64_t rows, Value number) {
  epilogue_->begin_tile();
  next_ = panel.next == nullptr
              ? nullptr
              : ir_.e.element(panel.next, DType::kUint8,
                              ir_.mul(number, plan_.prefetch.rows * panel.next_stride));
  next_stride_ = panel.next_stride;
  const int64_t lanes = plan_.machine.lanes, tile = rows * panel.kind.vectors;
  if (plan_.operands.rows > 0)
    operands_ = epilogue_->tile_operands(ir_.add(ir_.mul(panel.batch, p_.rows), row),
                                         ir_.mul(panel.vector, lanes));
  Accumulators acc(static_cast<size_t>(tile * plan_.sums), ir_.zero());
  const bool chunked = plan_.depth_chunks.count > 1;
  if (chunked) resume(acc, panel, row, rows);
  left_rows_.clear();
  for (int64_t r = 0; !plan_.tiles_in_line() && r < rows; ++r)
    left_rows_.push_back(ir_.offset(p_.lhs.free, ir_.add(row, r)));
  Value lhs =
      left_rows_.empty() ? ir_.at(panel.lhs, ir_.offset(p_.lhs.free, row)) : panel.lhs;
  // The left side counts terms from the start, a panel from the first one of the chunk.
  left_stride_ = plan_.left_panels ? rows : p_.lhs.depth.stride();
  left_row_stride_ = plan_.left_panels ? 1 : p_.lhs.free.stride();
  const bool counts_from_start = plan_.left_panels || !p_.lhs.depth.is_single();
  Value lhs_first =
      counts_from_start ? lhs : ir_.at(lhs, ir_.mul(panel.begin, p_.lhs.depth.stride()));
  Value count = b_.CreateSub(panel.end, panel.begin);
  // Pairs made on the way: the last one may be half of one.
  const bool half = plan_.packing == MatmulPlan::Packing::kJoin && plan_.terms % 2 != 0;
  if (half) count = ir_.index(p_.depth - 1);
  Value whole = ir_.mul(b_.CreateUDiv(count, ir_.index(plan_.unroll)), plan_.unroll);
  const int64_t in_runs = sum_runs(half ? p_.depth - 1 : p_.depth, panel, lhs_first, rows);
  sum_range(acc, ir_.index(in_runs), whole, plan_.unroll, panel, lhs_first, rows);
  sum_range(acc, whole, count, 1, panel, lhs_first, rows);
  if (half) {
    sum_term(acc, ir_.at(lhs_first, ir_.mul(count, left_stride_)),
             ir_.at(panel.rhs, ir_.mul(count, panel.rhs_stride)), 0, 0, panel, rows, false);
  }
  add_sets(acc, tile);

  const auto add_totals = [&](const std::function<Value(int64_t i)>& place) {
    for (int64_t i = 0; i < tile && runs_.has_totals(); ++i)
      acc[static_cast<size_t>(i)] = totals_.with(acc[static_cast<size_t>(i)], place(i));
  };
  if (!chunked) {
    add_totals([&](int64_t i) { return totals_.place(run_totals_, i); });
    return finish(acc, panel, row, rows);
  }
  Value last = b_.CreateICmpEQ(panel.chunk, ir_.index(plan_.depth_chunks.count - 1));
  ir_.e.when(b_.CreateNot(last), [&] { suspend(acc, panel, row); });
  ir_.e.when(last, [&] {
    add_totals([&](int64_t i) { return in_result(panel.totals, runs_.dtype, panel, row, i); });
    finish(acc, panel, row, rows);
  });
}

Value MatmulTile::in_result(Value base, DType dtype, const Panel& panel, Value row, int64_t i) {
  const int64_t vectors = panel.kind.vectors;
  Value first = ir_.add(ir_.mul(row, whole_columns()), ir_.mul(panel.vector, ir_.lanes));
  return ir_.e.element(base, dtype,
                       ir_.add(first, i / vectors * whole_columns() + i % vectors * ir_.lanes));
}

void MatmulTile::resume(Accumulators& acc, const Panel& panel, Value row, int64_t rows) {
  const int64_t tile = rows * panel.kind.vectors;
  if (runs_.chunks > 1) {
    Value starts =
        b_.CreateICmpEQ(b_.CreateURem(panel.chunk, ir_.index(runs_.chunks)), ir_.index(0));
    for (int64_t i = 0; i < tile; ++i)
      acc[static_cast<size_t>(i)] = b_.CreateSelect(
          starts, ir_.zero(), ir_.load(in_result(panel.partial, p_.dtype, panel, row, i)));
  }
  // The sums of the next tile are far away by then.
  if (plan_.chunk_terms() < kAskingTerms) return;
  const bool totals = runs_.has_totals();
  for (int64_t i = 0; i < tile; ++i)
    ir_.prefetch(in_result(totals ? panel.totals : panel.partial, totals ? runs_.dtype : p_.dtype,
                           panel, ir_.add(row, rows), i));
}

void MatmulTile::suspend(const Accumulators& acc, const Panel& panel, Value row) {
  const auto add = [&](Value first) {
    for (size_t i = 0; i < acc.size(); ++i)
      totals_.add(acc[i], in_result(panel.totals, runs_.dtype, panel, row, static_cast<int64_t>(i)),
                  first);
  };
  Value first = b_.CreateICmpULT(panel.chunk, ir_.index(runs_.chunks));
  if (runs_.chunks == 1) return add(first);
  for (size_t i = 0; i < acc.size(); ++i)
    ir_.store(acc[i], in_result(panel.partial, p_.dtype, panel, row, static_cast<int64_t>(i)));
  if (!runs_.has_totals()) return;
  Value next = b_.CreateURem(ir_.add(panel.chunk, 1), ir_.index(runs_.chunks));
  ir_.e.when(b_.CreateICmpEQ(next, ir_.index(0)), [&] { add(first); });
}

int64_t MatmulTile::sum_runs(int64_t count, const Panel& panel, Value lhs, int64_t rows) {
  if (runs_.terms == 0) return 0;
  const int64_t tile = rows * panel.kind.vectors, whole = count / runs_.terms * runs_.terms;
  totals_.clear(run_totals_, tile);
  ir_.loop(ir_.index(0), ir_.index(whole), runs_.terms, [&](Value k) {
    Accumulators of_run(static_cast<size_t>(tile * plan_.sums), ir_.zero());
    sum_range(of_run, k, ir_.add(k, runs_.terms), plan_.unroll, panel, lhs, rows);
    add_sets(of_run, tile);
    for (int64_t i = 0; i < tile; ++i)
      totals_.add(of_run[static_cast<size_t>(i)], totals_.place(run_totals_, i));
  });
  return whole;
}

void MatmulTile::sum_range(Accumulators& acc, Value begin, Value end, int64_t step,
                           const Panel& panel, Value lhs, int64_t rows) {
  const auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  const auto* last = llvm::dyn_cast<llvm::ConstantInt>(end);
  const bool known = first != nullptr && last != nullptr;
  // Do the terms of a step lie in one line?
  const DimGroup& depth = p_.lhs.depth;
  const bool in_line = depth.is_single() || depth.extents.back() % plan_.unroll == 0;
  const auto terms = [&](Value k) {
    Value lhs_k = left_term(lhs, panel, k);
    Value rhs_k = ir_.at(panel.rhs, ir_.mul(k, panel.rhs_stride));
    if (step == plan_.unroll) {
      if (next_ != nullptr) ask_ahead(plan_.prefetch, next_, next_stride_, k);
      for (Value operand : operands_)
        ask_ahead(plan_.operands, operand, p_.columns * dtype_size(p_.dtype), k);
    }
    for (int64_t u = 0; plan_.left_ahead > 0 && u < step; ++u)
      ir_.prefetch(ir_.at(lhs_k, (plan_.left_ahead + u) * left_stride_));
    for (int64_t u = 0; u < step; ++u) {
      Value lhs_u = in_line ? ir_.at(lhs_k, u * left_stride_) : left_term(lhs, panel, ir_.add(k, u));
      sum_term(acc, lhs_u, rhs_k, u, u % plan_.sums, panel, rows);
    }
  };
  if (known && last->getSExtValue() - first->getSExtValue() <= (step > 1 ? step : plan_.unroll)) {
    for (int64_t k = first->getSExtValue(); k < last->getSExtValue(); k += step)
      terms(ir_.index(k));
    return;
  }
  const Accumulators start = acc;
  acc = ir_.e.loop(begin, end, step, start, [&](Value k, std::span<const Value> carried) {
    acc.assign(carried.begin(), carried.end());
    terms(k);
    return acc;
  });
}

Value MatmulTile::left_term(Value lhs, const Panel& panel, Value k) {
  if (plan_.left_panels || p_.lhs.depth.is_single()) return ir_.at(lhs, ir_.mul(k, left_stride_));
  return ir_.at(lhs, ir_.offset(p_.lhs.depth, ir_.add(panel.begin, k)));
}

void MatmulTile::ask_ahead(const MatmulPlan::Prefetch& prefetch, Value base, int64_t stride,
                           Value k) {
  const int64_t terms = prefetch.steps * plan_.unroll;
  Value row = b_.CreateUDiv(k, ir_.index(terms)), term = b_.CreateURem(k, ir_.index(terms));
  Value at = ir_.e.element(
      base, DType::kUint8,
      ir_.add(ir_.mul(row, stride), ir_.mul(term, prefetch.step_bytes / plan_.unroll)));
  for (int64_t line = 0; line < prefetch.step_bytes; line += 64) ir_.prefetch(ir_.byte(at, line));
}

void MatmulTile::sum_term(Accumulators& acc, Value lhs, Value rhs, int64_t term, int64_t set,
                          const Panel& panel, int64_t rows, bool whole) {
  const Emitter::OfLine line(ir_.e, Emitter::kProductLine);
  const int64_t lanes = plan_.machine.lanes, vectors = panel.kind.vectors;
  // Packed panels are padded to whole vectors; in place only the existing columns may be touched.
  const bool padded = plan_.packing != MatmulPlan::Packing::kInPlace;
  Values right;
  for (int64_t v = 0; v < vectors; ++v) {
    if (plan_.packing == MatmulPlan::Packing::kJoin) {
      right.push_back(joined_pair(ir_.at(rhs, term * panel.rhs_stride), v, panel, whole));
      continue;
    }
    Value at = ir_.at(rhs, term * panel.rhs_stride + v * lanes);
    right.push_back(ir_.load(at, padded ? nullptr : lane_mask(panel.kind, v)));
  }
  for (int64_t r = 0; r < rows; ++r) {
    Value left = ir_.load_splat(left_rows_.empty()
                                    ? ir_.at(lhs, r * left_row_stride_)
                                    : ir_.at(lhs, left_rows_[static_cast<size_t>(r)]));
    for (int64_t v = 0; v < vectors; ++v) {
      Value& sum = acc[static_cast<size_t>((set * rows + r) * vectors + v)];
      sum = ir_.multiply_add(left, right[static_cast<size_t>(v)], sum);
    }
  }
}

Value MatmulTile::joined_pair(Value rhs, int64_t vector, const Panel& panel, bool whole) {
  const MatmulOperand& from = plan_.rhs_source;
  Value low = ir_.e.element(rhs, from.dtype, ir_.index(vector * plan_.machine.lanes));
  Value high = ir_.e.element(low, from.dtype, ir_.index(from.depth.stride()));
  return MatmulPairs(ir_, plan_)
      .across(from.dtype, low, whole ? high : nullptr, lane_mask(panel.kind, vector));
}

// Adds the partial sums in pairs: 0+1, 2+3, then those.
void MatmulTile::add_sets(Accumulators& acc, int64_t tile) {
  for (int64_t sets = plan_.sums; sets > 1; sets /= 2) {
    for (int64_t s = 0; s < sets / 2; ++s) {
      for (int64_t i = 0; i < tile; ++i) {
        acc[static_cast<size_t>(s * tile + i)] =
            b_.CreateFAdd(acc[static_cast<size_t>(2 * s * tile + i)],
                          acc[static_cast<size_t>((2 * s + 1) * tile + i)]);
      }
    }
  }
  acc.resize(static_cast<size_t>(tile));
}

void MatmulTile::finish(const Accumulators& acc, const Panel& panel, Value row, int64_t rows) {
  Value whole_row = ir_.add(ir_.mul(panel.batch, p_.rows), row);
  if (whole_rows_ != nullptr)
    finish_rows(acc, whole_row, rows);
  else if (stack_ == nullptr)
    finish_in_registers(acc, panel, whole_row, rows);
  else
    finish_in_memory(acc, panel, whole_row, rows);
  settle_sums(panel, whole_row, rows);
}

void MatmulTile::finish_in_registers(const Accumulators& acc, const Panel& panel, Value row,
                                     int64_t rows) {
  const int64_t lanes = plan_.machine.lanes;
  Value column = ir_.mul(panel.vector, lanes);
  std::vector<Values> sums(static_cast<size_t>(panel.kind.vectors), Values(sums_.size(), nullptr));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t v = 0; v < panel.kind.vectors; ++v) {
      epilogue_->emit({row, column, r, v * lanes, lane_mask(panel.kind, v),
                       acc[static_cast<size_t>(r * panel.kind.vectors + v)]},
                      sums[static_cast<size_t>(v)]);
    }
  }
  for (int64_t v = 0; v < panel.kind.vectors; ++v)
    add_to_sums(sums[static_cast<size_t>(v)], ir_.add(column, v * lanes), lane_mask(panel.kind, v));
}

void MatmulTile::finish_in_memory(const Accumulators& acc, const Panel& panel, Value row,
                                  int64_t rows) {
  const int64_t lanes = plan_.machine.lanes, vectors = panel.kind.vectors;
  ir_.store_all(acc, stack_);
  Value column = ir_.mul(panel.vector, lanes);
  const auto emit_vector = [&](Value r, Value v, Value mask) {
    Value at_column = ir_.add(column, ir_.mul(v, lanes));
    epilogue_->begin_tile();
    Values sums(sums_.size(), nullptr);
    Value at = ir_.at(stack_, ir_.mul(ir_.add(ir_.mul(r, vectors), v), lanes));
    epilogue_->emit({ir_.add(row, r), at_column, 0, 0, mask, ir_.load(at)}, sums);
    add_to_sums(sums, at_column, mask);
  };
  // Row by row: what is far away (an optimizer's state) comes faster when it is walked as it lies
  // in memory, by up to 1.7 times.
  Value last_mask = lane_mask(panel.kind, vectors - 1);
  ir_.loop(ir_.index(0), ir_.index(rows), 1, [&](Value r) {
    ir_.loop(ir_.index(0), ir_.index(last_mask == nullptr ? vectors : vectors - 1), 1,
             [&](Value v) { emit_vector(r, v, nullptr); });
    if (last_mask != nullptr) emit_vector(r, ir_.index(vectors - 1), last_mask);
  });
}

void MatmulTile::finish_rows(const Accumulators& acc, Value row, int64_t rows) {
  if (rows == 1) return whole_rows_->emit(row, 1, acc);
  ir_.store_all(acc, stack_);
  const int64_t vectors = plan_.vectors.total;
  ir_.loop(ir_.index(0), ir_.index(rows), 1, [&](Value r) {
    Value at = ir_.at(stack_, ir_.mul(r, vectors * ir_.lanes));
    Values of_row;
    for (int64_t v = 0; v < vectors; ++v) of_row.push_back(ir_.load(ir_.at(at, v * ir_.lanes)));
    whole_rows_->emit(ir_.add(row, r), 1, of_row);
  });
}

void MatmulTile::settle_sums(const Panel& panel, Value row, int64_t rows) {
  if (levels_.levels == 1) return;
  for (int64_t v = 0; v < panel.kind.vectors; ++v) {
    Value column = ir_.mul(ir_.add(panel.vector, v), plan_.machine.lanes);
    for (Value sum : sums_)
      ir_.settle(levels_, row, ir_.add(row, rows), p_.dtype, ir_.at(sum, column), whole_columns(),
                 ir_.lanes, lane_mask(panel.kind, v));
  }
}

void MatmulTile::add_to_sums(const Values& values, Value column, Value mask) {
  for (size_t i = 0; i < sums_.size(); ++i) {
    Value at = ir_.at(sums_[i], column);
    Value before = ir_.load(at, mask);
    ir_.store(b_.CreateFAdd(before, values[i]), at, mask);
  }
}

}  // namespace sinter::codegen
