// fuse_elementwise: gathers maps with the broadcasts, generators and reductions around them into
// regions that run as one kernel.
//
// Nodes start as groups of their own and are merged along the edges between them, as long as all
// values of a group fit one space (passes/space.h) and the groups stay acyclic. Three rounds:
// producers with consumers; reductions that read the same value; scalar work. Broadcasts, slices,
// transposes and most reshapes only say where a region reads; iota and random are made anew inside
// every region that reads them.

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/region_form.h"
#include "passes/fusion_groups.h"
#include "passes/moves.h"
#include "passes/passes.h"

namespace sinter {
namespace {

constexpr int64_t kCheap = 4;      // operations that cost less than a value in memory
constexpr int64_t kSmall = 2048;   // elements of work that is not worth a kernel of its own
constexpr size_t kMostTried = 64;  // groups that a group without an edge to them is tried with

class Fuser {
 public:
  Fuser(const Graph& graph, int64_t whole_row_columns)
      : graph_(graph), groups_(graph, whole_row_columns) {}

  Graph run() {
    merge_along_edges();
    merge_readers();
    merge_small();
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (groups_.is_member(i)) repeat_where_read(i);
    }
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (graph_.node(i).is(KernelOp::kConcat) && groups_.is_live(i)) take_concat(i);
    }
    return emit();
  }

 private:
  // Until nothing changes. What failed is tried again when one of the two groups has grown: it may
  // have got rows.
  void merge_along_edges() {
    std::vector<std::vector<int64_t>> tried(static_cast<size_t>(graph_.size()));
    for (int64_t before = -1; before != groups_.clock();) {
      before = groups_.clock();
      for (int32_t i = 0; i < graph_.size(); ++i) {
        if (!groups_.is_member(i)) continue;
        const std::vector<Reading>& readings = groups_.member(i).readings;
        std::vector<int64_t>& times = tried[static_cast<size_t>(i)];
        times.resize(readings.size(), -1);
        for (size_t k = 0; k < readings.size(); ++k) merge_edge(i, readings[k], times[k]);
      }
    }
  }

  // Merges the group that makes what `consumer` reads with the consumer's own, if their spaces fit.
  void merge_edge(int32_t consumer, const Reading& reading, int64_t& tried) {
    const int32_t producer = reading.source.node;
    if (reading.generator >= 0 || reading.reads == Reads::kView || !groups_.is_member(producer) ||
        groups_.member(producer).role == Role::kReduce)
      return;
    const int32_t a = groups_.find(producer), b = groups_.find(consumer);
    if (a == b || tried >= std::max(groups_.merged_at(a), groups_.merged_at(b))) return;
    tried = groups_.clock();
    const bool from_row =
        groups_.is_lifted(producer) || groups_.member(producer).role == Role::kRowReduce;
    const bool to_row = groups_.is_lifted(consumer);
    if (reading.reads == Reads::kRows) {
      if (to_row) return;
      if (!from_row)
        groups_.lift(a, b, reading.row);
      else if (groups_.space(a).row == reading.row)
        groups_.join(a, b);
    } else if (from_row == to_row) {
      groups_.join(a, b);
    } else if (from_row) {
      groups_.lift(b, a, groups_.space(a).row);
    } else {
      groups_.lift(a, b, groups_.space(b).row);
    }
  }

  bool ends_in_reduction(int32_t group) const {
    return std::ranges::any_of(groups_.partition().members(group),
                               [&](int32_t m) { return groups_.member(m).role == Role::kReduce; });
  }

  // Reductions that read the same large value read it once.
  void merge_readers() {
    std::map<ValueId, std::vector<int32_t>> by_source;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (!groups_.is_member(i) || groups_.is_lifted(i)) continue;
      for (const Reading& r : groups_.member(i).readings) {
        if (is_plain(r)) by_source[r.source].push_back(i);
      }
    }
    for (const auto& [source, nodes] : by_source) {
      merge_with_earlier(nodes, [&](int32_t a, int32_t b) {
        return groups_.space(a).elements > 1 && (ends_in_reduction(a) || ends_in_reduction(b));
      });
    }
  }

  bool is_small(int32_t group) const {
    return groups_.space(group).elements <= kSmall && groups_.space(group).is_one_row() &&
           !ends_in_reduction(group);
  }

  // Independent work on as many elements, when there are few, becomes one kernel: scalars, updates
  // of biases of one size.
  void merge_small() {
    std::map<int64_t, std::vector<int32_t>> by_size;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (groups_.is_member(i) && is_small(groups_.find(i)))
        by_size[groups_.space(groups_.find(i)).elements].push_back(i);
    }
    for (const auto& [size, nodes] : by_size) {
      merge_with_earlier(nodes, [&](int32_t a, int32_t b) { return is_small(a) && is_small(b); });
    }
  }

  // Joins the group of each node with those of the nodes before it that `is_wanted` agrees to: with
  // the last of them, where they are many.
  template <typename IsWanted>
  void merge_with_earlier(const std::vector<int32_t>& nodes, const IsWanted& is_wanted) {
    std::vector<int32_t> earlier;  // one node of each group
    for (int32_t node : nodes) {
      const size_t first = earlier.size() > kMostTried ? earlier.size() - kMostTried : 0;
      bool is_new = true;
      for (size_t j = first; j < earlier.size(); ++j) {
        const int32_t a = groups_.find(earlier[j]), b = groups_.find(node);
        if (a == b || (is_wanted(a, b) && groups_.join(a, b))) is_new = false;
      }
      if (is_new) earlier.push_back(node);
    }
  }

  // A few operations on one value in memory, x - mean say, are repeated in the regions that read
  // the result: that costs less than to write it and to read it again.
  void repeat_where_read(int32_t index) {
    const Node& node = graph_.node(index);
    const int32_t home = groups_.find(index);
    if (!node.is(KernelOp::kMap) || node.types.size() != 1 || groups_.is_lifted(index)) return;
    if (groups_.space(home).elements <= kSmall || node.attributes.get_expr("body").flops() > kCheap)
      return;
    std::set<ValueId> whole;
    for (const Reading& r : groups_.member(index).readings) {
      const int32_t from = r.source.node;
      if (r.generator >= 0 || groups_.find(from) == home || everywhere_.contains(from)) return;
      if (graph_.node(from).is(KernelOp::kContract) || groups_.is_updated(r.source)) return;
      if (r.reads == Reads::kElements) whole.insert(r.source);
    }
    if (whole.size() != 1) return;
    std::set<int32_t> groups;
    if (groups_.readers().is_kept({index, 0})) return;
    for (int32_t reader : groups_.readers().of({index, 0})) {
      if (groups_.find(reader) == home) continue;
      if (!groups_.is_member(reader) || !reads_whole(reader, {index, 0})) return;
      const int32_t group = groups_.find(reader);
      if (!meet(groups_.space(group), groups_.member(index).space)) return;
      if (groups_.is_prologue(reader) != groups_.is_prologue(index)) return;
      groups.insert(group);
    }
    for (int32_t group : groups) {
      repeated_[group].push_back(index);
      groups_.set_space(group, *meet(groups_.space(group), groups_.member(index).space));
    }
    if (!groups.empty()) everywhere_.insert(index);
  }

  bool reads_whole(int32_t reader, ValueId id) const {
    if (groups_.is_lifted(reader)) return false;
    return std::all_of(groups_.member(reader).readings.begin(),
                       groups_.member(reader).readings.end(),
                       [&](const Reading& r) { return r.source != id || is_plain(r); });
  }

  static bool is_plain(const Reading& r) { return r.reads == Reads::kElements && r.generator < 0; }

  // Parts that one region computes, it writes side by side: the gradients of the gates that were
  // sliced from one product.
  void take_concat(int32_t index) {
    std::vector<int32_t> makers;
    for (const ValueId part : graph_.node(index).inputs) {
      const int32_t maker = before_reshapes(graph_, part).node;
      if (!groups_.is_member(maker) || groups_.is_lifted(maker) || everywhere_.contains(maker) ||
          groups_.member(maker).role != Role::kMap)
        return;
      makers.push_back(maker);
    }
    for (const int32_t maker : makers) {
      const int32_t a = groups_.find(makers[0]), b = groups_.find(maker);
      if (a != b && !groups_.join(a, b)) return;
    }
    groups_.take_concat(graph_, groups_.find(makers[0]), index);
  }

  // A single map or reduction over plain values stays as it is.
  bool is_plain(const std::vector<int32_t>& nodes) const {
    if (!groups_.is_member(nodes[0])) return true;
    const std::vector<Reading>& all = groups_.member(nodes[0]).readings;
    return nodes.size() == 1 &&
           std::all_of(all.begin(), all.end(), [](const Reading& r) { return is_plain(r); });
  }

  Graph emit() {
    Rewriter rewriter(graph_);
    for (int32_t group : groups_.partition().order()) {
      const std::vector<int32_t>& nodes = groups_.partition().members(group);
      if (!groups_.is_live(nodes[0])) continue;
      const std::vector<int32_t>& repeated = repeated_[group];
      if (repeated.empty() && is_plain(nodes)) {
        if (everywhere_.contains(nodes[0])) continue;
        copy_plain(rewriter, nodes[0]);
        continue;
      }
      RegionBuilder builder(graph_, dims_of(group));
      std::vector<ValueId> results;
      for (int32_t m : repeated) builder.add(m, groups_.member(m), false);
      for (int32_t m : nodes) {
        if (groups_.is_member(m))
          builder.add(m, groups_.member(m), groups_.is_lifted(m));
        else
          add_concat(builder, m);
        if (everywhere_.contains(m)) continue;
        for (int32_t k = 0; k < static_cast<int32_t>(graph_.node(m).types.size()); ++k) {
          if (groups_.is_read_outside({m, k}, group)) results.push_back({m, k});
        }
      }
      if (results.empty()) continue;
      std::vector<int32_t> all = repeated;
      all.insert(all.end(), nodes.begin(), nodes.end());
      emit_region(rewriter, builder.finish(results), joined_origin(graph_, all));
    }
    return rewriter.finish();
  }

  // Of a group with rows and columns, those of its values where all have one shape that knows them:
  // a batch stays a dimension of its own.
  std::vector<int64_t> dims_of(int32_t group) const {
    const Space& space = groups_.space(group);
    const Shape* shape = nullptr;
    for (const int32_t m : groups_.partition().members(group)) {
      if (!groups_.is_member(m) || groups_.is_lifted(m)) continue;
      const Node& node = graph_.node(m);
      const ValueId value = node.is(KernelOp::kMap) ? ValueId{m, 0} : node.inputs[0];
      if (shape != nullptr && *shape != graph_.type(value).shape) return space.dims();
      shape = &graph_.type(value).shape;
    }
    if (shape == nullptr || shape->rank() <= 2 || space.cuts.empty() || !space.lies_in(*shape))
      return space.dims();
    return {shape->begin(), shape->end()};
  }

  void add_concat(RegionBuilder& builder, int32_t index) const {
    std::vector<ValueId> parts;
    for (const ValueId part : graph_.node(index).inputs)
      parts.push_back(before_reshapes(graph_, part));
    builder.add_concat(index, parts);
  }

  // Reshapes that stand before a member or a part are made again, for those of the graph may have
  // gone.
  void copy_plain(Rewriter& rewriter, int32_t index) {
    const Node& node = graph_.node(index);
    const bool is_member = groups_.is_member(index);
    if (!is_member && !node.is(KernelOp::kConcat)) return rewriter.copy(index);
    rewriter.target().set_origin(node.origin);
    std::vector<Symbol> inputs;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Symbol source = rewriter.map(is_member ? groups_.member(index).readings[k].source
                                                   : before_reshapes(graph_, node.inputs[k]));
      const Shape& shape = graph_.type(node.inputs[k]).shape;
      inputs.push_back(source.shape() == shape
                           ? source
                           : rewriter.target().add1("reshape", {source}, {{"shape", shape}}));
    }
    const std::vector<Symbol> results =
        rewriter.target().add(node.op->name, inputs, node.attributes, node.name);
    for (int32_t r = 0; r < static_cast<int32_t>(results.size()); ++r) {
      rewriter.replace({index, r}, results[static_cast<size_t>(r)]);
    }
  }

  const Graph& graph_;
  FusionGroups groups_;
  std::map<int32_t, std::vector<int32_t>>
      repeated_;                  // members of other groups that a group computes again
  std::set<int32_t> everywhere_;  // members that are repeated wherever they are read
};

}  // namespace

Graph fuse_elementwise(const Graph& graph, const PassContext& context) {
  if (context.target == nullptr || !context.target->fuses_elementwise) return graph;
  return Fuser(graph, context.target->whole_row_columns).run();
}

void check_fused(const Graph& graph, const PassContext&) { check_regions(graph); }

}  // namespace sinter
