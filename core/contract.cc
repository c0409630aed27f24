// Which dimensions of a product's sides are what.
#include "core/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/error.h"
#include "core/graph.h"
#include "core/sizes.h"

namespace sinter {
namespace {

Contract::Side side_of(const Shape& shape, const std::vector<int64_t>& batch,
                       const std::vector<int64_t>& depth) {
  Contract::Side side;
  std::vector<bool> taken(static_cast<size_t>(shape.rank()), false);
  const auto take = [&](const std::vector<int64_t>& axes, Contract::Axes& into) {
    for (const int64_t given : axes) {
      const int axis = checked_axis(shape, given);
      if (taken[static_cast<size_t>(axis)])
        throw ShapeError(fmt::format("axis {} is given twice", given));
      taken[static_cast<size_t>(axis)] = true;
      into.push_back(axis);
    }
  };
  take(batch, side.batch);
  take(depth, side.depth);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!taken[static_cast<size_t>(axis)]) side.free.push_back(axis);
  }
  return side;
}

}  // namespace

Contract Contract::of(const Shape& lhs, const Shape& rhs, const Attributes& attributes) {
  return {side_of(lhs, attributes.get_ints("lhs_batch"), attributes.get_ints("lhs_contract")),
          side_of(rhs, attributes.get_ints("rhs_batch"), attributes.get_ints("rhs_contract"))};
}

Contract Contract::of(const Graph& graph, const Node& node) {
  return of(graph.type(node.inputs[0]).shape, graph.type(node.inputs[1]).shape, node.attributes);
}

Attributes Contract::attributes() const {
  const auto ints = [](const Axes& axes) { return std::vector<int64_t>(axes.begin(), axes.end()); };
  return {{"lhs_batch", ints(lhs.batch)},
          {"rhs_batch", ints(rhs.batch)},
          {"lhs_contract", ints(lhs.depth)},
          {"rhs_contract", ints(rhs.depth)}};
}

void Contract::sort_depth() {
  std::vector<std::pair<int, int>> both;
  for (size_t i = 0; i < lhs.depth.size(); ++i) both.emplace_back(lhs.depth[i], rhs.depth[i]);
  std::ranges::sort(both);
  for (size_t i = 0; i < both.size(); ++i) std::tie(lhs.depth[i], rhs.depth[i]) = both[i];
}

Shape Contract::matrix(const Shape& lhs_shape, const Shape& rhs_shape) const {
  return {extent(lhs_shape, lhs.batch) * extent(lhs_shape, lhs.free), extent(rhs_shape, rhs.free)};
}

std::vector<int64_t> extents(const Shape& shape, std::span<const int> axes) {
  std::vector<int64_t> result;
  for (const int axis : axes) result.push_back(shape[axis]);
  return result;
}

int64_t extent(const Shape& shape, std::span<const int> axes) {
  int64_t result = 1;
  for (const int axis : axes) result *= shape[axis];
  return result;
}

}  // namespace sinter
