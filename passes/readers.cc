#include "passes/readers.h"

namespace sinter {

std::vector<std::vector<int32_t>> dependencies(const Graph& graph) {
  std::vector<std::vector<int32_t>> result;
  for (const Node& node : graph.nodes()) {
    result.emplace_back();
    for (ValueId id : node.inputs) result.back().push_back(id.node);
  }
  return result;
}

// Counted first, then filled in: `each_read(f)` calls f(reader, value).
template <typename EachRead>
void Readers::fill(const Graph& graph, const EachRead& each_read) {
  size_t slots = 0;
  for (const Node& node : graph.nodes()) {
    first_.push_back(slots);
    slots += node.types.size();
  }
  begin_.assign(slots + 1, 0);
  kept_.assign(slots, false);
  each_read([&](int32_t, ValueId id) { ++begin_[slot(id) + 1]; });
  for (size_t s = 0; s < slots; ++s) begin_[s + 1] += begin_[s];
  readers_.resize(begin_[slots]);
  std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
  each_read([&](int32_t reader, ValueId id) { readers_[next[slot(id)]++] = reader; });
  for (const Graph::Output& o : graph.outputs()) kept_[slot(o.value)] = true;
  for (const Graph::Update& u : graph.updates()) kept_[slot(u.value)] = true;
}

Readers::Readers(const Graph& graph) {
  fill(graph, [&](const auto& f) {
    for (int32_t i = 0; i < graph.size(); ++i) {
      for (ValueId id : graph.node(i).inputs) f(i, id);
    }
  });
}

Readers::Readers(const Graph& graph, const std::vector<std::vector<ValueId>>& reads,
                 const std::vector<bool>& live) {
  fill(graph, [&](const auto& f) {
    for (int32_t i = 0; i < graph.size(); ++i) {
      if (!live[static_cast<size_t>(i)]) continue;
      for (ValueId id : reads[static_cast<size_t>(i)]) f(i, id);
    }
  });
}

std::span<const int32_t> Readers::of(ValueId id) const {
  const size_t s = slot(id);
  return std::span(readers_).subspan(begin_[s], begin_[s + 1] - begin_[s]);
}

void order_updates(Partition& partition, const Graph& graph, const Readers& readers) {
  for (const Graph::Update& u : graph.updates()) {
    if (graph.node(u.value).op->kind == KernelKind::kSource) continue;
    for (int32_t reader : readers.of({u.variable, 0})) {
      if (reader != u.value.node) partition.add_order(reader, u.value.node);
    }
  }
}

}  // namespace sinter
