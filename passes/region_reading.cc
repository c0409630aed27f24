// How maps and reductions read their operands: which broadcasts, reshapes and generators a region
// can take in.
#include <algorithm>
#include <numeric>
#include <optional>

#include "core/kernel_ops.h"
#include "passes/region.h"

namespace sinter {
namespace {

// Rows whose length is above this are not kept in cache: a reduction over them ends the region.
constexpr int64_t kLongestRow = 1 << 15;

ValueId without_reshapes(const Graph& graph, ValueId id) {
  while (graph.node(id).is(KernelOp::kReshape)) id = graph.node(id).inputs[0];
  return id;
}

// What becomes of the dimensions of a shape, those of extent 1 left out: a run of kept ones and a
// run of others, in either order.
struct Runs {
  int64_t first = 1;  // product of the first run
  bool kept_first = false;
  bool kept = false, other = false;  // which kinds occur
  bool mixed = false;                // more than two runs
};

Runs find_runs(const Shape& shape, const std::vector<bool>& is_kept) {
  Runs runs;
  int count = 0;
  bool previous = false;
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    const bool keep = is_kept[static_cast<size_t>(d)];
    if (count == 0 || keep != previous) ++count;
    if (count == 1) {
      runs.first *= shape[d];
      runs.kept_first = keep;
    }
    (keep ? runs.kept : runs.other) = true;
    previous = keep;
  }
  runs.mixed = count > 2;
  return runs;
}

std::optional<Reading> read_broadcast(const Graph& graph, const Node& node) {
  const Shape& from = graph.type(node.inputs[0]).shape;
  const Shape& to = node.types[0].shape;
  const std::vector<int64_t>& dims = node.attributes.get_ints("dims");
  Reading reading{without_reshapes(graph, node.inputs[0])};
  if (from.elements() == 1) {
    // One row whose value is spread over its columns, or a scalar.
    const bool one_row = !dims.empty() && dims[0] == 0 && to[0] == 1;
    reading.level = one_row ? Level::kRow : Level::kScalar;
    reading.rows = one_row ? 1 : 0;
    return reading;
  }
  std::vector<bool> kept(static_cast<size_t>(to.rank()), false);
  for (size_t i = 0; i < dims.size(); ++i) {
    kept[static_cast<size_t>(dims[i])] = from[static_cast<int>(i)] != 1;
  }
  const Runs runs = find_runs(to, kept);
  if (runs.mixed) return std::nullopt;
  if (!runs.other) return reading;
  reading.level = runs.kept_first ? Level::kRow : Level::kColumn;
  reading.rows = runs.first;
  return reading;
}

std::optional<Reading> read_iota(const Node& node, int32_t index) {
  const Shape& shape = node.types[0].shape;
  const int axis = axis_of(node.attributes);
  std::vector<bool> before(static_cast<size_t>(shape.rank()), false);
  int64_t rows = 1, after = 1;
  for (int d = 0; d < axis; ++d) rows *= shape[d];
  for (int d = axis + 1; d < shape.rank(); ++d) after *= shape[d];
  if (after == 1) return Reading{{}, Level::kFull, rows, index};
  if (rows == 1) return Reading{{}, Level::kFull, shape[axis], index};
  return std::nullopt;
}

Reading read_operand(const Graph& graph, ValueId id) {
  const ValueId at = without_reshapes(graph, id);
  const Node& node = graph.node(at);
  std::optional<Reading> reading;
  if (node.is(KernelOp::kBroadcast)) reading = read_broadcast(graph, node);
  if (node.is(KernelOp::kIota)) reading = read_iota(node, at.node);
  if (node.is(KernelOp::kRandom)) reading = Reading{node.inputs[0], Level::kFull, 0, at.node};
  return reading ? *reading : Reading{at};
}

bool classify_reduce(const Graph& graph, const Node& node, Member& member) {
  const Shape& shape = graph.type(node.inputs[0]).shape;
  std::vector<bool> kept = reduced_dims(graph, node);
  kept.flip();
  const Runs runs = find_runs(shape, kept);
  if (runs.mixed || !runs.other) return false;
  if (!runs.kept) {
    // All there is: the sum of one row, when a leading dimension of 1 is kept, otherwise a full
    // reduction.
    const bool one_row = shape.rank() > 1 && shape[0] == 1 && kept[0];
    member.role = one_row ? Role::kRowReduce : Role::kFullReduce;
    member.rows = one_row ? 1 : 0;
  } else {
    member.role = runs.kept_first ? Role::kRowReduce : Role::kColumnReduce;
    member.rows = runs.first;
  }
  member.terminal = member.role != Role::kRowReduce || member.elements / member.rows > kLongestRow;
  // An index is one of a row.
  return !node.is(KernelOp::kArgReduce) || member.role == Role::kRowReduce;
}

}  // namespace

std::optional<Member> as_member(const Graph& graph, int32_t index) {
  const Node& node = graph.node(index);
  Member member;
  if (node.is(KernelOp::kMap)) {
    member.elements = node.types[0].shape.elements();
  } else if (node.is(KernelOp::kReduce) || node.is(KernelOp::kArgReduce)) {
    member.elements = graph.type(node.inputs[0]).shape.elements();
  } else {
    return std::nullopt;
  }
  if (member.elements == 0) return std::nullopt;
  if (!node.is(KernelOp::kMap) && !classify_reduce(graph, node, member)) return std::nullopt;
  for (ValueId id : node.inputs) {
    Reading reading = read_operand(graph, id);
    if (reading.rows != 0 && member.rows != 0 && reading.rows != member.rows) {
      reading = {id};  // it stays a value of its own
    }
    member.rows = std::max(member.rows, reading.rows);
    member.readings.push_back(reading);
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
