// How maps and reductions read their operands: which moves and generators a region can take in.
#include <algorithm>
#include <optional>
#include <span>

#include "core/kernel_ops.h"
#include "passes/moves.h"
#include "passes/region.h"

namespace sinter {
namespace {

// Rows whose length is above this are not kept in cache: a reduction over them ends the region.
constexpr int64_t kLongestRow = 1 << 15;
// Elements of a value that is read in another order of dimensions as it is. Larger ones are turned
// by a kernel that does it in squares, so that each line of memory is read once.
constexpr int64_t kMostTurned = 4096;

// Are the elements behind each other along a dimension other than the last?
bool is_turned(const View& view) {
  const auto last = view.strides.empty() ? 0 : view.strides.back();
  return std::ranges::any_of(view.strides, [&](int64_t s) { return s != 0 && s < last; });
}

// One value that is spread: over the columns of the only row, or over all there is?
bool is_value_of_only_row(const Graph& graph, std::span<const int32_t> nodes) {
  for (const int32_t i : nodes) {
    const Node& node = graph.node(i);
    if (!node.is(KernelOp::kBroadcast)) continue;
    const std::vector<int64_t>& dims = node.attributes.get_ints("dims");
    return !dims.empty() && dims[0] == 0 && node.types[0].shape[0] == 1;
  }
  return false;
}

// The value of `source`, read as `view`.
Reading reading_of(const Graph& graph, ValueId source, View view) {
  Reading reading{.source = source, .view = std::move(view)};
  const View& v = reading.view;
  const int64_t count = graph.type(source).shape.elements();
  if (!v.is_in_order(count))
    reading.reads = Reads::kView;
  else if (count == v.elements())
    reading.reads = Reads::kElements;
  else if (v.extents.size() == 2 && v.strides[1] == 0)
    reading = {source, Reads::kRows, v, v.extents[1]};
  else
    reading.reads = Reads::kView;
  return reading;
}

// An iota is a view of the whole numbers; where it counts along one dimension of the operand it is
// made anew.
std::optional<Reading> read_iota(const Graph& graph, std::span<const int32_t> nodes) {
  const Node& node = graph.node(nodes.back());
  View index = View::dense(node.types[0].shape);
  std::ranges::fill(index.strides, 0);
  index.strides[static_cast<size_t>(axis_of(node.attributes))] = 1;
  const std::optional<View> whole = view_along(graph, nodes, std::move(index));
  if (!whole || whole->offset != 0) return std::nullopt;
  const View view = whole->merged();
  size_t counted = 0;
  for (const int64_t stride : view.strides) {
    if (stride > 1) return std::nullopt;
    counted += stride == 1 ? 1 : 0;
  }
  if (counted != 1) return std::nullopt;
  return Reading{.source = {}, .view = view, .generator = nodes.back()};
}

Reading read_operand(const Graph& graph, ValueId operand) {
  const std::vector<int32_t> nodes = moves_before(graph, operand);
  const Node& first = graph.node(nodes.back());
  if (first.is(KernelOp::kIota)) {
    if (const std::optional<Reading> reading = read_iota(graph, nodes)) return *reading;
  }
  for (size_t k = nodes.size(); k > 1; --k) {
    const std::span<const int32_t> path(nodes.data(), k);
    const ValueId source = graph.node(nodes[k - 2]).inputs[0];
    const Shape& shape = graph.type(source).shape;
    const std::optional<View> whole = view_along(graph, path, View::dense(shape));
    if (!whole) continue;
    View view = whole->merged();
    if (is_turned(view) && shape.elements() > kMostTurned) continue;
    const Node& node = graph.node(source);
    if (node.is(KernelOp::kRandom) && view.is_in_order(view.elements()))
      return {.source = node.inputs[0], .view = std::move(view), .generator = source.node};
    if (shape.elements() == 1 && view.elements() != 1 && is_value_of_only_row(graph, path))
      return {source, Reads::kRows, view, view.elements()};
    return reading_of(graph, source, std::move(view));
  }
  View dense = View::dense(graph.type(operand).shape).merged();
  if (const Node& node = graph.node(operand); node.is(KernelOp::kRandom))
    return {.source = node.inputs[0], .view = std::move(dense), .generator = operand.node};
  return reading_of(graph, operand, std::move(dense));
}

// The space that the reading asks for.
Space space_of(const Reading& reading) {
  Space space = space_of(reading.view);
  if (reading.reads == Reads::kRows) space.cuts = {reading.row};
  if (reading.generator < 0 || reading.source.valid()) return space;
  int64_t inner = 1;  // of what an iota counts along
  for (size_t d = reading.view.extents.size(); d-- > 0;) {
    const int64_t outer = inner * reading.view.extents[d];
    if (reading.view.strides[d] == 1) space.whole.emplace_back(inner, outer);
    inner = outer;
  }
  return space;
}

// Where the results of a reduction lie among what it reduces.
View result_of(const Graph& graph, const Node& node) {
  const Shape& shape = graph.type(node.inputs[0]).shape;
  const std::vector<bool> reduced = reduced_dims(graph, node);
  View view{{shape.begin(), shape.end()}, std::vector<int64_t>(reduced.size(), 0), 0};
  int64_t inner = 1;
  for (size_t d = reduced.size(); d-- > 0;) {
    if (reduced[d]) continue;
    view.strides[d] = inner;
    inner *= view.extents[d];
  }
  return view.merged();
}

bool classify_reduce(const Graph& graph, const Node& node, Member& member) {
  member.result = result_of(graph, node);
  member.space = space_of(member.result);
  const View& result = member.result;
  // Nothing but a copy.
  if (std::ranges::all_of(result.strides, [](int64_t s) { return s != 0; })) return false;
  int64_t row = 0;
  if (result.extents.size() == 2 && result.strides[1] == 0) row = result.extents[1];
  if (result.extents.size() == 1) {
    // All there is: the sum of one row, when a leading dimension of 1 is kept, otherwise a full
    // reduction.
    const Shape& shape = graph.type(node.inputs[0]).shape;
    if (shape.rank() > 1 && shape[0] == 1 && !reduced_dims(graph, node)[0]) row = result.extents[0];
  }
  if (row == 0 || row > kLongestRow) {
    member.role = Role::kReduce;
    // An index is one of a row.
    return !node.is(KernelOp::kArgReduce);
  }
  member.role = Role::kRowReduce;
  member.space.cuts = {row};
  member.space.row = row;
  return true;
}

}  // namespace

std::optional<Member> as_member(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  Member member;
  if (node.is(KernelOp::kMap)) {
    member.space.elements = node.types[0].shape.elements();
  } else if (node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce)) {
    member.space.elements = graph.type(node.inputs[0]).shape.elements();
  } else {
    return std::nullopt;
  }
  if (member.space.elements == 0) return std::nullopt;
  if (!node.is(KernelOp::kMap) && !classify_reduce(graph, node, member)) return std::nullopt;
  for (ValueId id : node.inputs) {
    Reading reading = read_operand(graph, id);
    std::optional<Space> both = meet(member.space, space_of(reading));
    if (!both) {
      // It stays a value of its own.
      reading = reading_of(graph, id, View::dense(graph.type(id).shape).merged());
      both = member.space;
    }
    member.space = std::move(*both);
    member.readings.push_back(std::move(reading));
  }
  return member;
}

std::shared_ptr<const Origin> joined_origin(const Graph& graph, std::span<const int32_t> nodes) {
  std::shared_ptr<const Origin> first;
  std::vector<std::string> layers;
  bool several = false;
  for (int32_t i : nodes) {
    const std::shared_ptr<const Origin>& origin = graph.node(i).origin;
    if (origin == nullptr) continue;
    if (first == nullptr) first = origin;
    std::string rest = origin->layer;
    while (!rest.empty()) {
      const size_t plus = rest.find('+');
      const std::string layer = rest.substr(0, plus);
      rest = plus == std::string::npos ? "" : rest.substr(plus + 1);
      if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
    }
    several = several || !(*origin == *first);
  }
  if (!several) return first;
  Origin joined = *first;
  joined.layer.clear();
  for (const std::string& layer : layers) joined.layer += (joined.layer.empty() ? "" : "+") + layer;
  return std::make_shared<const Origin>(std::move(joined));
}

}  // namespace sinter
