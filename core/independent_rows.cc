#include "core/independent_rows.h"

#include <algorithm>
#include <ranges>

#include "core/contract.h"
#include "core/kernel_ops.h"

namespace sinter {
namespace {

// Two graphs, node by node.
class Rows {
 public:
  Rows(const Graph& a, int64_t rows_of_a, const Graph& b, int64_t rows_of_b)
      : a_(a), b_(b), rows_of_a_(rows_of_a), rows_of_b_(rows_of_b) {}

  bool are_independent() const {
    if (a_.size() != b_.size() || a_.inputs() != b_.inputs() || a_.outputs() != b_.outputs() ||
        !a_.updates().empty() || !b_.updates().empty())
      return false;
    for (int32_t i = 0; i < a_.size(); ++i) {
      if (!is_same_but_for_rows(i) || !keeps_rows(i)) return false;
    }
    return true;
  }

  /// Do all outputs have rows?
  bool all_outputs_have_rows() const {
    return std::ranges::all_of(a_.outputs(),
                               [&](const Graph::Output& o) { return has_rows(o.value); });
  }

 private:
  bool has_rows(ValueId id) const { return a_.type(id).shape != b_.type(id).shape; }

  bool is_same_but_for_rows(int32_t i) const {
    const Node &a = a_.node(i), &b = b_.node(i);
    if (a.op != b.op || a.inputs != b.inputs || a.types.size() != b.types.size()) return false;
    for (size_t r = 0; r < a.types.size(); ++r) {
      if (!is_same_but_for_rows(a.types[r], b.types[r])) return false;
    }
    const Attributes::Values &of_a = a.attributes.values(), &of_b = b.attributes.values();
    return std::ranges::equal(of_a, of_b, [&](const auto& x, const auto& y) {
      if (x.first != y.first) return false;
      // Shapes are those of results; where a slice ends is looked at below.
      if (x.first == "shape" || (a.is(KernelOp::kSlice) && x.first == "end")) return true;
      if (x.first != "body" || !a.is(KernelOp::kFusion)) return equal_values(x.second, y.second);
      return Rows(a.attributes.get_graph("body"), rows_of_a_, b.attributes.get_graph("body"),
                  rows_of_b_)
          .are_independent();
    });
  }

  // The first dimension may be so many times the rows.
  bool is_same_but_for_rows(const ValueType& a, const ValueType& b) const {
    if (a.dtype != b.dtype || a.shape.rank() != b.shape.rank()) return false;
    for (int d = 0; d < a.shape.rank(); ++d) {
      if (a.shape[d] == b.shape[d]) continue;
      if (d > 0 || a.shape[d] % rows_of_a_ != 0 || b.shape[d] % rows_of_b_ != 0 ||
          a.shape[d] / rows_of_a_ != b.shape[d] / rows_of_b_)
        return false;
    }
    return true;
  }

  // Are rows of the results made of the same rows of the operands?
  bool keeps_rows(int32_t i) const {
    const Node& node = a_.node(i);
    const auto ids = std::views::iota(0, static_cast<int32_t>(node.types.size()));
    const bool made = std::ranges::any_of(ids, [&](int32_t r) { return has_rows({i, r}); });
    const bool read = std::ranges::any_of(node.inputs, [&](ValueId id) { return has_rows(id); });
    if (!made && !read) return true;
    const Attributes& at = node.attributes;
    switch (node.op->kernel_op) {
      case KernelOp::kInput:
      case KernelOp::kMap:      // of operands of one shape
      case KernelOp::kReshape:  // no other dimension may change
      case KernelOp::kFusion:   // its body has been looked at
        return true;
      case KernelOp::kReduce:
      case KernelOp::kArgReduce: return !reduced_dims(a_, node)[0];
      case KernelOp::kContract: return keeps_rows_of_product(node);
      case KernelOp::kTranspose: return at.get_ints("perm")[0] == 0;
      case KernelOp::kBroadcast: return !read || at.get_ints("dims")[0] == 0;
      case KernelOp::kSlice:
        return at.get_ints("begin")[0] == 0 && at.get_ints("stride")[0] == 1 &&
               takes_all(a_, node) && takes_all(b_, node);
      case KernelOp::kAsStrided: return keeps_rows_of_view(node, read);
      case KernelOp::kPad: return at.get_ints("low")[0] == 0 && at.get_ints("high")[0] == 0;
      case KernelOp::kConcat: return axis_of(at) != 0;
      case KernelOp::kGather: {
        const bool table = has_rows(node.inputs[0]), indices = has_rows(node.inputs[1]);
        return table ? !indices && axis_of(at) != 0 : axis_of(at) == 0;
      }
      default: return false;
    }
  }

  // The rows of both sides are multiplied one by one, or those of the left side by what has none.
  bool keeps_rows_of_product(const Node& node) const {
    const Contract c = Contract::of(a_, node);
    const bool left = has_rows(node.inputs[0]), right = has_rows(node.inputs[1]);
    const auto is_first = [](const Contract::Axes& axes) { return !axes.empty() && axes[0] == 0; };
    if (left && right) return is_first(c.lhs.batch) && is_first(c.rhs.batch);
    return left && c.lhs.batch.empty() && is_first(c.lhs.free);
  }

  static bool takes_all(const Graph& graph, const Node& node) {
    const int64_t end = node.attributes.get_ints("end")[0];
    const int64_t size = graph.type(node.inputs[0]).shape[0];
    return node.types[0].shape[0] == size || end == kSliceEnd;
  }

  // A view of each row lies within that row, at the same place.
  bool keeps_rows_of_view(const Node& node, bool read) const {
    const std::vector<int64_t>& strides = node.attributes.get_ints("strides");
    if (!read) return strides[0] == 0;
    const Shape& shape = node.types[0].shape;
    if (!has_rows({static_cast<int32_t>(&node - a_.nodes().data()), 0})) return false;
    const int64_t of_row = a_.type(node.inputs[0]).shape.elements() / rows_of_a_;
    const int64_t views = shape[0] / rows_of_a_;
    int64_t last = node.attributes.get_int("offset") + (views - 1) * strides[0];
    for (int d = 1; d < shape.rank(); ++d) last += (shape[d] - 1) * strides[static_cast<size_t>(d)];
    return strides[0] * views == of_row && last < of_row;
  }

  const Graph& a_;
  const Graph& b_;
  int64_t rows_of_a_, rows_of_b_;
};

}  // namespace

bool has_independent_rows(const Graph& graph, int64_t rows, const Graph& other,
                          int64_t other_rows) {
  const Rows both(graph, rows, other, other_rows);
  return both.are_independent() && both.all_outputs_have_rows();
}

}  // namespace sinter
