#include "runtime/llvm/loops/cluster_space.h"

#include <algorithm>

#include "core/kernel_ops.h"
#include "core/reduce.h"
#include "runtime/limits.h"

namespace sinter::codegen {

bool reads_raw(const Node& n, size_t input) {
  return n.is(KernelOp::kSlice) || n.is(KernelOp::kAsStrided) || n.is(KernelOp::kRandom) ||
         n.is(KernelOp::kSize) || (n.is(KernelOp::kGather) && input == 0);
}

std::vector<ValueId> ClusterSpace::candidates(const Region& region) {
  const Graph& graph = *region.graph;
  std::vector<ValueId> largest, more;
  int64_t most = 0;
  const auto consider = [&](ValueId v) {
    const Shape& shape = graph.type(v).shape;
    if (shape.elements() > most) largest.clear(), more.clear();
    most = std::max(most, shape.elements());
    if (shape.elements() != most) return;
    const bool known = std::any_of(largest.begin(), largest.end(),
                                   [&](ValueId other) { return graph.type(other).shape == shape; });
    (known ? more : largest).push_back(v);
  };
  for (int32_t i : region.nodes) {
    const Node& n = graph.node(i);
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      if (!reads_raw(n, k)) consider(n.inputs[k]);
    }
    for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) consider({i, r});
  }
  constexpr size_t kMoreTries = 4;
  const size_t tries = std::min(more.size(), kMoreTries);
  largest.insert(largest.end(), more.begin(), more.begin() + static_cast<int64_t>(tries));
  return largest;
}

bool ClusterSpace::place(ValueId root) {
  std::vector<int> root_axes;
  for (int64_t d : shape(root)) {
    root_axes.push_back(d == 1 ? -1 : static_cast<int>(dims_.size()));
    if (d != 1) dims_.push_back(d);
  }
  if (dims_.size() > 60) return false;
  set(root, root_axes);
  // What one node tells may place its neighbours on either side.
  do {
    changed_ = false;
    for (auto it = region_.nodes.rbegin(); it != region_.nodes.rend(); ++it) place_node(*it);
    for (int32_t i : region_.nodes) place_node(i);
  } while (changed_ && !conflict_);
  return !conflict_ && all_placed();
}

bool ClusterSpace::all_placed() const {
  for (int32_t i : region_.nodes) {
    const Node& n = graph_.node(i);
    for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
      if (!has({i, r})) return false;
    }
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      if (reads_raw(n, k) ? !region_.inputs.contains(n.inputs[k]) : !has(n.inputs[k])) return false;
    }
  }
  return true;
}

DimSet ClusterSpace::dims_of(ValueId v) const {
  DimSet set = 0;
  for (int a : axes(v)) set |= a < 0 ? 0 : DimSet{1} << a;
  return set;
}

bool ClusterSpace::gathers_pixels(int rows, int columns) const {
  constexpr int64_t kFewColumns = 4, kManyRows = limit(16, 2);
  if (dims_[static_cast<size_t>(columns)] > kFewColumns ||
      dims_[static_cast<size_t>(rows)] < kManyRows)
    return false;
  const auto has_dim = [&](ValueId v, int d) { return (dims_of(v) >> d & 1) != 0; };
  bool gathers = false;
  for (int32_t i : region_.nodes) {
    const Node& n = graph_.node(i);
    const bool has_columns = has_dim({i, 0}, columns);
    // These want their columns in the order in which they lie.
    if (n.is(KernelOp::kReduce) || n.is(KernelOp::kArgReduce) ||
        (n.is(KernelOp::kRandom) && has_columns))
      return false;
    gathers |= n.is(KernelOp::kGather) && has_columns && !has_dim(n.inputs[1], columns) &&
               has_dim(n.inputs[1], rows);
  }
  return gathers;
}

DimSet ClusterSpace::reduced_by(const Node& n) const {
  const std::vector<bool> reduced = reduced_dims(graph_, n);
  DimSet set = 0;
  for (size_t d = 0; d < reduced.size(); ++d) {
    const int a = axes(n.inputs[0])[d];
    if (reduced[d] && a >= 0) set |= DimSet{1} << a;
  }
  return set;
}

const std::vector<int>* ClusterSpace::find(ValueId v) const {
  const auto it = placed_.find(v);
  return it == placed_.end() ? nullptr : &it->second;
}

void ClusterSpace::set(ValueId v, const std::vector<int>& axes) {
  const auto [it, added] = placed_.try_emplace(v, axes);
  if (!added) {
    conflict_ |= it->second != axes;
    return;
  }
  changed_ = true;
  for (size_t d = 0; d < axes.size(); ++d) {
    const int64_t extent = shape(v)[static_cast<int>(d)];
    conflict_ |= axes[d] < 0 ? extent != 1 : extent != dims_[static_cast<size_t>(axes[d])];
  }
}

void ClusterSpace::place_node(int32_t i) {
  const Node& n = graph_.node(i);
  if (n.is(KernelOp::kMap)) return place_map(i);
  if (n.is(KernelOp::kBroadcast)) return place_broadcast(i);
  if (n.is(KernelOp::kReduce) || n.is(KernelOp::kArgReduce)) return place_reduce(i);
  if (n.is(KernelOp::kTranspose)) return place_transpose(i);
  if (n.is(KernelOp::kReshape)) {
    place_reshape(n.inputs[0], {i, 0});
    place_reshape({i, 0}, n.inputs[0]);
  } else if (n.is(KernelOp::kGather) && has({i, 0})) {
    const int axis = axis_of(n.attributes);
    const auto batch_dims = static_cast<int>(n.attributes.get_int("batch_dims"));
    const std::vector<int>& all = axes({i, 0});
    std::vector<int> read(all.begin(), all.begin() + batch_dims);
    const auto first = all.begin() + axis;
    read.insert(read.end(), first, first + shape(n.inputs[1]).rank() - batch_dims);
    set(n.inputs[1], read);
  }
}

void ClusterSpace::place_map(int32_t i) {
  const Node& n = graph_.node(i);
  std::vector<ValueId> all = n.inputs;
  for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) all.push_back({i, r});
  const auto known = std::find_if(all.begin(), all.end(), [&](ValueId v) { return has(v); });
  if (known == all.end()) return;
  const std::vector<int> copy = axes(*known);
  for (ValueId v : all) set(v, copy);
}

void ClusterSpace::place_broadcast(int32_t i) {
  const Node& n = graph_.node(i);
  const ValueId in = n.inputs[0], out{i, 0};
  const auto& dims = n.attributes.get_ints("dims");
  if (!has(out) && has(in) && shape(in).elements() == shape(out).elements()) {
    std::vector<int> same(static_cast<size_t>(shape(out).rank()), -1);
    for (size_t d = 0; d < dims.size(); ++d) same[static_cast<size_t>(dims[d])] = axes(in)[d];
    set(out, same);
  }
  if (!has(out)) return;
  std::vector<int> result;
  for (size_t d = 0; d < dims.size(); ++d) {
    const bool stretched = shape(in)[static_cast<int>(d)] == 1;
    result.push_back(stretched ? -1 : axes(out)[static_cast<size_t>(dims[d])]);
  }
  set(in, result);
}

void ClusterSpace::place_reduce(int32_t i) {
  const Node& n = graph_.node(i);
  if (!has(n.inputs[0])) return;
  const bool keep = Reduce::of(n).keepdims;
  const std::vector<bool> reduced = reduced_dims(graph_, n);
  std::vector<int> result;
  for (size_t d = 0; d < reduced.size(); ++d) {
    if (!reduced[d])
      result.push_back(axes(n.inputs[0])[d]);
    else if (keep)
      result.push_back(-1);
  }
  set({i, 0}, result);
}

void ClusterSpace::place_transpose(int32_t i) {
  const Node& n = graph_.node(i);
  const ValueId in = n.inputs[0], out{i, 0};
  std::vector<size_t> perm;
  for (int64_t p : n.attributes.get_ints("perm"))
    perm.push_back(static_cast<size_t>(shape(in).normalize_axis(static_cast<int>(p))));
  std::vector<int> result(perm.size());
  if (const auto* source = find(in)) {
    for (size_t d = 0; d < perm.size(); ++d) result[d] = (*source)[perm[d]];
    set(out, result);
  } else if (const auto* target = find(out)) {
    for (size_t d = 0; d < perm.size(); ++d) result[perm[d]] = (*target)[d];
    set(in, result);
  }
}

// A reshape that only adds or drops dimensions of 1. Where both sides have been placed by others,
// they must agree.
void ClusterSpace::place_reshape(ValueId from, ValueId to) {
  if (!has(from)) return;
  std::vector<std::pair<int64_t, int>> kept;
  for (int d = 0; d < shape(from).rank(); ++d) {
    if (shape(from)[d] != 1) kept.emplace_back(shape(from)[d], axes(from)[static_cast<size_t>(d)]);
  }
  std::vector<int> result;
  size_t next = 0;
  for (int64_t extent : shape(to)) {
    if (extent == 1) {
      result.push_back(-1);
    } else if (next < kept.size() && kept[next].first == extent) {
      result.push_back(kept[next++].second);
    } else {
      conflict_ = true;
      return;
    }
  }
  set(to, result);
}

}  // namespace sinter::codegen
