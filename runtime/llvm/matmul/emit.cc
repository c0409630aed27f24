// The loops around the micro-kernel. Read emit_compute() first: pieces, panels, tiles, then the sum
// itself in matmul/tile.cc.
#include "runtime/llvm/matmul/emit.h"

#include <functional>
#include <optional>
#include <utility>

#include "core/error.h"
#include "runtime/llvm/matmul/add_sums.h"
#include "runtime/llvm/matmul/left.h"
#include "runtime/llvm/matmul/narrow.h"
#include "runtime/llvm/matmul/pairs.h"
#include "runtime/llvm/matmul/rows.h"
#include "runtime/llvm/matmul/runs.h"
#include "runtime/llvm/matmul/tile.h"

namespace sinter::codegen {
namespace {

class MatmulCode {
 public:
  MatmulCode(Emitter& emitter, const MatmulPlan& plan, const MatmulRegion& region)
      : ir_(emitter, plan.problem.dtype, static_cast<int>(plan.machine.lanes), plan.pairs),
        e_(emitter),
        b_(ir_.b),
        plan_(plan),
        p_(plan.problem),
        region_(region),
        scratch_(matmul_scratch(plan, region)),
        sums_(matmul_sums(plan, region)) {}

  void emit(MatmulPhase phase, const std::string& name) {
    e_.begin_kernel(name);
    emit_phase(phase);
  }

  llvm::Function* emit_part(const std::string& name) {
    llvm::Function* part = e_.begin_part(name);
    emit_phase(MatmulPhase::kCompute);
    return part;
  }

  void emit_phase(MatmulPhase phase) {
    piece_ = e_.piece();
    load_buffers();
    switch (phase) {
      case MatmulPhase::kGather: emit_gather(); break;
      case MatmulPhase::kPack: emit_pack(); break;
      case MatmulPhase::kCompute: emit_compute(); break;
      case MatmulPhase::kAddSums: emit_add_sums(); break;
    }
    e_.end_function();
  }

  // One element at a time: this runs once a variable has changed, not once a step.
  void emit_prepare(const std::string& name) {
    e_.begin_prepare(name);
    Value source = begin_of(region_.problem().rhs, e_.buffer(region_.rhs)), target = e_.prepared();
    const int64_t lanes = plan_.machine.lanes;
    ir_.loop(ir_.index(0), ir_.index(matmul_prepared_batches(plan_)), 1, [&](Value n) {
      each_panel(
          {ir_.index(0), ir_.index(plan_.vectors.count)}, plan_.vectors, plan_.panel_kinds(),
          [&](const PanelKind& kind, Value vector) {
            const int64_t width = kind.vectors * lanes;
            Value panel = ir_.at(target, ir_.mul(ir_.add(ir_.mul(n, plan_.vectors.total), vector),
                                                 p_.depth * lanes));
            Value columns = ir_.index((kind.vectors - 1) * lanes + kind.last_lanes);
            ir_.loop(ir_.index(0), ir_.index(p_.depth), 1, [&](Value k) {
              ir_.loop(ir_.index(0), ir_.index(width), 1, [&](Value j) {
                Value column = ir_.add(ir_.mul(vector, lanes), ir_.min(j, ir_.add(columns, -1)));
                Value value = term_of(plan_.rhs_source, source, n, column, k);
                value =
                    b_.CreateSelect(b_.CreateICmpSLT(j, columns), value, e_.number(p_.dtype, 0));
                e_.store(p_.dtype, value, panel, ir_.add(ir_.mul(k, width), j));
              });
            });
          });
    });
    e_.end_function();
  }

 private:
  void load_buffers() {
    int next = 0;
    const auto take = [&] { return e_.buffer(next++); };
    for (size_t i = 0; i < region_.body->inputs().size(); ++i) inputs_.push_back(take());
    for (size_t i = 0; i < region_.results.size(); ++i) results_.push_back(take());
    scratch_base_ = take();
    if (plan_.packing == MatmulPlan::Packing::kPrepared) prepared_ = e_.buffer(next);
    if (plan_.packing == MatmulPlan::Packing::kAhead)
      prepared_ = ir_.byte(scratch_base_, scratch_.packed);
    if (plan_.packs_panels() || plan_.pack_lhs) workspace_ = e_.buffer(next + 1);
    const MatmulProblem original = region_.problem();
    left_operand_ = begin_of(original.lhs, inputs_[static_cast<size_t>(region_.lhs)]);
    right_operand_ = begin_of(original.rhs, inputs_[static_cast<size_t>(region_.rhs)]);
    lhs_ = plan_.gather_lhs ? ir_.byte(scratch_base_, scratch_.lhs) : left_operand_;
    rhs_ = plan_.gather_rhs ? ir_.byte(scratch_base_, scratch_.rhs) : right_operand_;
  }

  // The first element of an operand in the buffer that holds it.
  Value begin_of(const MatmulOperand& operand, Value buffer) {
    if (operand.offset == 0) return buffer;
    return e_.element(buffer, operand.dtype, ir_.index(operand.offset));
  }

  // Term (or pair) `k` of a row or column, wherever it lies.
  Value term_of(const MatmulOperand& operand, Value base, Value n, Value f, Value k) {
    if (plan_.pairs) return MatmulPairs(ir_, plan_).one(operand, base, n, f, k);
    return e_.load(p_.dtype, base, offset_of(operand, n, f, k));
  }

  Value offset_of(const MatmulOperand& o, Value n, Value f, Value k) {
    return ir_.add(ir_.add(ir_.offset(o.batch, n), ir_.offset(o.free, f)), ir_.offset(o.depth, k));
  }

  // Copies an operand into rows of `depth` (left side) or rows of `columns` (right side).
  void emit_gather() {
    const MatmulProblem original = region_.problem();
    const auto copy = [&](const MatmulOperand& from, const MatmulOperand& to, int64_t free,
                          Value source, Value target) {
      ir_.loop(ir_.index(0), ir_.index(p_.batch), 1, [&](Value n) {
        ir_.loop(ir_.index(0), ir_.index(free), 1, [&](Value f) {
          ir_.loop(ir_.index(0), ir_.index(p_.depth), 1, [&](Value k) {
            e_.store(p_.dtype, term_of(from, source, n, f, k), target, offset_of(to, n, f, k));
          });
        });
      });
    };
    if (plan_.gather_lhs) copy(original.lhs, p_.lhs, p_.rows, left_operand_, lhs_);
    if (plan_.gather_rhs) copy(original.rhs, p_.rhs, p_.columns, right_operand_, rhs_);
  }

  // Packs this piece's share of all panels.
  void emit_pack() {
    MatmulTile tile(ir_, plan_, region_, nullptr, nullptr);
    MatmulTile::Panel panel;
    panel.begin = ir_.index(0);
    panel.end = ir_.index(p_.depth);
    each_panel(share(plan_.vectors.count, plan_.pack_pieces(), piece_), plan_.vectors,
               plan_.panel_kinds(), [&](const PanelKind& kind, Value vector) {
                 panel.kind = kind;
                 tile.pack(panel, panel_source(ir_.index(0)), ir_.mul(vector, plan_.machine.lanes),
                           packed_panel(ir_.index(0), vector));
               });
  }

  // Of a right side that is the same for all batches there is one.
  Value packed_batch(Value n) { return matmul_prepared_batches(plan_) == 1 ? ir_.index(0) : n; }

  Value packed_panel(Value n, Value vector) {
    n = packed_batch(n);
    return ir_.at(prepared_, ir_.mul(ir_.add(ir_.mul(n, plan_.vectors.total), vector),
                                     plan_.packed_terms() * plan_.machine.lanes));
  }

  /// Parts `first .. second-1` of `total` that belong to share `index` of `count`.
  std::pair<Value, Value> share(int64_t total, int64_t count, Value index) {
    if (count == 1) return {ir_.index(0), ir_.index(total)};
    const auto at = [&](Value i) { return b_.CreateUDiv(ir_.mul(i, total), ir_.index(count)); };
    return {at(index), at(ir_.add(index, 1))};
  }

  void emit_compute() {
    const auto quotient = [&](Value x, int64_t y) {
      return y == 1 ? x : b_.CreateUDiv(x, ir_.index(y));
    };
    const auto remainder = [&](Value x, int64_t y) {
      return y == 1 ? ir_.index(0) : b_.CreateURem(x, ir_.index(y));
    };
    const int64_t inner = plan_.columns_first ? plan_.row_pieces : plan_.column_pieces;
    const int64_t outer = plan_.columns_first ? plan_.column_pieces : plan_.row_pieces;
    Value inner_piece = remainder(piece_, inner), rest = quotient(piece_, inner);
    Value outer_piece = remainder(rest, outer),
          batch_piece = plan_.batch_pieces == 1 ? ir_.index(0) : quotient(rest, outer);
    Value row_piece = plan_.columns_first ? inner_piece : outer_piece;
    Value column_piece = plan_.columns_first ? outer_piece : inner_piece;
    const auto panels = share(plan_.vectors.count, plan_.column_pieces, column_piece);
    tiles_ = share(plan_.row_tiles.count, plan_.row_pieces, row_piece);
    const auto batches = share(p_.batch, plan_.batch_pieces, batch_piece);
    if (plan_.packs_panels()) panel_ = ir_.byte(workspace_, matmul_workspace(plan_).panel);
    const auto of_result = [&](int64_t place, DType dtype) -> Value {
      if (place < 0) return nullptr;
      const int64_t elements = p_.rows * plan_.vectors.total * plan_.machine.lanes;
      return e_.element(ir_.byte(scratch_base_, place), dtype, ir_.mul(batch_piece, elements));
    };
    partial_ = of_result(scratch_.partial, p_.dtype);
    totals_ = of_result(scratch_.totals, matmul_runs(plan_).dtype);

    MatmulEpilogue epilogue(ir_, region_, p_.columns, inputs_, results_);
    std::optional<MatmulRows> rows;
    Values sums = sum_targets(b_.CreateAdd(ir_.mul(batch_piece, plan_.row_pieces), row_piece));
    if (region_.whole_rows) {
      rows.emplace(ir_, region_, plan_, inputs_, results_);
      rows->begin_piece(std::exchange(sums, {}));
    } else {
      epilogue.emit_invariants();
    }
    if (plan_.lanes_along_rows) {
      MatmulNarrow tile(ir_, plan_, region_, epilogue, rows ? &*rows : nullptr);
      tile.set_sums(std::move(sums));
      emit_narrow_tiles(tile, batches);
    } else {
      MatmulTile tile(ir_, plan_, region_, &epilogue, rows ? &*rows : nullptr);
      tile.set_sums(std::move(sums));
      emit_tiles(tile, batches, panels);
    }
    if (rows) rows->end_piece();
  }

  using Range = std::pair<Value, Value>;

  void emit_narrow_tiles(MatmulNarrow& tile, const Range& batches) {
    ir_.loop(batches.first, batches.second, 1, [&](Value n) {
      Value lhs = left_side(n, ir_.index(0), ir_.index(p_.depth));
      Value rhs = narrow_right_side(n);
      each_panel(
          tiles_, plan_.row_tiles, plan_.row_kinds(),
          [&](const PanelKind& kind, Value vector) { tile.emit(kind, vector, n, lhs, rhs); });
    });
  }

  void emit_tiles(MatmulTile& tile, const Range& batches, const Range& panels) {
    const auto each_panel_of_piece = [&](const std::function<void(const PanelKind&, Value)>& body) {
      each_panel(panels, plan_.vectors, plan_.panel_kinds(), body);
    };
    each_panel_of_piece(
        [&](const PanelKind& kind, Value vector) { tile.clear_sums(kind, vector); });
    ir_.loop(batches.first, batches.second, 1, [&](Value n) {
      ir_.loop(ir_.index(0), ir_.index(plan_.depth_chunks.count), 1, [&](Value chunk) {
        MatmulTile::Panel of_chunk;
        of_chunk.chunk = chunk;
        of_chunk.batch = n;
        tile.set_depth(of_chunk);
        of_chunk.lhs = left_side(n, of_chunk.begin, of_chunk.end);
        if (plan_.rows_outer) {
          each_tile([&](Value row, int64_t rows, Value number) {
            each_panel_of_piece([&](const PanelKind& kind, Value vector) {
              tile.emit(find_panel(tile, of_chunk, kind, vector), row, rows, number);
            });
          });
        } else {
          each_panel_of_piece([&](const PanelKind& kind, Value vector) {
            const MatmulTile::Panel panel = find_panel(tile, of_chunk, kind, vector);
            each_tile([&](Value row, int64_t rows, Value number) {
              tile.emit(panel, row, rows, number);
            });
          });
        }
      });
    });
  }

  // Calls `body` with the kind of a panel and its first vector, for all panels of the range; one
  // loop a kind.
  void each_panel(std::pair<Value, Value> panels, const EvenSplit& split,
                  const std::vector<PanelKind>& kinds,
                  const std::function<void(const PanelKind&, Value)>& body) {
    for (const PanelKind& kind : kinds) {
      ir_.loop(ir_.max(panels.first, ir_.index(kind.first)),
               ir_.min(panels.second, ir_.index(kind.first + kind.count)), 1, [&](Value panel) {
                 const int64_t first = split.begin(kind.first);
                 body(kind, ir_.add(ir_.mul(ir_.add(panel, -kind.first), kind.vectors), first));
               });
    }
  }

  // The left side of a batch; where it is packed, the rows of this piece and terms `begin` to `end`
  // are, and are found where those of the whole operand would be.
  Value left_side(Value n, Value begin, Value end) {
    if (!plan_.pack_lhs) return ir_.at(lhs_, ir_.offset(p_.lhs.batch, n));
    const MatmulOperand& from = plan_.lhs_source;
    Value source = e_.element(lhs_, from.dtype, ir_.offset(from.batch, n));
    return pack_left(ir_, plan_, tiles_, source, begin, end,
                     ir_.byte(workspace_, matmul_workspace(plan_).left));
  }

  // All columns of a batch, for a product that has few of them.
  Value narrow_right_side(Value n) {
    if (plan_.packing == MatmulPlan::Packing::kPrepared)
      return ir_.at(prepared_, ir_.mul(packed_batch(n), p_.depth * plan_.machine.lanes));
    if (!plan_.packs_panels()) return ir_.at(rhs_, ir_.offset(p_.rhs.batch, n));
    MatmulTile packer(ir_, plan_, region_, nullptr, nullptr);
    MatmulTile::Panel panel;
    panel.kind = plan_.panel_kinds()[0];
    panel.begin = ir_.index(0);
    panel.end = ir_.index(p_.depth);
    packer.pack(panel, panel_source(n), ir_.index(0), panel_);
    return panel_;
  }

  // The right side of a batch, to be packed.
  Value panel_source(Value n) {
    return e_.element(rhs_, plan_.rhs_source.dtype, ir_.offset(plan_.rhs_source.batch, n));
  }

  // Where the terms of a panel are; packs them first where the plan says so.
  MatmulTile::Panel find_panel(MatmulTile& tile, MatmulTile::Panel panel, const PanelKind& kind,
                               Value vector) {
    Value column = ir_.mul(vector, plan_.machine.lanes), n = panel.batch;
    panel.kind = kind;
    panel.vector = vector;
    panel.partial = partial_;
    panel.totals = totals_;
    switch (plan_.packing) {
      case MatmulPlan::Packing::kInPlace:
        panel.rhs = ir_.at(ir_.at(rhs_, ir_.offset(p_.rhs.batch, n)),
                           ir_.add(ir_.mul(column, p_.rhs.free.stride()),
                                   ir_.mul(panel.begin, p_.rhs.depth.stride())));
        panel.rhs_stride = p_.rhs.depth.stride();
        panel.next = ir_.at(panel.rhs, kind.vectors * plan_.machine.lanes);
        panel.next_stride = panel.rhs_stride * dtype_size(p_.dtype);
        break;
      case MatmulPlan::Packing::kJoin: {
        const MatmulOperand& from = plan_.rhs_source;
        panel.rhs = e_.element(panel_source(n), from.dtype, column);
        panel.rhs_stride = 2 * from.depth.stride() * dtype_size(from.dtype) / dtype_size(p_.dtype);
        break;
      }
      case MatmulPlan::Packing::kAhead:
      case MatmulPlan::Packing::kPrepared: {
        panel.rhs_stride = kind.vectors * plan_.machine.lanes;
        panel.rhs = ir_.at(packed_panel(n, vector), ir_.mul(panel.begin, panel.rhs_stride));
        panel.next = ir_.at(panel.rhs, plan_.packed_terms() * panel.rhs_stride);
        panel.next_stride = panel.rhs_stride * dtype_size(p_.dtype);
        break;
      }
      case MatmulPlan::Packing::kCopy:
      case MatmulPlan::Packing::kTranspose: {
        const MatmulOperand& from = plan_.rhs_source;
        Value source = panel_source(n), term = ir_.mul(panel.begin, plan_.elements_a_term());
        tile.pack(panel, source, column, panel_);
        panel.rhs = panel_;
        panel.rhs_stride = kind.vectors * plan_.machine.lanes;
        panel.next =
            e_.element(source, from.dtype,
                       ir_.add(ir_.mul(ir_.add(column, panel.rhs_stride), from.free.stride()),
                               ir_.mul(term, from.depth.stride())));
        panel.next_stride = dtype_size(from.dtype) * (plan_.packing == MatmulPlan::Packing::kCopy
                                                          ? from.depth.stride()
                                                          : from.free.stride());
        break;
      }
    }
    if (plan_.prefetch.rows == 0) panel.next = nullptr;
    return panel;
  }

  // Calls `body` with the first row of a tile, its rows and its number in this piece, for all tiles
  // of it; one loop a size.
  void each_tile(const std::function<void(Value row, int64_t rows, Value number)>& body) {
    ir_.each_part(plan_.row_tiles, tiles_, body);
  }

  // Where the sums of this piece go: straight to the result when one piece sees all rows.
  Values sum_targets(Value piece_of_rows) {
    Values targets;
    const int64_t columns = plan_.vectors.total * plan_.machine.lanes;
    for (size_t i = 0; i < region_.results.size(); ++i) {
      if (!region_.results[i].is_sum()) continue;
      if (scratch_.sums < 0) {
        targets.push_back(results_[i]);
      } else {
        const auto before =
            static_cast<int64_t>(targets.size()) * sum_parts() * columns * dtype_size(p_.dtype);
        targets.push_back(ir_.at(ir_.byte(scratch_base_, scratch_.sums + before),
                                 ir_.mul(piece_of_rows, sums_.levels * columns)));
      }
    }
    return targets;
  }

  // Places of a sum: one a piece of rows and level.
  int64_t sum_parts() const { return plan_.row_pieces * plan_.batch_pieces * sums_.levels; }

  // Adds the sums of the pieces and levels in their order.
  void emit_add_sums() {
    add_sums(ir_, region_, ir_.byte(scratch_base_, scratch_.sums), sum_parts(),
             plan_.vectors.total * plan_.machine.lanes, results_);
  }

  MatmulIr ir_;
  Emitter& e_;
  llvm::IRBuilder<>& b_;
  const MatmulPlan& plan_;
  const MatmulProblem& p_;
  const MatmulRegion& region_;
  MatmulScratch scratch_;
  MatmulSums sums_;
  Value piece_ = nullptr;
  Values inputs_, results_;
  llvm::Value *scratch_base_ = nullptr, *prepared_ = nullptr, *lhs_ = nullptr, *rhs_ = nullptr;
  llvm::Value *left_operand_ = nullptr, *right_operand_ = nullptr;  // as they lie in memory
  llvm::Value *panel_ = nullptr, *partial_ = nullptr, *totals_ = nullptr, *workspace_ = nullptr;
  std::pair<Value, Value> tiles_;
};

}  // namespace

llvm::Function* emit_matmul_part(Emitter& emitter, const MatmulPlan& plan,
                                 const MatmulRegion& region, const std::string& name) {
  return MatmulCode(emitter, plan, region).emit_part(name);
}

void emit_matmul_prepare(Emitter& emitter, const MatmulPlan& plan, const MatmulRegion& region,
                         const std::string& name) {
  MatmulCode(emitter, plan, region).emit_prepare(name);
}

void emit_matmul(Emitter& emitter, const MatmulPlan& plan, const MatmulRegion& region,
                 MatmulPhase phase, const std::string& name) {
  MatmulCode(emitter, plan, region).emit(phase, name);
}

}  // namespace sinter::codegen
