// Evaluates the body of a region for a block of rows, by walking back from each result.
#include "runtime/llvm/matmul/rows.h"

#include <algorithm>

#include "core/error.h"
#include "core/op_record.h"
#include "core/reduce.h"

namespace sinter::codegen {

MatmulRows::MatmulRows(MatmulIr& ir, const MatmulRegion& region, const MatmulPlan& plan,
                       Values inputs, Values results)
    : ir_(ir),
      e_(ir.e),
      region_(region),
      body_(*region.body),
      levels_(matmul_sums(plan, region)),
      level_stride_(plan.vectors.total * plan.machine.lanes),
      along_rows_(plan.lanes_along_rows),
      columns_(plan.problem.columns),
      part_count_(along_rows_ ? columns_ : (columns_ + ir.lanes - 1) / ir.lanes),
      inputs_(std::move(inputs)),
      results_(std::move(results)) {
  SINTER_CHECK(along_rows_ || plan.vectors.count == 1, "a row of a product in several panels");
  if (!along_rows_) last_mask_ = ir.mask(columns_ - (part_count_ - 1) * ir.lanes);
  if (along_rows_) turned_ = ir.on_stack(columns_);
}

Value MatmulRows::column_mask(int64_t p) const {
  return p + 1 == part_count_ ? last_mask_ : nullptr;
}

Value MatmulRows::row_start(Value base, DType dtype, int64_t stride) {
  return e_.element(base, dtype, ir_.mul(row_, stride));
}

// Is the value one a row?
bool MatmulRows::is_row(ValueId id) const {
  return columns_ == 1 || (id != region_.product && region_.strides_of(id).columns == 0);
}

// --- sums

void MatmulRows::begin_piece(Values targets) {
  targets_ = std::move(targets);
  size_t sum = 0;
  for (const MatmulRegion::Result& r : region_.results) {
    if (!r.is_sum()) continue;
    const bool total = r.form == MatmulRegion::Form::kTotal;
    const int64_t parts = total ? 1 : part_count_;
    // Totals may be of a wider dtype than the product.
    const int64_t size = (dtype_size(r.dtype) + dtype_size(ir_.dtype) - 1) / dtype_size(ir_.dtype);
    Value none = e_.number(r.dtype, reduce_identity(ReduceKind::kSum, r.dtype),
                           total && !along_rows_ ? 1 : ir_.lanes);
    if (along_rows_) {
      level_strides_.push_back(parts * size * ir_.lanes);
      running_.push_back(ir_.on_stack(parts * size * levels_.levels));
    }
    for (int64_t level = 0; level < levels_.levels; ++level) {
      for (int64_t p = 0; p < parts; ++p)
        e_.store(r.dtype, none, place(sum, r.dtype, level, p), ir_.index(0),
                 total || along_rows_ ? nullptr : column_mask(p));
    }
    ++sum;
  }
}

Value MatmulRows::place(size_t sum, DType dtype, int64_t level, int64_t p) {
  Value base = along_rows_ ? ir_.at(running_[sum], level * level_strides_[sum])
                           : ir_.at(targets_[sum], level * level_stride_);
  return e_.element(base, dtype, ir_.index(p * ir_.lanes));
}

Value MatmulRows::add(DType dtype, Value a, Value b) {
  return e_.scalar_op(ScalarOp::kAdd, dtype, dtype, std::vector<Value>{a, b});
}

// Rows of a block that do not exist hold anything.
Value MatmulRows::only_rows(DType dtype, Value vector) {
  Value mask = ir_.mask(rows_);
  if (mask == nullptr) return vector;
  return ir_.b.CreateSelect(mask, vector,
                            e_.number(dtype, reduce_identity(ReduceKind::kSum, dtype), ir_.lanes));
}

void MatmulRows::add_to_sum(size_t sum, const MatmulRegion::Result& result, const Parts& parts) {
  const bool total = result.form == MatmulRegion::Form::kTotal;
  const auto grow = [&](int64_t p, Value by, Value mask) {
    const int lanes = Emitter::lanes_of(by);
    Value lowest = place(sum, result.dtype, 0, p);
    Value before = e_.load(result.dtype, lowest, ir_.index(0), lanes, mask);
    e_.store(result.dtype, add(result.dtype, before, by), lowest, ir_.index(0), mask);
    ir_.settle(levels_, row_, ir_.add(row_, rows_), result.dtype, lowest,
               along_rows_ ? level_strides_[sum] : level_stride_, lanes, mask);
  };
  if (along_rows_) {
    for (int64_t p = 0; p < (total ? 1 : part_count_); ++p)
      grow(p, only_rows(result.dtype, part(parts, p)), nullptr);
  } else if (total) {
    grow(0, e_.lane(parts[0], 0), nullptr);
  } else {
    for (int64_t p = 0; p < part_count_; ++p) grow(p, part(parts, p), column_mask(p));
  }
}

void MatmulRows::end_piece() {
  size_t sum = 0;
  for (const MatmulRegion::Result& r : region_.results) {
    if (!along_rows_ || !r.is_sum()) continue;
    const int64_t parts = r.form == MatmulRegion::Form::kTotal ? 1 : part_count_;
    for (int64_t level = 0; level < levels_.levels; ++level) {
      Value target = ir_.at(targets_[sum], level * level_stride_);
      for (int64_t p = 0; p < parts; ++p) {
        Value lanes = e_.load(r.dtype, place(sum, r.dtype, level, p), ir_.index(0), ir_.lanes);
        Value total = e_.combine_lanes(lanes, [&](Value a, Value b) { return add(r.dtype, a, b); });
        e_.store(r.dtype, total, target, ir_.index(p));
      }
    }
    ++sum;
  }
}

// --- values

const MatmulRows::Parts& MatmulRows::value(ValueId id) {
  if (region_.unshaped(id) == region_.product) return *product_;
  if (const auto known = values_.find(id); known != values_.end()) return known->second;
  Parts parts = emit_value(id);
  return values_[id] = std::move(parts);
}

MatmulRows::Parts MatmulRows::emit_value(ValueId id) {
  const Node& node = body_.node(id);
  const Emitter::OfLine line(e_, Emitter::kNodeLines + id.node);
  if (node.is(KernelOp::kInput) || node.is(KernelOp::kReshape) || node.is(KernelOp::kAsStrided))
    return load(region_.input_of(id), region_.strides_of(id));
  if (node.is(KernelOp::kBroadcast)) return value(node.inputs[0]);
  if (node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce)) {
    const ReduceKind kind = Reduce::of(node).kind;
    const DType dtype = body_.type(node.inputs[0]).dtype;
    const Parts& whole = value(node.inputs[0]);
    return {node.is(KernelOp::kReduce) ? reduce(kind, dtype, whole)
                                       : arg_reduce(kind, dtype, whole)};
  }
  if (node.is(KernelOp::kIota)) return iota(node);
  SINTER_CHECK(node.is(KernelOp::kMap), node.op->name);
  return map(node, id.node, id.result);
}

MatmulRows::Parts MatmulRows::map(const Node& node, int32_t index, int32_t result) {
  std::vector<const Parts*> arguments;
  size_t count = 1;
  for (ValueId input : node.inputs) {
    arguments.push_back(&value(input));
    count = std::max(count, arguments.back()->size());
  }
  std::vector<Parts> all(node.types.size());
  for (size_t p = 0; p < count; ++p) {
    Values of_part;
    for (const Parts* argument : arguments)
      of_part.push_back(part(*argument, static_cast<int64_t>(p)));
    const Values made = e_.expression(node.attributes.get_expr("body"), of_part, ir_.lanes);
    for (size_t r = 0; r < made.size(); ++r) all[r].push_back(made[r]);
  }
  for (size_t r = 0; r < all.size(); ++r) values_[{index, static_cast<int32_t>(r)}] = all[r];
  return all[static_cast<size_t>(result)];
}

// Neighbours first, then their results.
Value MatmulRows::reduce(ReduceKind kind, DType dtype, const Parts& whole) {
  Parts parts;
  for (int64_t p = 0; p < part_count_; ++p) parts.push_back(part(whole, p));
  if (last_mask_ != nullptr) {
    Value nothing = e_.number(dtype, reduce_identity(kind, dtype), ir_.lanes);
    parts.back() = ir_.b.CreateSelect(last_mask_, parts.back(), nothing);
  }
  const auto combine = [&](Value a, Value b) {
    return e_.scalar_op(reduce_scalar_op(kind), dtype, dtype, std::vector<Value>{a, b});
  };
  for (; parts.size() > 1; parts.resize((parts.size() + 1) / 2)) {
    for (size_t p = 0; p < parts.size() / 2; ++p)
      parts[p] = combine(parts[2 * p], parts[2 * p + 1]);
    if (parts.size() % 2 != 0) parts[parts.size() / 2] = parts.back();
  }
  return along_rows_ ? parts[0] : e_.splat(e_.combine_lanes(parts[0], combine), ir_.lanes);
}

// The first column that holds the largest (smallest), of which reduce() makes NaN where there is
// one: then the first NaN.
Value MatmulRows::arg_reduce(ReduceKind kind, DType dtype, const Parts& whole) {
  Value best = reduce(kind, dtype, whole);
  Value none =
      e_.number(DType::kInt32, reduce_identity(ReduceKind::kMin, DType::kInt32), ir_.lanes);
  Parts found;
  for (int64_t p = 0; p < part_count_; ++p) {
    Value x = part(whole, p);
    Value is_best =
        e_.scalar_op(ScalarOp::kEqual, DType::kBool, dtype, std::vector<Value>{x, best});
    if (is_floating(dtype)) is_best = ir_.b.CreateOr(is_best, ir_.b.CreateFCmpUNO(x, x));
    found.push_back(ir_.b.CreateSelect(is_best, column_numbers(p), none));
  }
  return reduce(ReduceKind::kMin, DType::kInt32, found);
}

Value MatmulRows::column_numbers(int64_t p) {
  if (along_rows_) return e_.number(DType::kInt32, p, ir_.lanes);
  return ir_.b.CreateAdd(e_.lane_numbers(ir_.b.getInt32Ty(), ir_.lanes),
                         e_.splat(e_.i32(p * ir_.lanes), ir_.lanes));
}

MatmulRows::Parts MatmulRows::iota(const Node& node) {
  const DType dtype = node.types[0].dtype;
  Parts parts;
  if (node.attributes.get_int("axis") == 0) {
    Value rows = e_.splat(row_, ir_.lanes);
    if (along_rows_) rows = ir_.b.CreateAdd(rows, e_.lane_numbers(ir_.b.getInt64Ty(), ir_.lanes));
    return {e_.cast(rows, DType::kInt64, dtype)};
  }
  for (int64_t p = 0; p < part_count_; ++p)
    parts.push_back(e_.cast(column_numbers(p), DType::kInt32, dtype));
  return parts;
}

// --- memory

MatmulRows::Parts MatmulRows::load(ValueId input, EpilogueStrides strides) {
  const auto& inputs = body_.inputs();
  const auto index =
      static_cast<size_t>(std::find(inputs.begin(), inputs.end(), input.node) - inputs.begin());
  SINTER_CHECK(index < inputs.size(), "only inputs are loaded");
  const DType dtype = body_.type(input).dtype;
  Value base = inputs_[index];
  if (strides.offset != 0) base = e_.element(base, dtype, ir_.index(strides.offset));
  const auto splat = [&](Value at, int64_t offset) {
    return e_.splat(e_.load(dtype, at, ir_.index(offset)), ir_.lanes);
  };
  if (strides.rows != 0 && strides.columns != 0) return load_elements(base, dtype, strides.rows);
  if (strides.rows != 0) {
    Value at = row_start(base, dtype, strides.rows);
    if (!along_rows_) return {splat(at, 0)};
    return {e_.load(dtype, at, ir_.index(0), ir_.lanes, ir_.mask(rows_))};
  }
  if (strides.columns == 0) return {splat(base, 0)};
  Parts parts;
  for (int64_t p = 0; p < part_count_; ++p) {
    parts.push_back(
        along_rows_ ? splat(base, p)
                    : e_.load(dtype, base, ir_.index(p * ir_.lanes), ir_.lanes, column_mask(p)));
  }
  return parts;
}

MatmulRows::Parts MatmulRows::load_elements(Value base, DType dtype, int64_t row_stride) {
  Value at = row_start(base, dtype, row_stride);
  Parts parts;
  if (!along_rows_) {
    for (int64_t p = 0; p < part_count_; ++p)
      parts.push_back(e_.load(dtype, at, ir_.index(p * ir_.lanes), ir_.lanes, column_mask(p)));
  } else if (dtype == ir_.dtype) {
    const int64_t block = ir_.block_terms();
    for (int64_t p = 0; p < part_count_; p += block) {
      const int64_t terms = std::min(block, part_count_ - p);
      for (Value v : ir_.load_turned(ir_.at(at, p), row_stride, rows_, terms)) parts.push_back(v);
    }
  } else {
    Value offsets = ir_.mul(e_.lane_numbers(ir_.b.getInt64Ty(), ir_.lanes), row_stride);
    for (int64_t p = 0; p < part_count_; ++p) {
      Value column = e_.element(at, dtype, ir_.index(p));
      parts.push_back(e_.load_lanes(dtype, column, offsets, ir_.lanes, ir_.mask(rows_)));
    }
  }
  return parts;
}

void MatmulRows::store(size_t result, const Parts& parts) {
  const MatmulRegion::Result& r = region_.results[result];
  if (!is_row(r.value)) return store_elements(results_[result], r.dtype, parts);
  Value at = row_start(results_[result], r.dtype, 1);
  if (along_rows_)
    e_.store(r.dtype, parts[0], at, ir_.index(0), ir_.mask(rows_));
  else
    e_.store(r.dtype, e_.lane(parts[0], 0), at, ir_.index(0));
}

void MatmulRows::store_elements(Value base, DType dtype, const Parts& parts) {
  Value at = row_start(base, dtype, columns_);
  if (!along_rows_) {
    for (int64_t p = 0; p < part_count_; ++p)
      e_.store(dtype, part(parts, p), at, ir_.index(p * ir_.lanes), column_mask(p));
    return;
  }
  if (dtype != ir_.dtype) {
    Value offsets = ir_.mul(e_.lane_numbers(ir_.b.getInt64Ty(), ir_.lanes), columns_);
    for (int64_t p = 0; p < part_count_; ++p)
      e_.store_lanes(dtype, part(parts, p), e_.element(at, dtype, ir_.index(p)), offsets,
                     ir_.mask(rows_));
    return;
  }
  // Through the stack, a column after the other, and back by rows.
  for (int64_t p = 0; p < part_count_; ++p)
    ir_.store(part(parts, p), ir_.at(turned_, p * ir_.lanes));
  const int64_t block = ir_.block_terms(), whole = rows_ / block * block;
  const auto store_rows = [&](Value first, int64_t count) {
    const Values rows = ir_.load_turned(ir_.at(turned_, first), ir_.lanes, columns_, count);
    Value to = ir_.at(at, ir_.mul(first, columns_));
    for (int64_t r = 0; r < count; ++r)
      ir_.store(rows[static_cast<size_t>(r)], ir_.at(to, r * columns_), ir_.mask(columns_));
  };
  ir_.loop(ir_.index(0), ir_.index(whole), block, [&](Value r) { store_rows(r, block); });
  if (whole < rows_) store_rows(ir_.index(whole), rows_ - whole);
}

void MatmulRows::emit(Value row, int64_t rows, const Values& product) {
  row_ = row;
  rows_ = rows;
  product_ = &product;
  values_.clear();
  // All loads come before the first store: a result may share the memory of an operand.
  std::vector<Parts> values;
  for (const MatmulRegion::Result& r : region_.results) {
    const bool sums_rows = r.form == MatmulRegion::Form::kTotal && !is_row(r.value);
    values.push_back(sums_rows ? Parts{reduce(ReduceKind::kSum, r.dtype, value(r.value))}
                               : value(r.value));
  }
  size_t sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (region_.results[i].is_sum())
      add_to_sum(sum++, region_.results[i], values[i]);
    else
      store(i, values[i]);
  }
}

}  // namespace sinter::codegen
