// One walk over the nodes in the order in which they run.
#include "runtime/memory_need.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/memory_limit.h"
#include "core/sizes.h"

namespace sinter {
namespace {

class Walk {
 public:
  explicit Walk(const Graph& graph) : graph_(graph), live_(graph.live_nodes()) {
    for (const Node& node : graph.nodes()) {
      first_.push_back(static_cast<int32_t>(last_.size()));
      for (size_t r = 0; r < node.types.size(); ++r) {
        root_.push_back(static_cast<int32_t>(last_.size()));
        last_.push_back(-1);
      }
      if (node.is(KernelOp::kReshape)) root_.back() = root_[place(node.inputs[0])];
    }
    const int32_t end = graph.size();
    for (int32_t i = 0; i < end; ++i) {
      if (!live_[static_cast<size_t>(i)]) continue;
      for (ValueId id : graph.node(i).inputs) last_[root(id)] = i;
    }
    for (const Graph::Output& o : graph.outputs()) last_[root(o.value)] = end;
    in_place_.assign(last_.size(), false);
    for (const Graph::Update& u : graph.updates()) in_place_[root(u.value)] = true;
  }

  struct Need {
    int64_t given = 0, working = 0, together = 0;
  };
  Need need() const {
    int64_t given = 0, alive = 0, peak = 0, together = 0;
    for (int32_t i = 0; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      if (!live_[static_cast<size_t>(i)] || node.is(KernelOp::kReshape)) continue;
      if (node.op->kind == KernelKind::kSource) {
        given = checked_sum(given, node.types[0].bytes());
        continue;
      }
      int64_t made = 0;
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r)
        made = checked_sum(made, bytes({i, r}));
      const int64_t ending = ends_at(i);
      peak = std::max(peak, checked_sum(alive, made - std::min(made, ending)));
      together = std::max(together, checked_sum(alive, made));
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
        if (last_[root({i, r})] < 0) made -= bytes({i, r});  // nobody reads it
      }
      alive = checked_sum(alive - ending, made);
      peak = std::max(peak, alive);
    }
    return {given, peak, together};
  }

 private:
  size_t place(ValueId id) const {
    return static_cast<size_t>(first_[static_cast<size_t>(id.node)] + id.result);
  }
  size_t root(ValueId id) const { return static_cast<size_t>(root_[place(id)]); }

  // What `id` takes beyond the memory that is given: the new value of a variable may lie in it.
  int64_t bytes(ValueId id) const { return in_place_[root(id)] ? 0 : graph_.type(id).bytes(); }

  // The bytes of values that node `i` is the last to read.
  int64_t ends_at(int32_t i) const {
    int64_t total = 0;
    std::vector<size_t> seen;
    for (ValueId id : graph_.node(i).inputs) {
      ValueId made = id;
      while (graph_.node(made).is(KernelOp::kReshape)) made = graph_.node(made).inputs[0];
      const size_t value = root(id);
      if (graph_.node(made).op->kind == KernelKind::kSource || last_[value] != i) continue;
      if (std::ranges::find(seen, value) != seen.end()) continue;
      seen.push_back(value);
      total += bytes(made);
    }
    return total;
  }

  const Graph& graph_;
  std::vector<bool> live_;
  std::vector<int32_t> first_;  // where the results of a node begin in the lists below
  std::vector<int32_t> root_;   // the value whose memory a reshape shows
  std::vector<int32_t> last_;   // the node that reads a value last, -1: none
  std::vector<bool> in_place_;
};

std::string largest_value(const Graph& graph) {
  const Node* largest = nullptr;
  int64_t most = -1;
  for (const Node& node : graph.nodes()) {
    for (const ValueType& type : node.types) {
      if (type.bytes() <= most) continue;
      most = type.bytes();
      largest = &node;
    }
  }
  if (largest == nullptr) return "nothing";
  const std::string where = largest->origin ? largest->origin->to_string() : "";
  return fmt::format("{} ({}) of '{}'{}{}", largest->types[0].to_string(), memory_text(most),
                     largest->op->name, where.empty() ? "" : " of ", where);
}

}  // namespace

int64_t memory_need(const Graph& graph) {
  const Walk::Need need = Walk(graph).need();
  return checked_sum(need.given, need.working);
}

int64_t working_memory(const Graph& graph) { return Walk(graph).need().together; }

namespace {

void check_need(const Graph& graph, int64_t need) {
  if (need <= memory_limit()) return;
  check_memory(need, fmt::format("a run of graph '{}' (its largest value is {})", graph.name(),
                                 largest_value(graph)));
}

}  // namespace

void check_memory_need(const Graph& graph) { check_need(graph, memory_need(graph)); }

void check_memory_need(const Graph& graph, const Graph& part, int64_t copies) {
  int64_t need = Walk(graph).need().given;
  for (const Graph::Output& o : graph.outputs())
    need = checked_sum(need, graph.type(o.value).bytes());
  check_need(part, checked_sum(need, checked_product(copies, Walk(part).need().working)));
}

}  // namespace sinter
