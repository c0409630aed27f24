// fuse_elementwise: gathers maps with the broadcasts, generators and reductions around them into
// regions that run as one kernel.
//
// Nodes start as groups of their own and are merged along the edges between them, as long as all
// values of a group fit one space of rows and columns (core/region_form.h) and the groups stay
// acyclic. Three rounds: producers with consumers; reductions that read the same value; scalar
// work. Broadcasts, iota and random are made anew inside every region that reads them.

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/prologue.h"
#include "core/region_form.h"
#include "passes/partition.h"
#include "passes/passes.h"
#include "passes/region.h"

namespace sinter {
namespace {

constexpr size_t kMostStreams = 28;        // inputs and results of a region
constexpr size_t kMostInstructions = 600;  // of its maps together
constexpr int64_t kCheap = 4;              // operations that cost less than a value in memory
constexpr int64_t kSmall = 2048;           // elements of work that is not worth a kernel of its own

class Fuser {
 public:
  Fuser(const Graph& graph, int64_t whole_row_columns)
      : graph_(graph),
        prologue_(prologue_nodes(graph)),
        members_(find_members(graph, whole_row_columns)),
        reads_(find_reads()),
        lifted_(members_.size(), false),
        partition_(dependencies()) {
    for (const std::optional<Member>& m : members_) {
      elements_.push_back(m ? m->elements : 0);
      rows_.push_back(m ? m->rows : 0);
    }
    order_updates();
    find_live();
  }

  Graph run() {
    while (merge_along_edges()) {
    }
    merge_readers();
    merge_small();
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (is_member(i)) repeat_where_read(i);
    }
    return emit();
  }

 private:
  // The index of the largest joins what surrounds it (an accuracy its loss) where rows are short:
  // all of it may then be the epilogue of a product.
  static std::vector<std::optional<Member>> find_members(const Graph& graph,
                                                         int64_t whole_row_columns) {
    std::vector<std::optional<Member>> members;
    for (int32_t i = 0; i < graph.size(); ++i) {
      std::optional<Member>& member = members.emplace_back(as_member(graph, i));
      if (member && graph.node(i).is("arg_reduce") &&
          member->elements > member->rows * whole_row_columns)
        member.reset();
    }
    return members;
  }

  std::vector<std::vector<ValueId>> find_reads() const {
    std::vector<std::vector<ValueId>> all;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const std::optional<Member>& member = members_[static_cast<size_t>(i)];
      if (!member) {
        all.push_back(graph_.node(i).inputs);
        continue;
      }
      std::vector<ValueId>& own = all.emplace_back();
      for (const Reading& r : member->readings) {
        if (r.source.valid()) own.push_back(r.source);
      }
    }
    return all;
  }
  // What node i reads, seen through what a region would make anew.
  const std::vector<ValueId>& reads(int32_t i) const { return reads_[static_cast<size_t>(i)]; }

  std::vector<std::vector<int32_t>> dependencies() const {
    std::vector<std::vector<int32_t>> result;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      result.emplace_back();
      for (ValueId id : reads(i)) result.back().push_back(id.node);
    }
    return result;
  }

  // Whatever reads a variable comes before its new value is made: then the update can be done in
  // place.
  void order_updates() {
    for (const Graph::Update& u : graph_.updates()) {
      if (graph_.node(u.value).op->kind == KernelKind::kSource) continue;
      for (int32_t i = 0; i < graph_.size(); ++i) {
        if (i == u.value.node) continue;
        for (ValueId id : reads(i)) {
          if (id.node == u.variable) partition_.add_order(i, u.value.node);
        }
      }
    }
  }

  void find_live() {
    live_.assign(members_.size(), false);
    for (const Graph::Output& o : graph_.outputs()) live_[static_cast<size_t>(o.value.node)] = true;
    for (const Graph::Update& u : graph_.updates()) live_[static_cast<size_t>(u.value.node)] = true;
    for (int32_t i = graph_.size(); i-- > 0;) {
      const Node& node = graph_.node(i);
      if (node.is("input") || node.is("variable")) live_[static_cast<size_t>(i)] = true;
      if (!live_[static_cast<size_t>(i)]) continue;
      for (ValueId id : reads(i)) live_[static_cast<size_t>(id.node)] = true;
    }
  }

  const Member& member(int32_t i) const { return *members_[static_cast<size_t>(i)]; }
  bool is_member(int32_t i) const {
    return members_[static_cast<size_t>(i)].has_value() && live_[static_cast<size_t>(i)];
  }
  int64_t elements(int32_t group) const { return elements_[static_cast<size_t>(group)]; }
  int64_t rows(int32_t group) const { return rows_[static_cast<size_t>(group)]; }

  bool merge_along_edges() {
    bool changed = false;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (!is_member(i)) continue;
      for (const Reading& r : member(i).readings) changed = merge_edge(i, r) || changed;
    }
    return changed;
  }

  // Merges the group that makes what `consumer` reads with the consumer's own, if their spaces fit.
  bool merge_edge(int32_t consumer, const Reading& reading) {
    const int32_t producer = reading.source.node;
    if (reading.generator >= 0 || !is_member(producer) || member(producer).terminal) return false;
    const int32_t a = partition_.find(producer), b = partition_.find(consumer);
    if (a == b) return false;
    const bool from_row =
        lifted_[static_cast<size_t>(producer)] || member(producer).role == Role::kRowReduce;
    const bool to_row = lifted_[static_cast<size_t>(consumer)];
    if (reading.level == Level::kRow && !to_row) {
      return from_row ? rows(a) == rows(b) && join(a, b) : elements(a) == rows(b) && lift(a, b);
    }
    if (reading.level != Level::kFull) return false;
    if (from_row == to_row) return join(a, b);
    return from_row ? rows(a) == elements(b) && lift(b, a) : elements(a) == rows(b) && lift(a, b);
  }

  // Two groups over one space become one.
  bool join(int32_t a, int32_t b) {
    if (elements(a) != elements(b)) return false;
    if (rows(a) != 0 && rows(b) != 0 && rows(a) != rows(b)) return false;
    return merge(a, b);
  }

  // Group `a`, over as many elements as `b` has rows, becomes row work of `b`.
  bool lift(int32_t a, int32_t b) {
    if (elements(b) == rows(b)) return join(a, b);
    if (rows(a) != 0) return false;
    for (int32_t m : partition_.members(a)) {
      const Member& it = member(m);
      if (it.role != Role::kMap && it.role != Role::kFullReduce) return false;
      for (const Reading& r : it.readings) {
        if (r.generator >= 0 || (r.level != Level::kFull && r.level != Level::kScalar))
          return false;
      }
    }
    const std::vector<int32_t> lifted = partition_.members(a);
    if (!merge(b, a)) return false;
    for (int32_t m : lifted) lifted_[static_cast<size_t>(m)] = true;
    return true;
  }

  bool merge(int32_t a, int32_t b) {
    const bool in_prologue = prologue_[static_cast<size_t>(partition_.members(a)[0])];
    if (in_prologue != prologue_[static_cast<size_t>(partition_.members(b)[0])]) return false;
    if (!fits(a, b) || partition_.would_cycle(a, b)) return false;
    const int64_t n = elements(a), r = std::max(rows(a), rows(b));
    const int32_t merged = partition_.merge(a, b);
    elements_[static_cast<size_t>(merged)] = n;
    rows_[static_cast<size_t>(merged)] = r;
    return true;
  }

  // Would one region of the two be of sensible size, with no reduction over rows read inside?
  bool fits(int32_t a, int32_t b) {
    const auto is_inside = [&](int32_t node) {
      const int32_t group = partition_.find(node);
      return group == a || group == b;
    };
    streams_.clear();
    size_t instructions = 0;
    for (int32_t group : {a, b}) {
      for (int32_t m : partition_.members(group)) {
        const Node& node = graph_.node(m);
        if (node.is("map")) instructions += node.attributes.get_expr("body").instructions.size();
        for (const Reading& r : member(m).readings) {
          if (!r.source.valid()) continue;
          if (!is_inside(r.source.node)) {
            streams_.push_back(r.source);
          } else if (r.generator < 0 && (member(r.source.node).terminal ||
                                         r.level == Level::kColumn || r.level == Level::kScalar)) {
            return false;  // it would have to wait for all rows
          }
        }
        for (int32_t k = 0; k < static_cast<int32_t>(node.types.size()); ++k) {
          if (is_read_outside({m, k}, is_inside)) streams_.push_back({m, k});
        }
      }
    }
    std::ranges::sort(streams_);
    const auto repeated = std::ranges::unique(streams_);
    return streams_.size() - repeated.size() <= kMostStreams && instructions <= kMostInstructions;
  }

  const std::vector<int32_t>& readers(ValueId id) const {
    if (readers_.empty()) {
      readers_.resize(members_.size());
      for (int32_t i = 0; i < graph_.size(); ++i)
        readers_[static_cast<size_t>(i)].resize(graph_.node(i).types.size());
      const auto add = [&](ValueId value, int32_t reader) {
        readers_[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)].push_back(
            reader);
      };
      for (int32_t i = 0; i < graph_.size(); ++i) {
        if (!live_[static_cast<size_t>(i)]) continue;
        for (ValueId value : reads(i)) add(value, i);
      }
      for (const Graph::Output& o : graph_.outputs()) add(o.value, -1);
      for (const Graph::Update& u : graph_.updates()) add(u.value, -1);
    }
    return readers_[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)];
  }

  template <typename IsInside>
  bool is_read_outside(ValueId id, const IsInside& is_inside) const {
    const std::vector<int32_t>& all = readers(id);
    return std::any_of(all.begin(), all.end(), [&](int32_t r) { return r < 0 || !is_inside(r); });
  }

  bool ends_in_reduction(int32_t group) const {
    const std::vector<int32_t>& all = partition_.members(group);
    return std::any_of(all.begin(), all.end(), [&](int32_t m) { return member(m).terminal; });
  }

  // Reductions that read the same large value read it once.
  void merge_readers() {
    std::map<ValueId, std::vector<int32_t>> by_source;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (!is_member(i) || lifted_[static_cast<size_t>(i)]) continue;
      for (const Reading& r : member(i).readings) {
        if (r.generator < 0 && r.level == Level::kFull) by_source[r.source].push_back(i);
      }
    }
    for (const auto& [source, nodes] : by_source) {
      for (size_t k = 1; k < nodes.size(); ++k) {
        for (size_t j = 0; j < k; ++j) {
          const int32_t a = partition_.find(nodes[j]), b = partition_.find(nodes[k]);
          if (a == b || elements(a) <= 1) continue;
          if (ends_in_reduction(a) || ends_in_reduction(b)) join(a, b);
        }
      }
    }
  }

  bool is_small(int32_t group) const {
    const std::vector<int32_t>& all = partition_.members(group);
    return elements(group) <= kSmall && rows(group) <= 1 &&
           std::all_of(all.begin(), all.end(), [&](int32_t m) { return !member(m).terminal; });
  }

  // Independent work on as many elements, when there are few, becomes one kernel: scalars, updates
  // of biases of one size.
  void merge_small() {
    std::map<int64_t, std::vector<int32_t>> by_size;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      if (!is_member(i) || !is_small(partition_.find(i))) continue;
      std::vector<int32_t>& others = by_size[elements(partition_.find(i))];
      for (int32_t other : others) {
        const int32_t a = partition_.find(other), b = partition_.find(i);
        if (a != b && is_small(a) && is_small(b)) join(a, b);
      }
      others.push_back(i);
    }
  }

  // A few operations on one value in memory, x - mean say, are repeated in the regions that read
  // the result: that costs less than to write it and to read it again.
  void repeat_where_read(int32_t index) {
    const Node& node = graph_.node(index);
    const int32_t home = partition_.find(index);
    if (!node.is("map") || node.types.size() != 1 || lifted_[static_cast<size_t>(index)]) return;
    if (elements(home) <= kSmall || node.attributes.get_expr("body").flops() > kCheap) return;
    std::set<ValueId> whole;
    for (const Reading& r : member(index).readings) {
      const int32_t from = r.source.node;
      if (r.generator >= 0 || partition_.find(from) == home || everywhere_.contains(from)) return;
      if (graph_.node(from).is("contract") || is_updated(r.source)) return;
      if (r.level == Level::kFull) whole.insert(r.source);
    }
    if (whole.size() != 1) return;
    std::set<int32_t> groups;
    for (int32_t reader : readers({index, 0})) {
      if (reader >= 0 && partition_.find(reader) == home) continue;
      if (reader < 0 || !is_member(reader) || !reads_whole(reader, {index, 0})) return;
      const int32_t group = partition_.find(reader);
      const int64_t wanted = member(index).rows;
      if (wanted != 0 && rows(group) != 0 && rows(group) != wanted) return;
      if (prologue_[static_cast<size_t>(reader)] != prologue_[static_cast<size_t>(index)]) return;
      groups.insert(group);
    }
    for (int32_t group : groups) {
      repeated_[group].push_back(index);
      rows_[static_cast<size_t>(group)] = std::max(rows(group), member(index).rows);
    }
    if (!groups.empty()) everywhere_.insert(index);
  }

  bool is_updated(ValueId id) const {
    return std::any_of(graph_.updates().begin(), graph_.updates().end(),
                       [&](const Graph::Update& u) { return u.variable == id.node; });
  }

  bool reads_whole(int32_t reader, ValueId id) const {
    if (lifted_[static_cast<size_t>(reader)]) return false;
    return std::all_of(member(reader).readings.begin(), member(reader).readings.end(),
                       [&](const Reading& r) {
                         return r.source != id || (r.level == Level::kFull && r.generator < 0);
                       });
  }

  // A single map or reduction over plain values stays as it is.
  bool is_plain(const std::vector<int32_t>& nodes) const {
    if (!is_member(nodes[0])) return true;
    const std::vector<Reading>& all = member(nodes[0]).readings;
    return nodes.size() == 1 && std::all_of(all.begin(), all.end(), [](const Reading& r) {
             return r.level == Level::kFull && r.generator < 0;
           });
  }

  Graph emit() {
    Rewriter rewriter(graph_);
    for (int32_t group : partition_.order()) {
      const std::vector<int32_t>& nodes = partition_.members(group);
      if (!live_[static_cast<size_t>(nodes[0])]) continue;
      const std::vector<int32_t>& repeated = repeated_[group];
      if (repeated.empty() && is_plain(nodes)) {
        if (everywhere_.contains(nodes[0])) continue;
        copy_plain(rewriter, nodes[0]);
        continue;
      }
      const int64_t r = std::max<int64_t>(1, rows(group));
      RegionBuilder builder(graph_, r, elements(group) / r);
      std::vector<ValueId> results;
      const auto is_inside = [&](int32_t node) { return partition_.find(node) == group; };
      for (int32_t m : repeated) builder.add(m, member(m), false);
      for (int32_t m : nodes) {
        builder.add(m, member(m), lifted_[static_cast<size_t>(m)]);
        if (everywhere_.contains(m)) continue;
        for (int32_t k = 0; k < static_cast<int32_t>(graph_.node(m).types.size()); ++k) {
          if (is_read_outside({m, k}, is_inside)) results.push_back({m, k});
        }
      }
      if (results.empty()) continue;
      std::vector<int32_t> all = repeated;
      all.insert(all.end(), nodes.begin(), nodes.end());
      emit_region(rewriter, builder.finish(results), joined_origin(graph_, all));
    }
    return rewriter.finish();
  }

  // Reshapes that stand before a member are made again, for those of the graph may have gone.
  void copy_plain(Rewriter& rewriter, int32_t index) {
    const Node& node = graph_.node(index);
    if (!is_member(index)) return rewriter.copy(index);
    rewriter.target().set_origin(node.origin);
    std::vector<Symbol> inputs;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const Symbol source = rewriter.map(member(index).readings[k].source);
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
  std::vector<bool> prologue_;
  std::vector<std::optional<Member>> members_;
  std::vector<std::vector<ValueId>> reads_;
  std::vector<bool> lifted_;
  Partition partition_;
  std::vector<int64_t> elements_, rows_;  // of each group
  std::vector<bool> live_;
  std::vector<ValueId> streams_;  // of the groups that fits() looks at
  std::map<int32_t, std::vector<int32_t>>
      repeated_;                  // members of other groups that a group computes again
  std::set<int32_t> everywhere_;  // members that are repeated wherever they are read
  mutable std::vector<std::vector<std::vector<int32_t>>> readers_;
};

}  // namespace

Graph fuse_elementwise(const Graph& graph, const PassContext& context) {
  if (context.target == nullptr || !context.target->fuses_elementwise) return graph;
  return Fuser(graph, context.target->whole_row_columns).run();
}

void check_fused(const Graph& graph, const PassContext&) { check_regions(graph); }

}  // namespace sinter
