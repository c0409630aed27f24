#include "runtime/llvm/matmul/add_sums.h"

namespace sinter::codegen {
namespace {

// Totals may be of another dtype than the product; each lies where a piece's column sums would.
void add_total(MatmulIr& ir, DType dtype, Value base, int64_t parts, int64_t columns,
               Value target) {
  Value total = nullptr;
  for (int64_t s = 0; s < parts; ++s) {
    Value part = ir.e.load(dtype, ir.at(base, s * columns), ir.index(0));
    total = total == nullptr
                ? part
                : ir.e.scalar_op(ScalarOp::kAdd, dtype, dtype, std::vector<Value>{total, part});
  }
  ir.e.store(dtype, total, target, ir.index(0));
}

}  // namespace

void add_sums(MatmulIr& ir, const MatmulRegion& region, Value base, int64_t parts, int64_t columns,
              const Values& results) {
  for (size_t i = 0; i < region.results.size(); ++i) {
    if (!region.results[i].is_sum()) continue;
    Value first = base;
    base = ir.at(base, parts * columns);
    if (region.results[i].form == MatmulRegion::Form::kTotal) {
      add_total(ir, region.results[i].dtype, first, parts, columns, results[i]);
      continue;
    }
    const auto add_vector = [&](Value column, Value mask) {
      Value total = nullptr;
      for (int64_t s = 0; s < parts; ++s) {
        Value part = ir.load(ir.at(first, ir.add(column, s * columns)));
        total = total == nullptr ? part : ir.b.CreateFAdd(total, part);
      }
      ir.store(total, ir.at(results[i], column), mask);
    };
    const int64_t whole = region.columns / ir.lanes * ir.lanes;
    ir.loop(ir.index(0), ir.index(whole), ir.lanes,
            [&](Value column) { add_vector(column, nullptr); });
    if (whole < region.columns) add_vector(ir.index(whole), ir.mask(region.columns - whole));
  }
}

}  // namespace sinter::codegen
