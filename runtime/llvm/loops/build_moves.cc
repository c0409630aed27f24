// Nodes with loops of their own: pad, concat, reshape, scatter_add, arg_reduce.
#include <algorithm>

#include "core/error.h"
#include "core/reduce.h"
#include "runtime/llvm/loops/build.h"

namespace sinter::codegen {
namespace {

void add_one(LoopNest nest, const Region& region, LoopProgram& program) {
  nest.finish();
  std::vector<LoopNest> nests;
  nests.push_back(std::move(nest));
  add_phase(std::move(nests), program, region.scratch_argument);
}

// A nest that copies all of `from` (dense) to places of `to` with the given strides.
LoopNest copy_nest(DType dtype, const Shape& shape, int from, int to, int64_t offset,
                   std::vector<int64_t> strides) {
  LoopNest nest;
  nest.dims = shape.dims();
  std::vector<int64_t> source = shape.strides();
  if (nest.dims.empty()) nest.dims = {1}, source = {0}, strides = {0};
  nest.store(nest.load(dtype, {.buffer = from, .offset = 0, .strides = source}),
             {.buffer = to, .offset = offset, .strides = std::move(strides)});
  return nest;
}

// A nest that fills the box [begin, end) of a dense value.
LoopNest fill_box(const ValueType& type, Number value, const std::vector<int64_t>& begin,
                  const std::vector<int64_t>& end, int buffer) {
  LoopNest nest;
  const std::vector<int64_t> strides = type.shape.strides();
  int64_t offset = 0;
  for (size_t d = 0; d < begin.size(); ++d) {
    nest.dims.push_back(end[d] - begin[d]);
    offset += begin[d] * strides[d];
  }
  nest.store(nest.number(type.dtype, value),
             {.buffer = buffer, .offset = offset, .strides = strides});
  return nest;
}

LoopNest fill_nest(DType dtype, Number value, int64_t count, int buffer) {
  return fill_box({dtype, Shape{count}}, value, {0}, {count}, buffer);
}

// The padding around `inside`, which begins at `low`: of each dimension the slabs before and behind
// it, as wide as `inside` in the dimensions before that one. Nothing where they are so thin that
// filling everything is less work.
std::vector<LoopNest> fill_around(const ValueType& type, Number value, const Shape& inside,
                                  const std::vector<int64_t>& low, int buffer) {
  constexpr int64_t kThinnest = 16;  // elements one after the other
  const std::vector<int64_t> strides = type.shape.strides();
  std::vector<LoopNest> nests;
  std::vector<int64_t> begin(low.size(), 0), end = type.shape.dims();
  for (size_t d = 0; d < low.size(); ++d) {
    const int64_t all = end[d], from = low[d], to = low[d] + inside[static_cast<int>(d)];
    for (const auto& [first, last] : {std::pair(int64_t{0}, from), std::pair(to, all)}) {
      if (first == last) continue;
      if ((last - first) * strides[d] < kThinnest) return {};
      begin[d] = first, end[d] = last;
      nests.push_back(fill_box(type, value, begin, end, buffer));
    }
    begin[d] = from, end[d] = to;
  }
  return nests;
}

struct Around {
  int64_t outer = 1, length = 1, inner = 1;
};

Around split_at(const Shape& shape, int axis) {
  Around s;
  for (int d = 0; d < shape.rank(); ++d)
    (d < axis ? s.outer : d == axis ? s.length : s.inner) *= shape[d];
  return s;
}

}  // namespace

void build_move(const Region& region, int32_t node, LoopProgram& program) {
  const Graph& graph = *region.graph;
  const Node& n = graph.node(node);
  const ValueType& out = n.types[0];
  const int to = region.outputs.at({node, 0});
  if (n.is(KernelOp::kReshape)) {
    const int64_t count = out.shape.elements();
    return add_one(copy_nest(out.dtype, Shape{count}, region.inputs.at(n.inputs[0]), to, 0, {1}),
                   region, program);
  }
  const std::vector<int64_t> strides = out.shape.strides();
  if (n.is(KernelOp::kPad)) {
    const auto& low = n.attributes.get_ints("low");
    int64_t offset = 0;
    for (size_t d = 0; d < strides.size(); ++d) offset += low[d] * strides[d];
    const Number value = n.attributes.get_float("value");
    const Shape& inside = graph.type(n.inputs[0]).shape;
    std::vector<LoopNest> nests;
    if (inside.elements() > 0) nests = fill_around(out, value, inside, low, to);
    if (nests.empty())
      add_one(fill_nest(out.dtype, value, out.shape.elements(), to), region, program);
    nests.push_back(
        copy_nest(out.dtype, inside, region.inputs.at(n.inputs[0]), to, offset, strides));
    for (LoopNest& nest : nests) nest.finish();
    return add_phase(std::move(nests), program, region.scratch_argument);
  }
  SINTER_CHECK(n.is(KernelOp::kConcat), n.op->name);
  const int axis = axis_of(n.attributes);
  std::vector<LoopNest> nests;
  int64_t offset = 0;
  for (ValueId v : n.inputs) {
    const Shape& part = graph.type(v).shape;
    if (part.elements() != 0) {
      nests.push_back(copy_nest(out.dtype, part, region.inputs.at(v), to, offset, strides));
      nests.back().finish();
    }
    offset += part[axis] * strides[static_cast<size_t>(axis)];
  }
  add_phase(std::move(nests), program, region.scratch_argument);
}

// Zeros, then additions in the order of the indices. Pieces may share what is around the axis,
// never the axis itself.
void build_scatter(const Region& region, int32_t node, LoopProgram& program) {
  const Graph& graph = *region.graph;
  const Node& n = graph.node(node);
  const ValueType& out = n.types[0];
  const Around s = split_at(out.shape, axis_of(n.attributes));
  const int to = region.outputs.at({node, 0});
  add_one(fill_nest(out.dtype, 0, out.shape.elements(), to), region, program);
  const ValueType& indices = graph.type(n.inputs[0]);
  int64_t samples = 1;
  for (int d = 0; d < n.attributes.get_int("batch_dims"); ++d) samples *= out.shape[d];
  const int64_t count = indices.shape.elements() / samples, outer = s.outer / samples;
  LoopNest nest;
  nest.dims = {samples, outer, count, s.inner};
  LoopOp op;
  op.kind = LoopOpKind::kAccumulateAt;
  op.dtype = out.dtype;
  op.operands = {
      nest.load(
          indices.dtype,
          {.buffer = region.inputs.at(n.inputs[0]), .offset = 0, .strides = {count, 0, 1, 0}}),
      nest.load(out.dtype, {.buffer = region.inputs.at(n.inputs[1]),
                            .offset = 0,
                            .strides = {outer * count * s.inner, count * s.inner, s.inner, 1}})};
  const int64_t around = s.length * s.inner;
  op.access = {.buffer = to, .offset = 0, .strides = {outer * around, around, 0, 1}};
  op.limit = s.length;
  op.scale = s.inner;
  nest.add(std::move(op));
  nest.scalar = s.inner == 1;  // lanes could meet at one place
  add_one(std::move(nest), region, program);
}

void build_arg_reduce(const Region& region, int32_t node, LoopProgram& program) {
  const Graph& graph = *region.graph;
  const Node& n = graph.node(node);
  const ValueType& in = graph.type(n.inputs[0]);
  const Around s = split_at(in.shape, axis_of(n.attributes));
  LoopNest nest;
  nest.dims = {s.outer, s.inner, s.length};
  LoopOp op;
  op.kind = LoopOpKind::kArgReduce;
  op.dtype = DType::kInt32;
  op.reduce = Reduce::of(n).kind;
  op.operands = {nest.load(in.dtype, {.buffer = region.inputs.at(n.inputs[0]),
                                      .offset = 0,
                                      .strides = {s.length * s.inner, 1, s.inner}})};
  op.access = {.buffer = -1, .offset = 0, .strides = {s.inner, 1, 0}};
  const int best = nest.add(std::move(op));
  nest.store(best,
             {.buffer = region.outputs.at({node, 0}), .offset = 0, .strides = {s.inner, 1, 0}});
  add_one(std::move(nest), region, program);
}

}  // namespace sinter::codegen
