#include "runtime/llvm/matmul/totals.h"

namespace sinter::codegen {

Value MatmulTotals::load(Value place) const {
  return ir_.e.load(runs_.dtype, place, ir_.index(0), ir_.lanes);
}

Value MatmulTotals::grown(Value sum, Value before) const {
  return ir_.b.CreateFAdd(before, ir_.e.cast(sum, ir_.dtype, runs_.dtype));
}

void MatmulTotals::add(Value sum, Value place, Value first) const {
  Value before = load(place);
  if (first != nullptr)
    before = ir_.b.CreateSelect(first, ir_.e.number(runs_.dtype, -0.0, ir_.lanes), before);
  ir_.e.store(runs_.dtype, grown(sum, before), place, ir_.index(0));
}

Value MatmulTotals::with(Value sum, Value place) const {
  return ir_.e.cast(grown(sum, load(place)), runs_.dtype, ir_.dtype);
}

Value MatmulTotals::on_stack(int64_t vectors) const {
  return ir_.e.on_stack(ir_.e.type(runs_.dtype, ir_.lanes), vectors);
}

Value MatmulTotals::place(Value base, int64_t vector) const {
  return ir_.e.element(base, runs_.dtype, ir_.index(vector * ir_.lanes));
}

void MatmulTotals::clear(Value base, int64_t vectors) const {
  for (int64_t v = 0; v < vectors; ++v)
    ir_.e.store(runs_.dtype, ir_.e.number(runs_.dtype, -0.0, ir_.lanes), place(base, v),
                ir_.index(0));
}

}  // namespace sinter::codegen
