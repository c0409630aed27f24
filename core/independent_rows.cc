// A walk over kernel ops that follows the batch dimension.
#include "core/independent_rows.h"

#include <algorithm>

#include "core/contract.h"
#include "core/kernel_ops.h"
#include "core/shape.h"

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
bool is_crossed(const ValueType& type) { return std::ranges::count(type.shape, kBatch) > 1; }

int64_t product(const Shape& shape, int begin, int end) {
  int64_t result = 1;
  for (int i = begin; i < end; ++i) result *= shape[i];
  return result;
}

bool holds(const Contract::Axes& axes, int axis) {
  return std::ranges::find(axes, axis) != axes.end();
}

bool all_rows_apart(const Graph& graph, RowNumbers numbers);

// Whether the node leaves rows of the batch apart, given that its operands do.
bool keeps_rows_apart(const Graph& graph, const Node& node, RowNumbers numbers) {
  const auto shape_of = [&](size_t input) -> const Shape& {
    return graph.type(node.inputs[input]).shape;
  };
  const int to = batch_dim(node.types[0].shape);
  const bool batched = std::ranges::any_of(
      node.inputs, [&](ValueId id) { return batch_dim(graph.type(id).shape) >= 0; });
  switch (node.op->kernel_op) {
    case KernelOp::kInput:
    case KernelOp::kVariable:
    case KernelOp::kConstant: return true;
    case KernelOp::kSize:
    case KernelOp::kRandom: return false;
    case KernelOp::kIota: return to < 0 || numbers == RowNumbers::kAllowed;
    case KernelOp::kFusion: return all_rows_apart(node.attributes.get_graph("body"), numbers);
    default: break;
  }
  if (!batched) return true;  // the same for all rows
  if (to < 0) return false;   // reduced over the batch
  switch (node.op->kernel_op) {
    case KernelOp::kMap:
    case KernelOp::kReduce:
    case KernelOp::kArgReduce:
    case KernelOp::kTranspose:
    case KernelOp::kBroadcast:
    case KernelOp::kSlice:
    case KernelOp::kPad:
    case KernelOp::kConcat:
    case KernelOp::kAsStrided: return true;  // the batch can only be taken whole, row by row
    case KernelOp::kReshape: {
      const Shape &from = shape_of(0), &result = node.types[0].shape;
      const int at = batch_dim(from);
      return product(from, 0, at) == product(result, 0, to) &&
             product(from, at + 1, from.rank()) == product(result, to + 1, result.rank());
    }
    case KernelOp::kContract: {
      const Contract c = Contract::of(graph, node);
      return !holds(c.lhs.depth, batch_dim(shape_of(0))) &&
             !holds(c.rhs.depth, batch_dim(shape_of(1)));
    }
    // Of several rows and several indices a row, each row meets the indices of all, but for those
    // of its own sample.
    case KernelOp::kGather: {
      const int read = batch_dim(shape_of(0)), by = batch_dim(shape_of(1));
      return read < 0 || by < 0 || node.attributes.get_int("batch_dims") > std::max(read, by);
    }
    default: return false;
  }
}

bool all_rows_apart(const Graph& graph, RowNumbers numbers) {
  const std::vector<bool> live = graph.live_nodes();
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (!live[static_cast<size_t>(i)]) continue;
    const Node& node = graph.node(i);
    if (std::ranges::any_of(node.types, is_crossed) || !keeps_rows_apart(graph, node, numbers))
      return false;
  }
  return true;
}

}  // namespace

bool all_outputs_have_rows(const Graph& graph) {
  return std::ranges::all_of(graph.outputs(), [&](const Graph::Output& o) {
    return batch_dim(graph.type(o.value).shape) == 0;
  });
}

bool has_independent_rows(const Graph& graph, RowNumbers numbers) {
  const bool inputs_begin_with_rows = std::ranges::all_of(graph.inputs(), [&](int32_t i) {
    return batch_dim(graph.type({i, 0}).shape) <= 0;
  });
  return graph.updates().empty() && inputs_begin_with_rows && all_outputs_have_rows(graph) &&
         all_rows_apart(graph, numbers);
}

}  // namespace sinter
