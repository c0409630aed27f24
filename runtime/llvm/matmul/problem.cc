// From the axes of a `contract` node to rows, columns, depth and strides.
#include "runtime/llvm/matmul/problem.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/contract.h"
#include "core/view.h"

namespace sinter::codegen {
namespace {

View view_of(const Graph& body, ValueId operand) {
  const Node& node = body.node(operand);
  if (!node.is(KernelOp::kAsStrided)) return View::dense(body.type(operand).shape);
  return *view_through(body, node, View::dense(body.type(node.inputs[0]).shape));
}

DimGroup group_of(const View& view, const Contract::Axes& axes) {
  const View group = view.along(axes).merged();
  return {group.extents, group.strides};
}

MatmulOperand operand_of(const Graph& body, ValueId operand, const Contract::Side& side) {
  const View view = view_of(body, operand);
  return {group_of(view, side.batch), group_of(view, side.free), group_of(view, side.depth),
          body.type(operand).dtype, view.offset};
}

}  // namespace

void DimGroup::append(int64_t extent, int64_t stride) {
  if (extent == 1) return;
  if (!extents.empty() && strides.back() == extent * stride) {
    extents.back() *= extent;
    strides.back() = stride;
  } else {
    extents.push_back(extent);
    strides.push_back(stride);
  }
}

int64_t DimGroup::size() const {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

bool DimGroup::is_invariant() const {
  return std::all_of(strides.begin(), strides.end(), [](int64_t s) { return s == 0; });
}

int64_t DimGroup::offset(int64_t index) const {
  int64_t sum = 0;
  for (size_t i = extents.size(); i-- > 0;) {
    sum += index % extents[i] * strides[i];
    index /= extents[i];
  }
  return sum;
}

MatmulProblem matmul_problem(const Graph& body, const Node& contract) {
  const ValueType& lhs = body.type(contract.inputs[0]);
  const ValueType& rhs = body.type(contract.inputs[1]);
  MatmulProblem p;
  p.dtype = lhs.dtype == DType::kBFloat16 ? DType::kFloat32 : lhs.dtype;
  Contract c = Contract::of(lhs.shape, rhs.shape, contract.attributes);

  // The sum may run over its axes in any order: that of the left side in memory merges most.
  c.sort_depth();
  p.lhs = operand_of(body, contract.inputs[0], c.lhs);
  p.rhs = operand_of(body, contract.inputs[1], c.rhs);
  p.batch = p.lhs.batch.size();
  p.rows = p.lhs.free.size();
  p.columns = p.rhs.free.size();
  p.depth = p.lhs.depth.size();
  p.row_dims = extents(lhs.shape, c.lhs.batch);
  for (const int64_t dim : extents(lhs.shape, c.lhs.free)) p.row_dims.push_back(dim);
  p.column_dims = extents(rhs.shape, c.rhs.free);
  return p;
}

}  // namespace sinter::codegen
