// A walk over kernel ops that follows the batch dimension.
#include "frontend/training/row_independence.h"

#include <algorithm>

#include "core/contract.h"
#include "core/kernel_ops.h"
#include "core/shape.h"
#include "passes/pass.h"

namespace sinter {
namespace {

// The batch dimension of a shape, or -1.
int batch_dim(const Shape& shape) {
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == kBatch) return i;
  }
  return -1;
}

// A value with the batch in two dimensions sets rows against each other.
bool is_crossed(const Shape& shape) { return std::ranges::count(shape, kBatch) > 1; }

int64_t product(const Shape& shape, int begin, int end) {
  int64_t result = 1;
  for (int i = begin; i < end; ++i) result *= shape[i];
  return result;
}

bool holds(const Contract::Axes& axes, int axis) {
  return std::ranges::find(axes, axis) != axes.end();
}

// Whether the node leaves rows of the batch apart, given that its operands do.
bool keeps_rows_apart(const Graph& graph, const Node& node) {
  const auto shape_of = [&](size_t input) -> const Shape& {
    return graph.type(node.inputs[input]).shape;
  };
  const Shape& result = node.types[0].shape;
  const int to = batch_dim(result);
  bool batched = false;
  for (size_t i = 0; i < node.inputs.size(); ++i) batched |= batch_dim(shape_of(i)) >= 0;
  if (node.is(KernelOp::kInput) || node.is(KernelOp::kVariable) || node.is(KernelOp::kConstant))
    return true;
  if (node.is(KernelOp::kSize) || node.is(KernelOp::kRandom)) return false;
  if (!batched) return true;  // the same for all rows; rows are only numbered from the first
  if (to < 0) return false;   // reduced over the batch
  if (node.is(KernelOp::kMap) || node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce) ||
      node.is(KernelOp::kTranspose) || node.is(KernelOp::kBroadcast) || node.is(KernelOp::kSlice))
    return true;
  if (node.is(KernelOp::kReshape)) {
    const Shape& from = shape_of(0);
    const int at = batch_dim(from);
    return product(from, 0, at) == product(result, 0, to) &&
           product(from, at + 1, from.rank()) == product(result, to + 1, result.rank());
  }
  if (node.is(KernelOp::kContract)) {
    const Contract c = Contract::of(graph, node);
    return !holds(c.lhs.depth, batch_dim(shape_of(0))) &&
           !holds(c.rhs.depth, batch_dim(shape_of(1)));
  }
  if (node.is(KernelOp::kConcat)) return node.attributes.get_int("axis") != to;
  if (node.is(KernelOp::kPad)) {
    const auto at = static_cast<size_t>(to);
    return node.attributes.get_ints("low")[at] == 0 && node.attributes.get_ints("high")[at] == 0;
  }
  if (node.is(KernelOp::kGather)) return batch_dim(shape_of(0)) < 0;
  return false;
}

}  // namespace

bool rows_are_independent(const Graph& forward) {
  const Graph plain = run_pass("to_inference", run_pass("remove_dropout", forward, {}), {});
  const Graph graph = run_pass("decompose", plain, {});
  const std::vector<bool> live = graph.live_nodes();
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!live[static_cast<size_t>(i)]) continue;
    const Node& node = graph.node(i);
    const bool crossed = std::ranges::any_of(
        node.types, [](const ValueType& type) { return is_crossed(type.shape); });
    if (crossed || !keeps_rows_apart(graph, node)) return false;
  }
  return std::ranges::all_of(graph.outputs(), [&](const Graph::Output& o) {
    return batch_dim(graph.type(o.value).shape) == 0;
  });
}

}  // namespace sinter
