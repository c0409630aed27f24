// contract as plain loops: what the matmul kernels do not cover (float64, integers, batches, odd
// strides).
//
// Where the right side is dense along its free dimension, each row of the result accumulates scaled
// rows of the right side, in memory. Otherwise both sides are walked along the contracted
// dimension, as dot products.
#include "core/contract.h"
#include "core/error.h"
#include "runtime/llvm/loops/build.h"

namespace sinter::codegen {
namespace {

struct Dim {
  int64_t extent = 1, lhs = 0, rhs = 0, out = 0;  // strides
};

}  // namespace

void build_contract(const Region& region, int32_t node, LoopProgram& program) {
  const Graph& graph = *region.graph;
  const Node& n = graph.node(node);
  const Shape &a = graph.type(n.inputs[0]).shape, &b = graph.type(n.inputs[1]).shape;
  const DType dtype = n.types[0].dtype;
  const std::vector<int64_t> a_strides = a.strides(), b_strides = b.strides(),
                             out_strides = n.types[0].shape.strides();
  const auto a_stride = [&](int axis) { return a_strides[static_cast<size_t>(axis)]; };
  const auto b_stride = [&](int axis) { return b_strides[static_cast<size_t>(axis)]; };
  const Contract c = Contract::of(a, b, n.attributes);

  std::vector<Dim> batch, rows, columns, summed;
  size_t next = 0;
  for (size_t k = 0; k < c.lhs.batch.size(); ++k)
    batch.push_back({a[c.lhs.batch[k]], a_stride(c.lhs.batch[k]), b_stride(c.rhs.batch[k]),
                     out_strides[next++]});
  for (const int axis : c.lhs.free)
    rows.push_back({a[axis], a_stride(axis), 0, out_strides[next++]});
  for (const int axis : c.rhs.free)
    columns.push_back({b[axis], 0, b_stride(axis), out_strides[next++]});
  for (size_t k = 0; k < c.lhs.depth.size(); ++k)
    summed.push_back({a[c.lhs.depth[k]], a_stride(c.lhs.depth[k]), b_stride(c.rhs.depth[k]), 0});

  const bool dense = !columns.empty() && columns.back().rhs == 1 && columns.back().extent > 1;
  std::vector<Dim> order = batch;
  order.insert(order.end(), rows.begin(), rows.end());
  order.insert(order.end(), (dense ? summed : columns).begin(), (dense ? summed : columns).end());
  order.insert(order.end(), (dense ? columns : summed).begin(), (dense ? columns : summed).end());
  if (dense ? columns.empty() : summed.empty()) order.push_back({});

  LoopNest nest;
  Access left{.buffer = region.inputs.at(n.inputs[0]), .offset = 0, .strides = {}},
      right{.buffer = region.inputs.at(n.inputs[1]), .offset = 0, .strides = {}},
      out{.buffer = region.outputs.at({node, 0}), .offset = 0, .strides = {}};
  for (const Dim& d : order) {
    nest.dims.push_back(d.extent);
    left.strides.push_back(d.lhs);
    right.strides.push_back(d.rhs);
    out.strides.push_back(d.out);
  }
  // bfloat16 is multiplied and added as float32, which is what `dtype` says.
  const DType factor = graph.type(n.inputs[0]).dtype;
  const auto load = [&](size_t side, const Access& access) {
    const DType stored = graph.type(n.inputs[side]).dtype;
    int value = nest.load(stored, access);
    if (stored != factor) value = nest.apply(ScalarOp::kCast, factor, {value});
    return factor == dtype ? value : nest.apply(ScalarOp::kCast, dtype, {value});
  };
  int value = nest.apply(ScalarOp::kMul, dtype, {load(0, left), load(1, right)});
  if (!dense) {
    LoopOp sum;
    sum.kind = LoopOpKind::kReduce;
    sum.dtype = dtype;
    sum.operands = {value};
    sum.access = out;
    sum.access.buffer = -1;
    value = nest.add(std::move(sum));
  }
  LoopOp accumulate;
  accumulate.kind = LoopOpKind::kAccumulate;
  accumulate.dtype = dtype;
  accumulate.operands = {value};
  accumulate.access = out;
  nest.add(std::move(accumulate));
  nest.finish();
  std::vector<LoopNest> nests;
  nests.push_back(std::move(nest));
  add_phase(std::move(nests), program, region.scratch_argument);
}

}  // namespace sinter::codegen
