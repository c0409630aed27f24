// Clusters: elementwise work with broadcasts and reductions over one iteration space.
//
// The space has the dimensions (other than 1) of the largest value; every value of the region is placed in it by telling which of
// its dimensions is which of the space. A reduction over the trailing dimensions of its nest happens row by row inside the nest. Any
// other reduction accumulates in memory, and what needs its result belongs to the next stage: stage 0 of a batch normalisation sums
// the columns, stage 1 uses the sums.
#include <algorithm>
#include <bit>
#include <optional>

#include "core/error.h"
#include "runtime/llvm/build_loops.h"

namespace sinter::codegen {
namespace {

using DimSet = uint64_t;  // of dimensions of the space

class ClusterBuilder {
 public:
  ClusterBuilder(const Region& region, LoopProgram& program) : region_(region), graph_(*region.graph), program_(program) {}

  /// Values with the most elements, those of different shapes first. The space may be that of any of them, but not every one of them
  /// tells where the others lie: a reduction of a dimension of 1 keeps the element count, yet only its input places its result.
  static std::vector<ValueId> candidates(const Region& region) {
    const Graph& graph = *region.graph;
    std::vector<ValueId> largest, more;
    int64_t most = 0;
    const auto consider = [&](ValueId v) {
      const Shape& shape = graph.type(v).shape;
      if (shape.elements() > most) largest.clear(), more.clear();
      most = std::max(most, shape.elements());
      if (shape.elements() != most) return;
      const bool known = std::any_of(largest.begin(), largest.end(), [&](ValueId other) { return graph.type(other).shape == shape; });
      (known ? more : largest).push_back(v);
    };
    for (int32_t i : region.nodes) {
      const Node& n = graph.node(i);
      for (size_t k = 0; k < n.inputs.size(); ++k) {
        if (!reads_raw(n, k)) consider(n.inputs[k]);
      }
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) consider({i, r});
    }
    largest.insert(largest.end(), more.begin(), more.begin() + static_cast<int64_t>(std::min<size_t>(more.size(), 4)));
    return largest;
  }

  bool build(ValueId root) {
    if (!choose_space(root) || !place_values() || !schedule()) return false;
    for (int stage = 0; stage <= last_stage_; ++stage) {
      if (!build_stage(stage)) return false;
    }
    program_.merge_phases();
    return true;
  }

 private:
  struct Placed {
    std::vector<int> axes;  // of each dimension: the dimension of the space, -1 where it is 1
    int stage = 0;
    DimSet need = 0;           // the dimensions a nest must have to compute the value
    bool accumulated = false;  // lies in memory once its stage has come
  };

  static DimSet set_of(const std::vector<int>& axes) {
    DimSet set = 0;
    for (int a : axes) set |= a < 0 ? 0 : DimSet{1} << a;
    return set;
  }
  const Shape& shape(ValueId v) const { return graph_.type(v).shape; }
  bool is_leaf(ValueId v) const { return region_.inputs.contains(v); }

  // Values that are read by address (slices, gathers, random states) are no part of the space.
  static bool reads_raw(const Node& n, size_t input) { return n.is("slice") || n.is("random") || n.is("size") || (n.is("gather") && input == 0); }

  // The space is that of value `root`.
  bool choose_space(ValueId root) {
    std::vector<int> axes;
    for (int64_t d : shape(root)) {
      axes.push_back(d == 1 ? -1 : static_cast<int>(space_.size()));
      if (d != 1) space_.push_back(d);
    }
    if (space_.size() > 60) return false;
    placed_[root].axes = std::move(axes);
    return true;
  }

  // --- placing values

  bool set(ValueId v, const std::vector<int>& axes) {
    const auto [it, added] = placed_.try_emplace(v);
    if (added) {
      it->second.axes = axes;
      for (size_t d = 0; d < axes.size(); ++d) {
        const int64_t extent = shape(v)[static_cast<int>(d)];
        if (axes[d] < 0 ? extent != 1 : extent != space_[static_cast<size_t>(axes[d])]) conflict_ = true;
      }
      changed_ = true;
    } else if (it->second.axes != axes) {
      conflict_ = true;
    }
    return added;
  }
  const std::vector<int>* axes(ValueId v) const {
    const auto it = placed_.find(v);
    return it == placed_.end() ? nullptr : &it->second.axes;
  }

  bool place_values() {
    for (int32_t i : region_.nodes) {
      if (graph_.node(i).is("constant")) set({i, 0}, std::vector<int>(static_cast<size_t>(shape({i, 0}).rank()), -1));
      if (conflict_) return false;
    }
    do {
      changed_ = false;
      for (auto it = region_.nodes.rbegin(); it != region_.nodes.rend(); ++it) place_node(*it);
      for (int32_t i : region_.nodes) place_node(i);
      if (conflict_) return false;
    } while (changed_);
    for (int32_t i : region_.nodes) {
      const Node& n = graph_.node(i);
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
        if (axes({i, r}) == nullptr) return false;
      }
      for (size_t k = 0; k < n.inputs.size(); ++k) {
        if (reads_raw(n, k) ? !is_leaf(n.inputs[k]) : axes(n.inputs[k]) == nullptr) return false;
      }
    }
    return true;
  }

  void place_node(int32_t i) {
    const Node& n = graph_.node(i);
    const ValueId out{i, 0};
    if (n.is("map")) {
      const std::vector<int>* known = nullptr;
      for (ValueId v : n.inputs) known = known != nullptr ? known : axes(v);
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) known = known != nullptr ? known : axes({i, r});
      if (known == nullptr) return;
      const std::vector<int> copy = *known;
      for (ValueId v : n.inputs) set(v, copy);
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) set({i, r}, copy);
    } else if (n.is("broadcast")) {
      const auto& dims = n.attributes.get_ints("dims");
      const Shape& from = shape(n.inputs[0]);
      if (axes(out) == nullptr && axes(n.inputs[0]) != nullptr && from.elements() == shape(out).elements()) {
        std::vector<int> same(static_cast<size_t>(shape(out).rank()), -1);
        for (size_t d = 0; d < dims.size(); ++d) same[static_cast<size_t>(dims[d])] = (*axes(n.inputs[0]))[d];
        set(out, same);
      }
      if (axes(out) == nullptr) return;
      std::vector<int> result;
      for (int d = 0; d < from.rank(); ++d) result.push_back(from[d] == 1 ? -1 : (*axes(out))[static_cast<size_t>(dims[static_cast<size_t>(d)])]);
      set(n.inputs[0], result);
    } else if (n.is("reduce")) {
      if (axes(n.inputs[0]) == nullptr) return;
      const bool keep = n.attributes.get_bool("keepdims");
      const std::vector<bool> reduced = reduced_dims(n);
      std::vector<int> result;
      for (size_t d = 0; d < reduced.size(); ++d) {
        if (!reduced[d]) result.push_back((*axes(n.inputs[0]))[d]);
        else if (keep) result.push_back(-1);
      }
      set(out, result);
    } else if (n.is("transpose")) {
      const auto& perm = n.attributes.get_ints("perm");
      const Shape& from = shape(n.inputs[0]);
      if (const auto* in = axes(n.inputs[0])) {
        std::vector<int> result;
        for (int64_t p : perm) result.push_back((*in)[static_cast<size_t>(from.normalize_axis(static_cast<int>(p)))]);
        set(out, result);
      } else if (const auto* result = axes(out)) {
        std::vector<int> source(perm.size());
        for (size_t d = 0; d < perm.size(); ++d) source[static_cast<size_t>(from.normalize_axis(static_cast<int>(perm[d])))] = (*result)[d];
        set(n.inputs[0], source);
      }
    } else if (n.is("reshape")) {
      place_reshape(n.inputs[0], out);
      place_reshape(out, n.inputs[0]);
    } else if (n.is("gather")) {
      if (axes(out) == nullptr) return;
      const auto first = axes(out)->begin() + shape(n.inputs[0]).normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
      set(n.inputs[1], std::vector<int>(first, first + shape(n.inputs[1]).rank()));
    }
  }

  // A reshape that only adds or drops dimensions of 1.
  void place_reshape(ValueId from, ValueId to) {
    if (axes(from) == nullptr || axes(to) != nullptr) return;
    std::vector<std::pair<int64_t, int>> kept;
    for (int d = 0; d < shape(from).rank(); ++d) {
      if (shape(from)[d] != 1) kept.emplace_back(shape(from)[d], (*axes(from))[static_cast<size_t>(d)]);
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

  std::vector<bool> reduced_dims(const Node& n) const {
    const Shape& from = shape(n.inputs[0]);
    std::vector<bool> reduced(static_cast<size_t>(from.rank()), false);
    for (int64_t a : n.attributes.get_ints("axes")) reduced[static_cast<size_t>(from.normalize_axis(static_cast<int>(a)))] = true;
    return reduced;
  }

  // The dimensions of the space that a reduce node reduces.
  DimSet reduced_set(const Node& n) const {
    const std::vector<bool> reduced = reduced_dims(n);
    DimSet set = 0;
    for (size_t d = 0; d < reduced.size(); ++d) {
      const int a = (*axes(n.inputs[0]))[d];
      if (reduced[d] && a >= 0) set |= DimSet{1} << a;
    }
    return set;
  }

  // --- stages

  // Is `part` the last dimensions of `whole`, and not all of them?
  static bool is_proper_suffix(DimSet part, DimSet whole) {
    if (part == 0 || part == whole || (part & ~whole) != 0) return false;
    const DimSet rest = whole & ~part;
    return static_cast<int>(std::bit_width(rest)) <= std::countr_zero(part);
  }

  bool schedule() {
    for (int32_t i : region_.nodes) {
      const Node& n = graph_.node(i);
      int stage = 0;
      DimSet need = 0;
      for (size_t k = 0; k < n.inputs.size(); ++k) {
        if (reads_raw(n, k)) continue;
        Placed& in = placed_[n.inputs[k]];
        if (is_leaf(n.inputs[k])) in.need = set_of(in.axes);
        stage = std::max(stage, in.stage);
        need |= in.need;
      }
      if (n.is("reduce") && reduced_set(n) != 0) {
        Placed& out = placed_[{i, 0}];
        const DimSet set = reduced_set(n);
        out.accumulated = !is_proper_suffix(set, need) || (set & ~set_of(placed_[n.inputs[0]].axes)) != 0;
        out.stage = stage + (out.accumulated ? 1 : 0);
        out.need = out.accumulated ? set_of(out.axes) : need;
        last_stage_ = std::max(last_stage_, stage);
        if (out.accumulated) accumulated_.push_back(i);
      } else {
        for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
          Placed& out = placed_[{i, r}];
          out.stage = stage;
          out.need = need | set_of(out.axes);
          last_stage_ = std::max(last_stage_, stage);
        }
      }
    }
    for (int32_t i : accumulated_) {
      const ValueId v{i, 0};
      const auto output = region_.outputs.find(v);
      memory_[v] = output != region_.outputs.end() ? output->second
                                                   : program_.add_scratch(graph_.type(v).dtype, shape(v).elements(), region_.scratch_argument);
    }
    return true;
  }

  bool build_stage(int stage) {
    struct Group {
      std::vector<std::pair<ValueId, int>> stores;  // value, buffer
      std::vector<int32_t> accumulations;           // reduce nodes
    };
    std::map<DimSet, Group> groups;
    for (const auto& [v, buffer] : region_.outputs) {
      const auto it = placed_.find(v);
      if (it == placed_.end()) return false;
      if (it->second.stage == stage && !it->second.accumulated) groups[it->second.need].stores.emplace_back(v, buffer);
    }
    for (int32_t i : accumulated_) {
      const Placed& in = placed_[graph_.node(i).inputs[0]];
      if (in.stage == stage) groups[in.need | set_of(in.axes)].accumulations.push_back(i);
    }
    std::vector<LoopNest> nests;
    for (const auto& [need, group] : groups) {
      begin_nest(need);
      for (const auto& [v, buffer] : group.stores) {
        const int value = emit(v);
        if (value < 0) return false;
        nest_.store(value, access(v, buffer));
      }
      for (int32_t i : group.accumulations) {
        if (!emit_accumulation(i)) return false;
      }
      nest_.finish();
      if (!legal()) return false;
      nests.push_back(std::move(nest_));
    }
    if (!nests.empty()) add_phase(std::move(nests), program_, region_.scratch_argument);
    return true;
  }

  // Rows must hold every dimension that a row reduction leaves, and columns nothing but what it reduces.
  bool legal() const {
    const auto c = static_cast<size_t>(nest_.columns());
    std::vector<bool> used(nest_.ops.size(), false);
    for (const LoopOp& op : nest_.ops) {
      if (op.kind == LoopOpKind::kAccumulate && op.access.strides[c] == 0 && nest_.ops[static_cast<size_t>(op.operands[0])].level == Level::kElement) return false;
      if (op.kind != LoopOpKind::kAccumulate) {
        for (int o : op.operands) used[static_cast<size_t>(o)] = true;
      }
    }
    for (size_t k = 0; k < nest_.ops.size(); ++k) {
      const LoopOp& op = nest_.ops[k];
      if (op.kind != LoopOpKind::kReduce) continue;
      if (op.access.strides[c] != 0) return false;
      for (size_t d = 0; d < c; ++d) {
        if (used[k] && op.access.strides[d] == 0 && nest_.dims[d] != 1) return false;
      }
    }
    return true;
  }

  // --- one nest

  void begin_nest(DimSet need) {
    nest_ = LoopNest{};
    values_.clear();
    nest_dims_.clear();
    for (size_t d = 0; d < space_.size(); ++d) {
      if ((need >> d & 1) == 0) continue;
      nest_dims_.push_back(static_cast<int>(d));
      nest_.dims.push_back(space_[d]);
    }
    if (nest_.dims.empty()) nest_.dims.push_back(1);
  }

  // How a nest walks a value with the given element strides.
  Access access_by(const std::vector<int>& axes, const std::vector<int64_t>& strides, int buffer) const {
    Access a;
    a.buffer = buffer;
    a.strides.assign(nest_.dims.size(), 0);
    for (size_t d = 0; d < axes.size(); ++d) {
      for (size_t k = 0; k < nest_dims_.size(); ++k) {
        if (nest_dims_[k] == axes[d]) a.strides[k] += strides[d];
      }
    }
    return a;
  }
  Access access(ValueId v, int buffer) const { return access_by(placed_.at(v).axes, shape(v).strides(), buffer); }

  int load(ValueId v, int buffer) { return nest_.load(graph_.type(v).dtype, access(v, buffer)); }

  // The op that computes value v in this nest, or -1 when that cannot be done.
  int emit(ValueId v) {
    const auto known = values_.find(v);
    if (known != values_.end()) return known->second;
    int result = -1;
    if (is_leaf(v)) result = load(v, region_.inputs.at(v));
    else if (placed_.at(v).accumulated) result = load(v, memory_.at(v));
    else result = emit_node(v);
    values_[v] = result;
    return result;
  }

  int emit_node(ValueId v) {
    const Node& n = graph_.node(v);
    const DType dtype = graph_.type(v).dtype;
    if (n.is("map")) return emit_map(v, n);
    if (n.is("broadcast") || n.is("transpose") || n.is("reshape")) return emit(n.inputs[0]);
    if (n.is("reduce")) {
      const int operand = emit(n.inputs[0]);
      return operand < 0 || reduced_set(n) == 0 ? operand : row_reduce(v, n, operand);
    }
    if (n.is("constant")) {
      const Tensor& value = n.attributes.get<Tensor>("value");
      return value.elements() == 1 ? emit_constant(value) : -1;
    }
    if (n.is("size")) return nest_.number(dtype, static_cast<double>(shape(n.inputs[0]).dim(static_cast<int>(n.attributes.get_int("axis")))));
    if (n.is("iota")) {
      const int axis = placed_.at(v).axes[static_cast<size_t>(shape(v).normalize_axis(static_cast<int>(n.attributes.get_int("axis"))))];
      if (axis < 0) return nest_.number(dtype, 0);
      LoopOp op;
      op.kind = LoopOpKind::kIndex;
      op.dtype = dtype;
      op.dim = static_cast<int>(std::find(nest_dims_.begin(), nest_dims_.end(), axis) - nest_dims_.begin());
      return nest_.add(std::move(op));
    }
    if (n.is("random")) {
      LoopOp op;
      op.kind = LoopOpKind::kRandom;
      op.dtype = dtype;
      op.access = access(v, region_.inputs.at(n.inputs[0]));
      op.limit = n.attributes.get_int("stream");
      return nest_.add(std::move(op));
    }
    if (n.is("slice")) return emit_slice(v, n);
    if (n.is("gather")) return emit_gather(v, n);
    return -1;
  }

  int emit_constant(const Tensor& value) {
    if (value.dtype() == DType::kInt64) {
      const int64_t exact = value.data<int64_t>()[0];
      if (static_cast<int64_t>(static_cast<double>(exact)) != exact) return -1;
    }
    return nest_.number(value.dtype(), value.at(0));
  }

  int emit_map(ValueId v, const Node& n) {
    std::vector<int> arguments;
    for (ValueId in : n.inputs) {
      arguments.push_back(emit(in));
      if (arguments.back() < 0) return -1;
    }
    const ScalarExpr& body = n.attributes.get_expr("body");
    std::vector<int> ids;
    for (const ScalarInstruction& i : body.instructions) {
      if (i.op == ScalarOp::kArgument) {
        ids.push_back(arguments[static_cast<size_t>(i.operands[0])]);
      } else if (i.op == ScalarOp::kConstant) {
        ids.push_back(nest_.number(i.dtype, i.constant));
      } else {
        std::vector<int> operands;
        for (int k = 0; k < scalar_op_arity(i.op); ++k) operands.push_back(ids[static_cast<size_t>(i.operands[static_cast<size_t>(k)])]);
        ids.push_back(nest_.apply(i.op, i.dtype, std::move(operands)));
      }
    }
    for (size_t r = 0; r < body.results.size(); ++r) values_[{v.node, static_cast<int32_t>(r)}] = ids[static_cast<size_t>(body.results[r])];
    return values_[v];
  }

  int row_reduce(ValueId v, const Node& n, int operand) {
    LoopOp op;
    op.kind = LoopOpKind::kReduce;
    op.dtype = graph_.type(v).dtype;
    op.reduce = parse_reduce_kind(n.attributes.get_string("kind"));
    op.operands = {operand};
    op.access = access(v, -1);
    // Rows of the nest that the value does not have: they are walked too, so they must not look reduced.
    for (size_t k = 0; k < nest_dims_.size(); ++k) {
      const DimSet bit = DimSet{1} << nest_dims_[k];
      if ((bit & (reduced_set(n) | set_of(placed_.at(v).axes))) == 0) op.access.strides[k] = int64_t{1} << 40;
    }
    return nest_.add(std::move(op));
  }

  bool emit_accumulation(int32_t i) {
    const Node& n = graph_.node(i);
    int operand = emit(n.inputs[0]);
    if (operand < 0) return false;
    const ValueId v{i, 0};
    const DimSet reduced = reduced_set(n);
    const DimSet has = set_of(placed_.at(n.inputs[0]).axes);
    for (int d : nest_dims_) {
      // A row dimension that the operand does not have would add the same value again and again.
      if ((has >> d & 1) == 0 && (d != nest_dims_.back())) return false;
    }
    if (!nest_dims_.empty() && (reduced >> nest_dims_.back() & 1) != 0) operand = row_reduce(v, n, operand);
    LoopOp op;
    op.kind = LoopOpKind::kAccumulate;
    op.dtype = graph_.type(v).dtype;
    op.reduce = parse_reduce_kind(n.attributes.get_string("kind"));
    op.operands = {operand};
    op.access = access(v, memory_.at(v));
    nest_.add(std::move(op));
    return true;
  }

  int emit_slice(ValueId v, const Node& n) {
    const auto &begin = n.attributes.get_ints("begin"), &step = n.attributes.get_ints("stride");
    std::vector<int64_t> strides = shape(n.inputs[0]).strides();
    int64_t offset = 0;
    for (size_t d = 0; d < strides.size(); ++d) {
      offset += begin[d] * strides[d];
      strides[d] *= step[d];
    }
    Access a = access_by(placed_.at(v).axes, strides, region_.inputs.at(n.inputs[0]));
    a.offset = offset;
    return nest_.load(graph_.type(v).dtype, std::move(a));
  }

  int emit_gather(ValueId v, const Node& n) {
    const int index = emit(n.inputs[1]);
    if (index < 0) return -1;
    const Shape& x = shape(n.inputs[0]);
    const int axis = x.normalize_axis(static_cast<int>(n.attributes.get_int("axis")));
    const std::vector<int64_t> strides = x.strides();
    std::vector<int64_t> walked(strides.begin(), strides.begin() + axis);
    walked.insert(walked.end(), static_cast<size_t>(shape(n.inputs[1]).rank()), 0);
    walked.insert(walked.end(), strides.begin() + axis + 1, strides.end());
    LoopOp op;
    op.kind = LoopOpKind::kLoadAt;
    op.dtype = graph_.type(v).dtype;
    op.operands = {index};
    op.access = access_by(placed_.at(v).axes, walked, region_.inputs.at(n.inputs[0]));
    op.limit = x[axis];
    op.scale = strides[static_cast<size_t>(axis)];
    return nest_.add(std::move(op));
  }

  const Region& region_;
  const Graph& graph_;
  LoopProgram& program_;
  std::vector<int64_t> space_;
  std::map<ValueId, Placed> placed_;
  std::map<ValueId, int> memory_;  // buffers of accumulated values
  std::vector<int32_t> accumulated_;
  int last_stage_ = 0;
  bool changed_ = false, conflict_ = false;
  LoopNest nest_;
  std::vector<int> nest_dims_;  // of the space
  std::map<ValueId, int> values_;
};

}  // namespace

bool build_cluster(const Region& region, LoopProgram& program) {
  for (int32_t i : region.nodes) {
    for (const ValueType& t : region.graph->node(i).types) {
      if (t.shape.elements() == 0) return false;
    }
    for (ValueId v : region.graph->node(i).inputs) {
      if (region.graph->type(v).shape.elements() == 0) return false;
    }
  }
  for (ValueId root : ClusterBuilder::candidates(region)) {
    LoopProgram attempt = program;
    if (!ClusterBuilder(region, attempt).build(root)) continue;
    program = std::move(attempt);
    return true;
  }
  return false;
}

}  // namespace sinter::codegen
