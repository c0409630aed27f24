// Clusters: elementwise work with broadcasts and reductions over one iteration space
// (loops/cluster_space.h).
//
// A reduction over the trailing dimensions of its nest happens row by row inside the nest. Any
// other reduction accumulates in memory, and what needs its result belongs to the next stage: stage
// 0 of a batch normalisation sums the columns, stage 1 uses the sums.
#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/reduce.h"
#include "core/view.h"
#include "runtime/llvm/loops/build.h"
#include "runtime/llvm/loops/cluster_space.h"

namespace sinter::codegen {
namespace {

class ClusterBuilder {
 public:
  /// Reductions of several dimensions at the end of a row happen inside the nest where the row is
  /// one dimension there. Where something else tells these dimensions apart (a mask of columns,
  /// say) they are `accumulated` as others are.
  ClusterBuilder(const Region& region, LoopProgram& program, bool accumulated)
      : region_(region),
        graph_(*region.graph),
        program_(program),
        accumulates_planes_(accumulated),
        space_(region) {}

  bool build(ValueId root) {
    if (!space_.place(root) || !schedule()) return false;
    for (int stage = 0; stage <= last_stage_; ++stage) {
      if (!build_stage(stage)) return false;
    }
    program_.merge_phases();
    return true;
  }

 private:
  struct Timing {
    int stage = 0;
    DimSet need = 0;           // the dimensions a nest must have to compute the value
    bool accumulated = false;  // lies in memory once its stage has come
  };

  const Shape& shape(ValueId v) const { return graph_.type(v).shape; }
  bool is_leaf(ValueId v) const { return region_.inputs.contains(v); }

  // --- stages

  // Is `part` the last dimensions of `whole`, and not all of them?
  static bool is_proper_suffix(DimSet part, DimSet whole) {
    if (part == 0 || part == whole || (part & ~whole) != 0) return false;
    const DimSet rest = whole & ~part;
    return static_cast<int>(std::bit_width(rest)) <= std::countr_zero(part);
  }

  // False where the index of a largest element is not one of a row: it cannot be accumulated.
  bool schedule() {
    for (int32_t i : region_.nodes) {
      const Node& n = graph_.node(i);
      int stage = 0;
      DimSet need = 0;
      for (size_t k = 0; k < n.inputs.size(); ++k) {
        if (reads_raw(n, k)) continue;
        Timing& in = timing_[n.inputs[k]];
        if (is_leaf(n.inputs[k])) in.need = space_.dims_of(n.inputs[k]);
        stage = std::max(stage, in.stage);
        need |= in.need;
      }
      if (n.is(KernelOp::kReduce) && space_.reduced_by(n) != 0) {
        Timing& out = timing_[{i, 0}];
        const DimSet reduced = space_.reduced_by(n);
        out.accumulated =
            !is_proper_suffix(reduced, need) || (accumulates_planes_ && std::popcount(reduced) > 1);
        out.stage = stage + (out.accumulated ? 1 : 0);
        out.need = out.accumulated ? space_.dims_of({i, 0}) : need;
        last_stage_ = std::max(last_stage_, stage);
        if (out.accumulated) accumulated_.push_back(i);
      } else {
        if (n.is(KernelOp::kArgReduce) && space_.reduced_by(n) != 0 &&
            space_.reduced_by(n) != need && !is_proper_suffix(space_.reduced_by(n), need))
          return false;
        for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
          Timing& out = timing_[{i, r}];
          out.stage = stage;
          out.need = need | space_.dims_of({i, r});
          last_stage_ = std::max(last_stage_, stage);
        }
      }
    }
    for (int32_t i : accumulated_) {
      const ValueId v{i, 0};
      const auto output = region_.outputs.find(v);
      memory_[v] = output != region_.outputs.end()
                       ? output->second
                       : program_.add_scratch(graph_.type(v).dtype, shape(v).elements(),
                                              region_.scratch_argument);
    }
    return true;
  }

  bool build_stage(int stage) {
    struct Group {
      std::vector<Region::Part> stores;
      std::vector<int32_t> accumulations;  // reduce nodes
    };
    std::map<DimSet, Group> groups;
    for (const auto& [v, buffer] : region_.outputs) {
      const auto it = timing_.find(v);
      if (it == timing_.end()) return false;
      if (it->second.stage == stage && !it->second.accumulated)
        groups[it->second.need].stores.push_back({v, buffer, View::dense(shape(v))});
    }
    for (const Region::Part& part : region_.parts) {
      const auto it = timing_.find(part.value);
      if (it == timing_.end() || it->second.accumulated) return false;
      if (it->second.stage == stage) groups[it->second.need].stores.push_back(part);
    }
    for (int32_t i : accumulated_) {
      const ValueId in = graph_.node(i).inputs[0];
      if (timing_[in].stage == stage)
        groups[timing_[in].need | space_.dims_of(in)].accumulations.push_back(i);
    }
    std::vector<LoopNest> nests;
    for (const auto& [need, group] : groups) {
      begin_nest(need);
      for (const auto& [v, buffer, view] : group.stores) {
        const int value = emit(v);
        if (value < 0) return false;
        nest_.store(value, access_by(space_.axes(v), view, buffer));
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

  // Rows must hold every dimension that a row reduction leaves, and columns nothing but what it
  // reduces.
  bool legal() const {
    const auto c = static_cast<size_t>(nest_.columns());
    std::vector<bool> used(nest_.ops.size(), false);
    for (const LoopOp& op : nest_.ops) {
      if (op.kind == LoopOpKind::kAccumulate && op.access.strides[c] == 0 &&
          nest_.ops[static_cast<size_t>(op.operands[0])].level == Level::kElement)
        return false;
      if (op.kind != LoopOpKind::kAccumulate) {
        for (int o : op.operands) used[static_cast<size_t>(o)] = true;
      }
    }
    for (size_t k = 0; k < nest_.ops.size(); ++k) {
      const LoopOp& op = nest_.ops[k];
      if (op.kind != LoopOpKind::kReduce && op.kind != LoopOpKind::kArgReduce) continue;
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
    for (size_t d = 0; d < space_.dims().size(); ++d) {
      if ((need >> d & 1) == 0) continue;
      nest_dims_.push_back(static_cast<int>(d));
      nest_.dims.push_back(space_.dims()[d]);
    }
    if (nest_.dims.empty()) nest_.dims.push_back(1);
    const size_t n = nest_dims_.size();
    if (n < 2 || !space_.gathers_pixels(nest_dims_[n - 2], nest_dims_[n - 1])) return;
    std::swap(nest_dims_[n - 2], nest_dims_[n - 1]);
    std::swap(nest_.dims[n - 2], nest_.dims[n - 1]);
  }

  // How a nest walks a value with the given element strides.
  Access access_by(const std::vector<int>& axes, const std::vector<int64_t>& strides,
                   int buffer) const {
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
  Access access_by(const std::vector<int>& axes, const View& view, int buffer) const {
    Access a = access_by(axes, view.strides, buffer);
    a.offset = view.offset;
    return a;
  }
  Access access(ValueId v, int buffer) const {
    return access_by(space_.axes(v), shape(v).strides(), buffer);
  }

  int load(ValueId v, int buffer) { return nest_.load(graph_.type(v).dtype, access(v, buffer)); }

  // The op that computes value v in this nest, or -1 when that cannot be done.
  int emit(ValueId v) {
    const auto known = values_.find(v);
    if (known != values_.end()) return known->second;
    int result = -1;
    if (is_leaf(v))
      result = load(v, region_.inputs.at(v));
    else if (timing_.at(v).accumulated)
      result = load(v, memory_.at(v));
    else
      result = emit_node(v);
    values_[v] = result;
    return result;
  }

  int emit_node(ValueId v) {
    const Node& n = graph_.node(v);
    const DType dtype = graph_.type(v).dtype;
    if (n.is(KernelOp::kMap)) return emit_map(v, n);
    if (n.is(KernelOp::kBroadcast) || n.is(KernelOp::kTranspose) || n.is(KernelOp::kReshape))
      return emit(n.inputs[0]);
    if (n.is(KernelOp::kArgReduce) && space_.reduced_by(n) == 0) return nest_.number(dtype, 0);
    if (n.is(KernelOp::kReduce) || n.is(KernelOp::kArgReduce)) {
      const int operand = emit(n.inputs[0]);
      return operand < 0 || space_.reduced_by(n) == 0 ? operand : row_reduce(v, n, operand);
    }
    if (n.is(KernelOp::kSize))
      return nest_.number(dtype, shape(n.inputs[0]).dim(axis_of(n.attributes)));
    if (n.is(KernelOp::kIota)) {
      const int axis = space_.axes(v)[static_cast<size_t>(axis_of(n.attributes))];
      if (axis < 0) return nest_.number(dtype, 0);
      LoopOp op;
      op.kind = LoopOpKind::kIndex;
      op.dtype = dtype;
      op.dim = static_cast<int>(std::find(nest_dims_.begin(), nest_dims_.end(), axis) -
                                nest_dims_.begin());
      return nest_.add(std::move(op));
    }
    if (n.is(KernelOp::kRandom)) {
      LoopOp op;
      op.kind = LoopOpKind::kRandom;
      op.dtype = dtype;
      op.access = access(v, region_.inputs.at(n.inputs[0]));
      op.limit = n.attributes.get_int("stream");
      op.scale = n.attributes.get_string("distribution") == "bits16" ? 16 : 32;
      return nest_.add(std::move(op));
    }
    if (n.is(KernelOp::kSlice) || n.is(KernelOp::kAsStrided)) return emit_view(v, n);
    if (n.is(KernelOp::kGather)) return emit_gather(v, n);
    return -1;
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
        for (int k = 0; k < scalar_op_arity(i.op); ++k)
          operands.push_back(ids[static_cast<size_t>(i.operands[static_cast<size_t>(k)])]);
        ids.push_back(nest_.apply(i.op, i.dtype, std::move(operands)));
      }
    }
    for (size_t r = 0; r < body.results.size(); ++r)
      values_[{v.node, static_cast<int32_t>(r)}] = ids[static_cast<size_t>(body.results[r])];
    return values_[v];
  }

  int row_reduce(ValueId v, const Node& n, int operand) {
    LoopOp op;
    op.kind = n.is(KernelOp::kArgReduce) ? LoopOpKind::kArgReduce : LoopOpKind::kReduce;
    op.dtype = graph_.type(v).dtype;
    op.reduce = Reduce::of(n).kind;
    op.operands = {operand};
    op.access = access(v, -1);
    // Rows of the nest that the value does not have: they are walked too, so they must not look
    // reduced.
    for (size_t k = 0; k < nest_dims_.size(); ++k) {
      const DimSet bit = DimSet{1} << nest_dims_[k];
      if ((bit & (space_.reduced_by(n) | space_.dims_of(v))) == 0) op.access.strides[k] = kWalked;
    }
    return nest_.add(std::move(op));
  }

  bool emit_accumulation(int32_t i) {
    const Node& n = graph_.node(i);
    int operand = emit(n.inputs[0]);
    if (operand < 0) return false;
    const ValueId v{i, 0};
    const DimSet reduced = space_.reduced_by(n);
    const DimSet has = space_.dims_of(n.inputs[0]);
    for (int d : nest_dims_) {
      // A row dimension that the operand does not have would add the same value again and again.
      if ((has >> d & 1) == 0 && (d != nest_dims_.back())) return false;
    }
    if (!nest_dims_.empty() && (reduced >> nest_dims_.back() & 1) != 0)
      operand = row_reduce(v, n, operand);
    LoopOp op;
    op.kind = LoopOpKind::kAccumulate;
    op.dtype = graph_.type(v).dtype;
    op.reduce = Reduce::of(n).kind;
    op.operands = {operand};
    op.access = access(v, memory_.at(v));
    op.in_runs = true;
    nest_.add(std::move(op));
    return true;
  }

  int emit_view(ValueId v, const Node& n) {
    const std::optional<View> view = view_through(graph_, n, View::dense(shape(n.inputs[0])));
    SINTER_CHECK(view.has_value(), n.op->name);
    return nest_.load(graph_.type(v).dtype,
                      access_by(space_.axes(v), *view, region_.inputs.at(n.inputs[0])));
  }

  int emit_gather(ValueId v, const Node& n) {
    const int index = emit(n.inputs[1]);
    if (index < 0) return -1;
    const Shape& x = shape(n.inputs[0]);
    const int axis = axis_of(n.attributes);
    const std::vector<int64_t> strides = x.strides();
    std::vector<int64_t> walked(strides.begin(), strides.begin() + axis);
    walked.insert(
        walked.end(),
        static_cast<size_t>(shape(n.inputs[1]).rank() - n.attributes.get_int("batch_dims")), 0);
    walked.insert(walked.end(), strides.begin() + axis + 1, strides.end());
    LoopOp op;
    op.kind = LoopOpKind::kLoadAt;
    op.dtype = graph_.type(v).dtype;
    op.operands = {index};
    op.access = access_by(space_.axes(v), walked, region_.inputs.at(n.inputs[0]));
    op.limit = x[axis];
    op.scale = strides[static_cast<size_t>(axis)];
    return nest_.add(std::move(op));
  }

  const Region& region_;
  const Graph& graph_;
  LoopProgram& program_;
  bool accumulates_planes_;
  ClusterSpace space_;
  std::map<ValueId, Timing> timing_;
  std::map<ValueId, int> memory_;  // buffers of accumulated values
  std::vector<int32_t> accumulated_;
  int last_stage_ = 0;
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
  const std::vector<ValueId> roots = ClusterSpace::candidates(region);
  for (const bool accumulated : {false, true}) {
    for (ValueId root : roots) {
      LoopProgram attempt = program;
      if (!ClusterBuilder(region, attempt, accumulated).build(root)) continue;
      program = std::move(attempt);
      return true;
    }
  }
  return false;
}

}  // namespace sinter::codegen
