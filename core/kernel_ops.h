// The kernel ops: the closed set of nodes that remains after lowering and that every backend runs.
// Their derivatives stand in ops/.
//
//   input, variable, constant: sources
//   map         {body}: the scalar expression at every element; inputs and results have one shape
//               (no broadcasting)
//   reduce      {kind = sum prod max min, axes, keepdims}; of nothing 0, 1, -inf, inf
//   arg_reduce  {kind = argmax argmin, axis, keepdims} -> int32, first of equals; not of nothing
//   contract    {lhs_batch, rhs_batch, lhs_contract, rhs_contract}: result dims are batch, lhs
//               free, rhs free; float32 from bfloat16, to which the right side of a bfloat16 left
//               side is rounded if it is wider
//   reshape     {shape}: row-major order kept; at most one symbolic dimension on each side
//   transpose   {perm}: result dim i is input dim perm[i]
//   broadcast   {shape, dims}: input dim i becomes result dim dims[i] (equal or 1); dims increasing
//   slice       {begin, end, stride} a dimension; end kSliceEnd = to the end; stride > 0; symbolic
//               dims only whole
//   as_strided  {shape, strides, offset}: element offset + sum index[d] * strides[d] of the input in
//               row-major order; strides >= 0, all of it inside; a symbolic batch leads both sides
//               and is walked sample by sample. How fused regions read (core/view.h)
//   pad         {low, high, value}: non-negative
//   concat      {axis}
//   iota        {shape, axis, dtype}: the index along axis
//   gather      (x, indices) {axis, batch_dims}: x.shape[:axis] + indices.shape[batch_dims:] +
//               x.shape[axis+1:]; each sample of batch_dims by its own indices, clamped into range
//   scatter_add (indices, updates) {axis, size, batch_dims}: the transpose of gather onto zeros
//   random      (state int64[2]) {shape, dtype, distribution = uniform bits bits16, stream}:
//               Philox4x32-10 (core/philox.h); state = {seed, step}
//   size        (x) {axis, dtype}: the dimension as a scalar; a constant after specialize
//   fusion      (...) {kind, body}: the region `body` as one kernel
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace sinter {

class Attributes;
class Graph;
struct Node;
class Registry;
enum class KernelOp : uint8_t {
  kNone,  // composites and elementwise ops, which lowering leaves none of
  kInput,
  kVariable,
  kConstant,
  kMap,
  kReduce,
  kArgReduce,
  kContract,
  kReshape,
  kTranspose,
  kBroadcast,
  kSlice,
  kAsStrided,
  kPad,
  kConcat,
  kIota,
  kGather,
  kScatterAdd,
  kRandom,
  kSize,
  kFusion,
};
inline constexpr int64_t kSliceEnd = std::numeric_limits<int64_t>::max();
void register_kernel_ops(Registry& registry);

/// The attribute "axis" of a node.
int axis_of(const Attributes& attributes);
/// Which dimensions of its operand a reduce or an arg_reduce reduces.
std::vector<bool> reduced_dims(const Graph& graph, const Node& node);

}  // namespace sinter
