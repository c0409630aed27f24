// Packs a panel of the right side into the workspace, so that the micro-kernel walks it in order.
#include <array>

#include "runtime/llvm/matmul_pairs.h"
#include "runtime/llvm/matmul_tile.h"

namespace sinter::codegen {

void MatmulTile::pack(const Panel& panel, Value source, Value column, Value target) {
  const MatmulOperand& from = plan_.rhs_source;
  Value term = ir_.mul(panel.begin, plan_.elements_a_term());
  Value first = ir_.e.element(
      source, from.dtype,
      ir_.add(ir_.mul(term, from.depth.stride()), ir_.mul(column, from.free.stride())));
  if (plan_.packing == MatmulPlan::Packing::kTranspose)
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
  const int64_t elements = plan_.elements_a_term();
  const int64_t width = panel.kind.vectors * plan_.machine.lanes;
  Value count = b_.CreateSub(panel.end, panel.begin);
  // In elements: the last pair may be half of one.
  Value end =
      elements == 1 ? panel.end : ir_.min(ir_.mul(panel.end, elements), ir_.index(plan_.terms));
  Value existing_terms = b_.CreateSub(end, ir_.mul(panel.begin, elements));
  llvm::Function* block = transpose_block();
  const int64_t size = block_size();
  const int64_t existing = last_columns(panel.kind);
  ir_.loop(ir_.index(0), ir_.index(width), size, [&](Value c) {
    // Columns that do not exist repeat the last one: they are computed and never stored.
    Value columns =
        existing == width
            ? ir_.index(size)
            : ir_.max(ir_.min(b_.CreateSub(ir_.index(existing), c), ir_.index(size)), ir_.index(1));
    Value first_column = existing == width ? c : ir_.min(c, ir_.index(existing - 1));
    ir_.loop(ir_.index(0), count, size, [&](Value k) {
      Value term = ir_.mul(k, elements);
      Value at = ir_.e.element(
          first, from.dtype,
          ir_.add(ir_.mul(first_column, from.free.stride()), ir_.mul(term, from.depth.stride())));
      Value to = ir_.at(target, ir_.add(ir_.mul(k, width), c));
      Value terms = ir_.min(b_.CreateSub(existing_terms, term), ir_.index(size * elements));
      b_.CreateCall(block, {at, columns, terms, to, ir_.index(width)});
    });
  });
}

// Eight lanes at most: wider registers transpose no faster and take far longer to compile.
int64_t MatmulTile::block_size() const { return std::min<int64_t>(plan_.machine.lanes, 8); }

int64_t MatmulTile::last_columns(const PanelKind& kind) const {
  return (kind.vectors - 1) * plan_.machine.lanes + kind.last_lanes;
}

// void (ptr from, i64 columns, i64 terms, ptr to, i64 stride): a square block, transposed in
// registers. Missing columns repeat the last one, missing terms are zero.
llvm::Function* MatmulTile::transpose_block() {
  llvm::Type *index = b_.getInt64Ty(), *pointer = b_.getPtrTy();
  auto* type =
      llvm::FunctionType::get(b_.getVoidTy(), {pointer, index, index, pointer, index}, false);
  const int64_t size = block_size(), stride = plan_.rhs_source.free.stride();
  const DType dtype = plan_.rhs_source.dtype;
  const std::string name =
      std::string("transpose.") + std::string(dtype_name(dtype)) + "." + std::to_string(stride);
  return ir_.e.helper(name, type, [&](llvm::Function* f) {
    MatmulPairs pairs(ir_, plan_);
    Value mask = ir_.e.mask_below(f->getArg(2), static_cast<int>(size));
    Value last = ir_.add(f->getArg(1), -1);
    Values rows;
    for (int64_t i = 0; i < size; ++i) {
      Value at = ir_.e.element(f->getArg(0), dtype, ir_.mul(ir_.min(ir_.index(i), last), stride));
      rows.push_back(plan_.pairs
                         ? pairs.along(dtype, at, size, f->getArg(2))
                         : ir_.e.load(dtype, at, ir_.index(0), static_cast<int>(size), mask));
    }
    transpose_lanes(rows);
    for (int64_t i = 0; i < size; ++i) {
      ir_.store(rows[static_cast<size_t>(i)], ir_.at(f->getArg(3), ir_.mul(f->getArg(4), i)));
    }
    b_.CreateRetVoid();
  });
}

// In each 2x2 group of ever smaller sub-blocks the two off the diagonal change places.
void MatmulTile::transpose_lanes(Values& rows) {
  const auto lanes = static_cast<int>(rows.size());
  // The last two rounds on four-byte elements are written as the interleavings that x86 has, which
  // LLVM takes as they are; it spends longer on other shuffles than on all the rest of a kernel.
  const bool by_fours = dtype_size(p_.dtype) == 4 && lanes >= 4;
  for (int half = lanes / 2; half >= (by_fours ? 4 : 1); half /= 2) {
    std::vector<int> low, high;
    for (int i = 0; i < lanes; ++i) {
      const bool upper = (i & half) != 0;
      low.push_back(upper ? lanes + i - half : i);
      high.push_back(upper ? lanes + i : i + half);
    }
    for (int i = 0; i < lanes; ++i) {
      if ((i & half) != 0) continue;
      Value &a = rows[static_cast<size_t>(i)], &c = rows[static_cast<size_t>(i + half)];
      Value upper = b_.CreateShuffleVector(a, c, low);
      c = b_.CreateShuffleVector(a, c, high);
      a = upper;
    }
  }
  if (!by_fours) return;
  // Each group of four lanes from the same lanes of two rows; 4 to 7 stand for the second one's.
  const auto mix = [&](Value a, Value c, std::array<int, 4> from) {
    std::vector<int> lanes_from;
    for (int i = 0; i < lanes; ++i) {
      const int element = from[static_cast<size_t>(i % 4)];
      lanes_from.push_back(i / 4 * 4 + (element < 4 ? element : lanes + element - 4));
    }
    return b_.CreateShuffleVector(a, c, lanes_from);
  };
  for (size_t i = 0; i < rows.size(); i += 4) {
    Value low01 = mix(rows[i], rows[i + 1], {0, 4, 1, 5});
    Value high01 = mix(rows[i], rows[i + 1], {2, 6, 3, 7});
    Value low23 = mix(rows[i + 2], rows[i + 3], {0, 4, 1, 5});
    Value high23 = mix(rows[i + 2], rows[i + 3], {2, 6, 3, 7});
    rows[i] = mix(low01, low23, {0, 1, 4, 5});
    rows[i + 1] = mix(low01, low23, {2, 3, 6, 7});
    rows[i + 2] = mix(high01, high23, {0, 1, 4, 5});
    rows[i + 3] = mix(high01, high23, {2, 3, 6, 7});
  }
}

}  // namespace sinter::codegen
