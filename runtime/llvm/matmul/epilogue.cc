// The epilogue is evaluated by walking back from each result; values that several results need are
// emitted once a site.
#include "runtime/llvm/matmul/epilogue.h"

#include <algorithm>

#include "core/error.h"
#include "core/op_record.h"

namespace sinter::codegen {

MatmulEpilogue::MatmulEpilogue(MatmulIr& ir, const MatmulRegion& region, int64_t columns,
                               Values inputs, Values results)
    : ir_(ir),
      e_(ir.e),
      region_(region),
      body_(*region.body),
      columns_(columns),
      inputs_(std::move(inputs)),
      results_(std::move(results)) {}

// Values are shared between sites that do not tell them apart: a bias vector between rows, a scalar
// between all.
MatmulEpilogue::Key MatmulEpilogue::key_of(ValueId id, const EpilogueSite& site) const {
  const EpilogueStrides strides = region_.strides_of(id);
  const bool by_row = strides.rows != 0, by_column = strides.columns != 0;
  return {id, by_row ? site.row : nullptr, by_row ? site.row_step : 0,
          by_column ? site.column : nullptr, by_column ? site.column_step : 0};
}

// Does the value hold one number, known before the product?
bool MatmulEpilogue::is_invariant(ValueId id) const {
  if (region_.unshaped(id) == region_.product) return false;
  const Node& node = body_.node(id);
  if (node.types[0].shape.elements() != 1) return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId input) { return is_invariant(input); });
}

void MatmulEpilogue::find_invariants(ValueId id) {
  if (region_.unshaped(id) == region_.product) return;
  if (is_invariant(id)) {
    const Key key = key_of(id, {});
    if (!invariants_.contains(key)) invariants_[key] = emit_value(id, {});
    return;
  }
  for (ValueId input : body_.node(id).inputs) find_invariants(input);
}

void MatmulEpilogue::emit_invariants() {
  for (const MatmulRegion::Result& r : region_.results) find_invariants(r.value);
}

Values MatmulEpilogue::tile_operands(Value row, Value column) {
  Values starts;
  for (size_t i : region_.whole_operands())
    starts.push_back(ir_.at(ir_.at(inputs_[i], ir_.mul(row, columns_)), column));
  return starts;
}

void MatmulEpilogue::begin_tile() {
  values_.clear();
  origins_.clear();
}

Value MatmulEpilogue::value(ValueId id, const EpilogueSite& site) {
  if (region_.unshaped(id) == region_.product) return site.product;
  const Key key = key_of(id, site);
  if (const auto known = invariants_.find(key); known != invariants_.end()) return known->second;
  if (const auto known = values_.find(key); known != values_.end()) return known->second;
  return values_[key] = emit_value(id, site);
}

Value MatmulEpilogue::emit_value(ValueId id, const EpilogueSite& site) {
  const Node& node = body_.node(id);
  const Emitter::OfLine line(e_, Emitter::kNodeLines + id.node);
  if (node.is(KernelOp::kInput) || node.is(KernelOp::kReshape) || node.is(KernelOp::kAsStrided))
    return load(region_.input_of(id), region_.strides_of(id), site);
  if (node.is(KernelOp::kBroadcast)) return value(node.inputs[0], site);
  SINTER_CHECK(node.is(KernelOp::kMap), node.op->name);
  Values arguments;
  for (ValueId input : node.inputs) arguments.push_back(value(input, site));
  const Values all = e_.expression(node.attributes.get_expr("body"), arguments, ir_.lanes);
  for (size_t r = 0; r < all.size(); ++r)
    values_[key_of({id.node, static_cast<int32_t>(r)}, site)] = all[r];
  return all[static_cast<size_t>(id.result)];
}

// The address of the first lane: one origin a tile from the site's row and column, constant steps
// from there.
Value MatmulEpilogue::address(Value base, DType dtype, EpilogueStrides strides,
                              const EpilogueSite& site) {
  Value& origin =
      origins_[{base, strides.rows == 0 ? nullptr : site.row,
                strides.columns == 0 ? nullptr : site.column, strides.rows, strides.offset}];
  if (origin == nullptr) {
    origin = strides.offset == 0 ? base : e_.element(base, dtype, ir_.index(strides.offset));
    if (strides.rows != 0) origin = e_.element(origin, dtype, ir_.mul(site.row, strides.rows));
    if (strides.columns != 0) origin = e_.element(origin, dtype, site.column);
  }
  const int64_t steps = site.row_step * strides.rows + site.column_step * strides.columns;
  return steps == 0 ? origin : e_.element(origin, dtype, ir_.index(steps));
}

Value MatmulEpilogue::load(ValueId input, EpilogueStrides strides, const EpilogueSite& site) {
  const auto& inputs = body_.inputs();
  const auto index =
      static_cast<size_t>(std::find(inputs.begin(), inputs.end(), input.node) - inputs.begin());
  const DType dtype = body_.type(input).dtype;
  Value at = address(inputs_[index], dtype, strides, site);
  if (strides.columns == 0) return e_.splat(e_.load(dtype, at, ir_.index(0)), ir_.lanes);
  return e_.load(dtype, at, ir_.index(0), ir_.lanes, site.mask);
}

void MatmulEpilogue::emit(const EpilogueSite& site, Values& sums) {
  // All loads come before the first store: a result may share the memory of an operand.
  Values values;
  for (const MatmulRegion::Result& r : region_.results) values.push_back(value(r.value, site));
  size_t sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (region_.results[i].is_sum()) {
      sums[sum] = sums[sum] == nullptr ? values[i] : ir_.b.CreateFAdd(sums[sum], values[i]);
      ++sum;
    } else {
      const DType dtype = region_.results[i].dtype;
      e_.store(dtype, values[i], address(results_[i], dtype, {columns_, 1}, site), ir_.index(0),
               site.mask);
    }
  }
}

}  // namespace sinter::codegen
