// Packs a panel of the right side into the workspace, so that the micro-kernel walks it in order.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/llvm/matmul/pairs.h"
#include "runtime/llvm/matmul/tile.h"

namespace sinter::codegen {
namespace {

constexpr int64_t kTermsAhead = 32;

}  // namespace

void MatmulTile::pack(const Panel& panel, Value source, Value column, Value target) {
  const MatmulOperand& from = plan_.rhs_source;
  Value term = ir_.mul(panel.begin, plan_.elements_a_term());
  Value first = ir_.e.element(
      source, from.dtype,
      ir_.add(ir_.mul(term, from.depth.stride()), ir_.mul(column, from.free.stride())));
  if (plan_.transposes())
    pack_transposed(panel, first, target);
  else if (plan_.pairs)
    pack_pairs(panel, first, target);
  else
    pack_copy(panel, first, target);
}

void MatmulTile::pack_copy(const Panel& panel, Value first, Value target) {
  const int64_t lanes = plan_.machine.lanes, width = panel.kind.vectors * lanes;
  ir_.loop(ir_.index(0), b_.CreateSub(panel.end, panel.begin), 1, [&](Value k) {
    Value from = ir_.at(first, ir_.mul(k, plan_.rhs_source.depth.stride()));
    Value to = ir_.at(target, ir_.mul(k, width));
    // Panels of the thread's workspace were asked for while the one before was in use.
    for (int64_t v = 0; v < panel.kind.vectors && plan_.packing == MatmulPlan::Packing::kAhead; ++v)
      ir_.prefetch(ir_.at(from, kTermsAhead * plan_.rhs_source.depth.stride() + v * lanes));
    for (int64_t v = 0; v < panel.kind.vectors; ++v) {
      Value value = ir_.load(ir_.at(from, v * lanes), lane_mask(panel.kind, v));
      ir_.store(value, ir_.at(to, v * lanes));
    }
  });
}

void MatmulTile::pack_pairs(const Panel& panel, Value first, Value target) {
  const MatmulOperand& from = plan_.rhs_source;
  const int64_t lanes = plan_.machine.lanes, width = panel.kind.vectors * lanes;
  MatmulPairs pairs(ir_, plan_);
  pairs.each(panel.begin, panel.end, [&](Value pair, bool whole) {
    Value k = b_.CreateSub(pair, panel.begin);
    Value low = ir_.e.element(first, from.dtype, ir_.mul(k, 2 * from.depth.stride()));
    Value high = ir_.e.element(low, from.dtype, ir_.index(from.depth.stride()));
    Value to = ir_.at(target, ir_.mul(k, width));
    for (int64_t v = 0; v < panel.kind.vectors; ++v) {
      const auto at = [&](Value row) {
        return ir_.e.element(row, from.dtype, ir_.index(v * lanes));
      };
      ir_.store(
          pairs.across(from.dtype, at(low), whole ? at(high) : nullptr, lane_mask(panel.kind, v)),
          ir_.at(to, v * lanes));
    }
  });
}

void MatmulTile::pack_transposed(const Panel& panel, Value first, Value target) {
  const MatmulOperand& from = plan_.rhs_source;
  const int64_t lanes = plan_.machine.lanes, existing = last_columns(panel.kind);
  Value count = b_.CreateSub(panel.end, panel.begin);
  // In elements: the last pair may be half of one.
  Value terms = plan_.pairs ? b_.CreateSub(ir_.min(ir_.mul(panel.end, 2), ir_.index(plan_.terms)),
                                           ir_.mul(panel.begin, 2))
                            : count;
  const auto turn = [&](Value column, int64_t columns) {
    Value at = ir_.e.element(first, from.dtype, ir_.mul(column, from.free.stride()));
    b_.CreateCall(turn_columns(columns), {at, count, terms, ir_.at(target, column),
                                          ir_.index(panel.kind.vectors * lanes)});
  };
  const int64_t whole = existing / lanes * lanes;
  ir_.loop(ir_.index(0), ir_.index(whole), lanes, [&](Value column) { turn(column, lanes); });
  if (whole < existing) turn(ir_.index(whole), existing - whole);
}

int64_t MatmulTile::last_columns(const PanelKind& kind) const {
  return (kind.vectors - 1) * plan_.machine.lanes + kind.last_lanes;
}

// void (ptr from, i64 steps, i64 terms, ptr to, i64 stride): the terms of up to a vector of
// columns, each of which lies side by side, as vectors along the columns. Missing columns repeat
// the last one, missing terms are zero; whole blocks are written.
llvm::Function* MatmulTile::turn_columns(int64_t columns) {
  llvm::Type *index = b_.getInt64Ty(), *pointer = b_.getPtrTy();
  auto* type =
      llvm::FunctionType::get(b_.getVoidTy(), {pointer, index, index, pointer, index}, false);
  const DType dtype = plan_.rhs_source.dtype;
  const int64_t column_stride = plan_.rhs_source.free.stride();
  const std::string name = fmt::format("turn.{}.{}.{}", dtype_name(dtype), column_stride, columns);
  return ir_.e.helper(name, type, [&](llvm::Function* f) {
    Value from = f->getArg(0), steps = f->getArg(1), terms = f->getArg(2), to = f->getArg(3);
    const int64_t elements = plan_.elements_a_term();
    const auto block = static_cast<int>(ir_.block_terms());
    const auto turn_block = [&](Value k, Value existing) {
      Value at = ir_.e.element(from, dtype, ir_.mul(k, elements));
      Value mask = existing == nullptr || plan_.pairs ? nullptr : ir_.e.mask_below(existing, block);
      const Values turned = ir_.turn([&](int64_t column) {
        Value first =
            ir_.e.element(at, dtype, ir_.index(std::min(column, columns - 1) * column_stride));
        return plan_.pairs ? MatmulPairs(ir_, plan_).along(dtype, first, block, existing)
                           : ir_.e.load(dtype, first, ir_.index(0), block, mask);
      });
      for (size_t i = 0; i < turned.size(); ++i) {
        Value term = ir_.add(k, static_cast<int64_t>(i));
        ir_.store(turned[i], ir_.at(to, b_.CreateMul(term, f->getArg(4))));
      }
    };
    // Whole lines of each column, then whole blocks, the last of which may be masked.
    const int64_t line = 4 * block;
    Value whole = ir_.mul(b_.CreateUDiv(terms, ir_.index(line * elements)), line);
    ir_.loop(ir_.index(0), whole, line, [&](Value k) {
      for (int64_t t = 0; t < line; t += block) turn_block(ir_.add(k, t), nullptr);
    });
    ir_.loop(whole, steps, block,
             [&](Value k) { turn_block(k, b_.CreateSub(terms, ir_.mul(k, elements))); });
    b_.CreateRetVoid();
  });
}

}  // namespace sinter::codegen
