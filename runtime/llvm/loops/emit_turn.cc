// Copies that change which dimension is adjacent in memory: squares of elements are turned in
// registers, so that whole vectors are read and written.
#include <algorithm>
#include <functional>

#include "runtime/llvm/emit/vector_ir.h"
#include "runtime/llvm/loops/emit_nest.h"

namespace sinter::codegen {
namespace {

// Squares of this many elements a side are finished one after the other: their lines, and the pages
// they lie on, stay at hand.
constexpr int64_t kBlock = 64;

// A dimension in tiles. The last tile of a range is moved back until it is full: its elements are
// copied twice. Where the whole dimension is shorter than a tile there is one, partly masked.
struct Tiled {
  Value begin, end;
  int64_t tile;

  Tiled(Value from, Value to, int64_t extent, int64_t whole_tile)
      : begin(from), end(to), tile(std::min(extent, whole_tile)) {}

  Value first_of(VectorIr& ir, Value wanted) const { return ir.min(wanted, ir.add(end, -tile)); }
};

}  // namespace

void NestEmitter::emit_turned() {
  index_.assign(nest_.dims.size(), nullptr);
  const Access &from = nest_.ops[0].access, &to = nest_.ops[1].access;
  const auto other = static_cast<size_t>(nest_.turn);
  // Elements of a vector lie along `read` when they are loaded and along `written` when stored.
  const size_t read = from.strides[columns_] == 1 ? columns_ : other;
  const size_t written = read == columns_ ? other : columns_;
  // Bools are moved as they lie in memory.
  const DType dtype = nest_.ops[0].dtype == DType::kBool ? DType::kUint8 : nest_.ops[0].dtype;
  const int64_t size = dtype_size(dtype);
  const auto lanes = static_cast<int>(std::min(e_.cpu().vector_bytes / size, kTurnTile));
  VectorIr ir(e_, dtype, lanes);
  const int64_t block = ir.block_terms();
  const Tiled terms(begin_[read], end_[read], nest_.dims[read],
                    std::max(block, std::min<int64_t>(kTurnTile, 64 / size)));
  const Tiled rows(begin_[written], end_[written], nest_.dims[written], lanes);
  Value mask = ir.mask(rows.tile);

  const auto tile = [&](Value row, Value term) {
    index_[written] = rows.first_of(ir, row);
    index_[read] = terms.first_of(ir, term);
    const auto place = [&](const Access& a) {
      Value last = ir.mul(index_[columns_], a.strides[columns_]);
      return e_.element(buffer(a), dtype, ir.add(row_offset(a), last));
    };
    Value source = place(from), target = place(to);
    for (int64_t t = 0; t < terms.tile; t += block) {
      const Values turned = ir.load_turned(ir.at(source, t), from.strides[written], rows.tile,
                                           std::min(block, terms.tile - t));
      for (size_t i = 0; i < turned.size(); ++i) {
        Value at = ir.at(target, (t + static_cast<int64_t>(i)) * to.strides[read]);
        if (streaming_)
          e_.stream(dtype, turned[i], at, e_.i64(0));
        else
          ir.store(turned[i], at, mask);
      }
    }
  };
  const auto blocks = [&](Value row, Value term) {
    ir.loop(row, ir.min(ir.add(row, kBlock), rows.end), rows.tile, [&](Value r) {
      ir.loop(term, ir.min(ir.add(term, kBlock), terms.end), terms.tile,
              [&](Value t) { tile(r, t); });
    });
  };
  const std::function<void(size_t)> outside = [&](size_t d) {
    if (d == nest_.dims.size()) {
      return ir.loop(terms.begin, terms.end, kBlock, [&](Value term) {
        ir.loop(rows.begin, rows.end, kBlock, [&](Value row) { blocks(row, term); });
      });
    }
    if (d == read || d == written) return outside(d + 1);
    e_.loop(begin_[d], end_[d], 1, [&](Value i) {
      index_[d] = i;
      outside(d + 1);
    });
  };
  outside(0);
}

}  // namespace sinter::codegen
