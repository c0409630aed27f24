// split_depth: products that are deep, and have few results, become products of slices of the depth
// and their sum: x^T dy of many rows, the gradient of a weight.
//
// A kernel cuts its results into pieces, and each piece reads its part of both operands over the
// whole depth: where there are few pieces of results, all of them read all of an operand that no
// cache holds. A slice of the depth is read once, into all results. The sums are shorter, too:
// errors grow with the length of a slice and the number of slices (Higham, "The accuracy of
// floating point summation", 1993, section 3).
#include <algorithm>
#include <optional>
#include <utility>

#include "core/contract.h"
#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

// Measured with 2 MiB of second-level cache a core. Operands that fit the caches gain nothing.
constexpr int64_t kOperands = int64_t{8} << 20;
constexpr int64_t kSlice = int64_t{1} << 20;
constexpr int64_t kMostSlices = 64, kFewestSlices = 4;
constexpr int64_t kResults = 16;  // results of slices may take this part of the operands

struct Split {
  int64_t slices;
  Contract axes;
  bool merges;  // are all axes of the depth one first? Otherwise slices are of the first axis
};

// Is the depth the leading axes of `shape`, in order? Then whole slices of it are whole slices of
// memory.
bool leads(const Contract::Axes& axes) {
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != static_cast<int>(i)) return false;
  }
  return !axes.empty();
}

std::optional<Split> split_of(const Graph& graph, const Node& node) {
  const Contract c = Contract::of(graph, node);
  if (!c.lhs.batch.empty() || !leads(c.lhs.depth) || !leads(c.rhs.depth)) return std::nullopt;
  const ValueType& lhs = graph.type(node.inputs[0]);
  const ValueType& rhs = graph.type(node.inputs[1]);
  if (!is_floating(node.types[0].dtype) || !lhs.shape.is_static() || !rhs.shape.is_static() ||
      lhs.shape.elements() == 0 || rhs.shape.elements() == 0)
    return std::nullopt;
  const int64_t operands = lhs.bytes() + rhs.bytes();
  if (operands < kOperands) return std::nullopt;
  const int64_t results = node.types[0].bytes();
  const int64_t most = std::min({operands / kSlice, operands / kResults / results, kMostSlices});
  // Slices of one size; a few less of them do as well.
  const auto slices_of = [&](int64_t extent) -> std::optional<int64_t> {
    for (int64_t slices = most; slices >= std::max(kFewestSlices, most / 4); --slices) {
      if (extent % slices == 0) return slices;
    }
    return std::nullopt;
  };
  if (const auto slices = slices_of(lhs.shape[0])) return Split{*slices, c, false};
  // Axes that a view walks do not merge: it would be copied.
  const auto is_view = [&](ValueId id) { return graph.node(id).is(KernelOp::kAsStrided); };
  if (std::ranges::any_of(node.inputs, is_view)) return std::nullopt;
  if (const auto slices = slices_of(extent(lhs.shape, c.lhs.depth))) return Split{*slices, c, true};
  return std::nullopt;
}

// [depth.., free..] as [slices, depth of a slice.., free..], and what its axes are then.
std::pair<Shape, Contract::Side> sliced(const Shape& shape, const Contract::Side& side,
                                        const Split& split) {
  std::vector<int64_t> dims = {split.slices};
  const auto depth = static_cast<int>(split.merges ? 1 : side.depth.size());
  if (split.merges) {
    dims.push_back(extent(shape, side.depth) / split.slices);
  } else {
    dims.insert(dims.end(), shape.begin(), shape.begin() + depth);
    dims[1] /= split.slices;
  }
  dims.insert(dims.end(), shape.begin() + static_cast<int64_t>(side.depth.size()), shape.end());
  Contract::Side result{.batch = {0}, .free = {}, .depth = {}};
  for (int axis = 1; axis < static_cast<int>(dims.size()); ++axis)
    (axis <= depth ? result.depth : result.free).push_back(axis);
  return {Shape(std::move(dims)), result};
}

}  // namespace

Graph split_depth(const Graph& graph, const PassContext&) {
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (!node.is(KernelOp::kContract)) return false;
    const std::optional<Split> split = split_of(graph, node);
    if (!split) return false;
    const std::vector<Symbol> in = rewriter.map_inputs(node);
    Graph& target = rewriter.target();
    const auto reshape = [&](Symbol x, Shape shape) {
      if (x.shape() == shape) return x;
      return target.add1("reshape", {x}, {{"shape", std::move(shape)}});
    };
    const auto [lhs, left] = sliced(in[0].shape(), split->axes.lhs, *split);
    const auto [rhs, right] = sliced(in[1].shape(), split->axes.rhs, *split);
    const Symbol parts = target.add1("contract", {reshape(in[0], lhs), reshape(in[1], rhs)},
                                     Contract{left, right}.attributes());
    const std::vector<int64_t> slice = {0};
    rewriter.replace({index, 0}, target.add1("reduce", {parts},
                                             {{"kind", std::string("sum")}, {"axes", slice}}));
    return true;
  });
}

}  // namespace sinter
