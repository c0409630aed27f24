// From the axes of a `contract` node to rows, columns, depth and strides.
#include "runtime/llvm/matmul_problem.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace sinter::codegen {
namespace {

bool contains(const std::vector<int64_t>& axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

std::vector<int64_t> normalized(const Shape& shape, std::vector<int64_t> axes) {
  for (int64_t& axis : axes) axis = shape.normalize_axis(static_cast<int>(axis));
  return axes;
}

DimGroup group_of(const Shape& shape, const std::vector<int64_t>& axes) {
  const std::vector<int64_t> strides = shape.strides();
  DimGroup group;
  for (int64_t axis : axes)
    group.append(shape[static_cast<int>(axis)], strides[static_cast<size_t>(axis)]);
  return group;
}

std::vector<int64_t> free_axes(const Shape& shape, const std::vector<int64_t>& batch,
                               const std::vector<int64_t>& contract) {
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (!contains(batch, i) && !contains(contract, i)) axes.push_back(i);
  }
  return axes;
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

MatmulProblem matmul_problem(const ValueType& lhs, const ValueType& rhs,
                             const Attributes& contract) {
  MatmulProblem p;
  p.dtype = lhs.dtype == DType::kBFloat16 ? DType::kFloat32 : lhs.dtype;
  const auto lhs_batch = normalized(lhs.shape, contract.get_ints("lhs_batch"));
  const auto rhs_batch = normalized(rhs.shape, contract.get_ints("rhs_batch"));
  auto lhs_depth = normalized(lhs.shape, contract.get_ints("lhs_contract"));
  auto rhs_depth = normalized(rhs.shape, contract.get_ints("rhs_contract"));

  // The sum may run over its axes in any order: the order of the left side in memory merges most.
  std::vector<size_t> order(lhs_depth.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return lhs_depth[a] < lhs_depth[b]; });
  const auto permuted = [&](const std::vector<int64_t>& axes) {
    std::vector<int64_t> result;
    for (size_t i : order) result.push_back(axes[i]);
    return result;
  };
  const auto lhs_free = free_axes(lhs.shape, lhs_batch, lhs_depth);
  const auto rhs_free = free_axes(rhs.shape, rhs_batch, rhs_depth);
  lhs_depth = permuted(lhs_depth);
  rhs_depth = permuted(rhs_depth);

  p.lhs = {group_of(lhs.shape, lhs_batch), group_of(lhs.shape, lhs_free),
           group_of(lhs.shape, lhs_depth), lhs.dtype};
  p.rhs = {group_of(rhs.shape, rhs_batch), group_of(rhs.shape, rhs_free),
           group_of(rhs.shape, rhs_depth), rhs.dtype};
  p.batch = p.lhs.batch.size();
  p.rows = p.lhs.free.size();
  p.columns = p.rhs.free.size();
  p.depth = p.lhs.depth.size();
  for (int64_t axis : lhs_batch) p.row_dims.push_back(lhs.shape[static_cast<int>(axis)]);
  for (int64_t axis : lhs_free) p.row_dims.push_back(lhs.shape[static_cast<int>(axis)]);
  for (int64_t axis : rhs_free) p.column_dims.push_back(rhs.shape[static_cast<int>(axis)]);
  return p;
}

}  // namespace sinter::codegen
