#include "core/view.h"

#include <functional>
#include <numeric>

namespace sinter {
namespace {

std::vector<int64_t> dims_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

View View::dense(const Shape& shape) { return {dims_of(shape), shape.strides(), 0}; }

int64_t View::elements() const {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

View View::transposed(std::span<const int64_t> perm) const {
  View result{{}, {}, offset};
  for (const int64_t p : perm) {
    result.extents.push_back(extents[static_cast<size_t>(p)]);
    result.strides.push_back(strides[static_cast<size_t>(p)]);
  }
  return result;
}

View View::broadcast(const Shape& shape, std::span<const int64_t> dims) const {
  View result{dims_of(shape), std::vector<int64_t>(static_cast<size_t>(shape.rank()), 0), offset};
  for (size_t i = 0; i < dims.size(); ++i) {
    if (extents[i] != 1) result.strides[static_cast<size_t>(dims[i])] = strides[i];
  }
  return result;
}

View View::sliced(std::span<const int64_t> begin, std::span<const int64_t> step,
                  const Shape& shape) const {
  View result{dims_of(shape), {}, offset};
  for (size_t d = 0; d < extents.size(); ++d) {
    result.offset += begin[d] * strides[d];
    // Between elements that do not exist a step may be of any size.
    result.strides.push_back(result.extents[d] > 1 ? step[d] * strides[d] : 0);
  }
  return result;
}

std::optional<View> View::reshaped(std::span<const int64_t> to) const {
  const View from = merged();
  View result{{to.begin(), to.end()}, std::vector<int64_t>(to.size(), 0), offset};
  if (result.elements() != from.elements()) return std::nullopt;
  if (result.elements() == 0) return result;
  size_t next = from.extents.size();  // the dimension behind the one that is shared out
  int64_t left = 1, stride = 0;       // of it
  for (size_t d = to.size(); d-- > 0;) {
    if (to[d] == 1) continue;
    if (left == 1) {
      --next;
      left = from.extents[next];
      stride = from.strides[next];
    }
    if (left % to[d] != 0) return std::nullopt;
    result.strides[d] = stride;
    left /= to[d];
    stride *= to[d];
  }
  return result;
}

View View::along(std::span<const int> axes) const {
  View result{{}, {}, offset};
  for (const int axis : axes) {
    result.extents.push_back(extents[static_cast<size_t>(axis)]);
    result.strides.push_back(strides[static_cast<size_t>(axis)]);
  }
  return result;
}

View View::merged() const {
  View result{{}, {}, offset};
  for (size_t d = 0; d < extents.size(); ++d) {
    if (extents[d] == 1) continue;
    if (!result.extents.empty() && result.strides.back() == strides[d] * extents[d]) {
      result.extents.back() *= extents[d];
      result.strides.back() = strides[d];
    } else {
      result.extents.push_back(extents[d]);
      result.strides.push_back(strides[d]);
    }
  }
  return result;
}

bool View::is_in_order(int64_t count) const {
  int64_t inner = 1;
  for (size_t d = extents.size(); d-- > 0;) {
    if (extents[d] == 1 || strides[d] == 0) continue;
    if (strides[d] != inner) return false;
    inner *= extents[d];
  }
  return offset == 0 && inner == count;
}

bool is_move(const Node& node) {
  return node.is(KernelOp::kReshape) || node.is(KernelOp::kTranspose) ||
         node.is(KernelOp::kBroadcast) || node.is(KernelOp::kSlice) ||
         node.is(KernelOp::kAsStrided);
}

ValueId before_reshapes(const Graph& graph, ValueId id) {
  while (graph.node(id).is(KernelOp::kReshape)) id = graph.node(id).inputs[0];
  return id;
}

std::optional<View> view_through(const Graph& graph, const Node& node, const View& operand) {
  const auto ints = [&](const char* name) -> const std::vector<int64_t>& {
    return node.attributes.get_ints(name);
  };
  const auto shape = [&]() -> const Shape& { return node.types[0].shape; };
  if (node.is(KernelOp::kReshape)) return operand.reshaped(dims_of(shape()));
  if (node.is(KernelOp::kTranspose)) return operand.transposed(ints("perm"));
  if (node.is(KernelOp::kBroadcast)) return operand.broadcast(shape(), ints("dims"));
  if (node.is(KernelOp::kSlice)) return operand.sliced(ints("begin"), ints("stride"), shape());
  if (node.is(KernelOp::kAsStrided) && operand == View::dense(graph.type(node.inputs[0]).shape))
    return View{dims_of(shape()), ints("strides"), node.attributes.get_int("offset")};
  return std::nullopt;
}

}  // namespace sinter
