// Packs the left side tile by tile, or in pairs.
#include "runtime/llvm/matmul/left.h"

#include <bit>

#include "runtime/llvm/matmul/pairs.h"

namespace sinter::codegen {
namespace {

// Terms of all tiles that are packed one tile after the other: rows of the left side are as many
// streams as the hardware follows, and what is written of a tile is a run of whole lines.
constexpr int64_t kTerms = 8;

// The rows of a tile side by side, term after term, so that the micro-kernel walks them in order.
void pack_tiles(MatmulIr& ir, const MatmulPlan& plan, std::pair<Value, Value> tiles, Value source,
                Value begin, Value end, Value target) {
  const int64_t apart = plan.lhs_source.depth.stride();
  const auto pack_terms = [&](Value k, int64_t count) {
    Value first = ir.at(source, ir.mul(ir.add(begin, k), apart));
    ir.each_part(plan.row_tiles, tiles, [&](Value row, int64_t rows, Value) {
      // Lanes beyond the rows are written over by the next term, or lie between tiles.
      const auto lanes = static_cast<int>(std::bit_ceil(static_cast<uint64_t>(rows)));
      Value mask = lanes == rows ? nullptr : ir.e.mask_below(ir.index(rows), lanes);
      Value from = ir.at(first, row);
      Value to = ir.at(target, ir.add(ir.offset(plan.problem.lhs.free, row), ir.mul(k, rows)));
      for (int64_t t = 0; t < count; ++t) {
        Value term = ir.e.load(ir.dtype, ir.at(from, t * apart), ir.index(0), lanes, mask);
        ir.e.store(ir.dtype, term, ir.at(to, t * rows), ir.index(0));
      }
    });
  };
  Value count = ir.b.CreateSub(end, begin);
  Value whole = ir.mul(ir.b.CreateUDiv(count, ir.index(kTerms)), kTerms);
  ir.loop(ir.index(0), whole, kTerms, [&](Value k) { pack_terms(k, kTerms); });
  ir.loop(whole, count, 1, [&](Value k) { pack_terms(k, 1); });
}

}  // namespace

Value pack_left(MatmulIr& ir, const MatmulPlan& plan, std::pair<Value, Value> tiles, Value source,
                Value begin, Value end, Value target) {
  const MatmulOperand& packed = plan.problem.lhs;
  const int64_t unit = plan.lanes_along_rows ? plan.machine.lanes : 1;
  const auto first_row = [&](Value tile) {
    return ir.mul(ir.begin_of(plan.row_tiles, tile), unit);
  };
  Value row = first_row(tiles.first);
  Value before_row = ir.at(target, ir.b.CreateNeg(ir.offset(packed.free, row)));
  if (plan.left_panels) {
    pack_tiles(ir, plan, tiles, source, begin, end, before_row);
    return before_row;
  }
  Value rows = ir.b.CreateSub(ir.min(first_row(tiles.second), ir.index(plan.problem.rows)), row);
  MatmulPairs(ir, plan).pack_left(source, row, rows, begin, end, target);
  return ir.at(before_row, ir.b.CreateNeg(ir.offset(packed.depth, begin)));
}

}  // namespace sinter::codegen
