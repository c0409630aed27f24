// Copying graphs with substitutions.
#include "core/rewriter.h"

#include "core/error.h"

namespace sinter {

Rewriter::Rewriter(const Graph& source) : source_(source), target_(source.name()) {
  first_.reserve(static_cast<size_t>(source.size()));
  int32_t values = 0;
  for (const Node& node : source.nodes()) {
    first_.push_back(values);
    values += static_cast<int32_t>(node.types.size());
  }
  map_.resize(static_cast<size_t>(values));
  target_.reserve(source.size());
}

Symbol Rewriter::map(ValueId old) {
  const ValueId id = map_[place(old)];
  SINTER_CHECK(id.valid(), "a value was used before it was copied: " + source_.node(old).op->name);
  return {&target_, id};
}

std::vector<Symbol> Rewriter::map_inputs(const Node& node) {
  std::vector<Symbol> result;
  result.reserve(node.inputs.size());
  for (ValueId id : node.inputs) result.push_back(map(id));
  return result;
}

void Rewriter::copy(int32_t index) {
  const Node& node = source_.node(index);
  std::vector<ValueId> inputs;
  inputs.reserve(node.inputs.size());
  for (ValueId id : node.inputs) inputs.push_back(map(id).id());
  const int32_t added = target_.copy_node(source_, index, std::move(inputs), node.origin);
  for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r)
    replace({index, r}, ValueId{added, r});
}

Graph Rewriter::finish() {
  for (const Graph::Output& o : source_.outputs()) target_.add_output(o.name, map(o.value).id());
  for (const Graph::Update& u : source_.updates())
    target_.add_update(map({u.variable, 0}).id().node, map(u.value).id());
  target_.set_origin(nullptr);
  return std::move(target_);
}

Graph rewrite(const Graph& source, const std::function<bool(Rewriter&, int32_t)>& visit) {
  Rewriter rewriter(source);
  for (int32_t i = 0; i < source.size(); ++i) {
    rewriter.target().set_origin(source.node(i).origin);
    if (!visit(rewriter, i)) rewriter.copy(i);
  }
  return rewriter.finish();
}

std::vector<Symbol> inline_graph(Graph& target, const Graph& region,
                                 std::span<const Symbol> arguments) {
  SINTER_CHECK(arguments.size() == region.inputs().size(), "arguments of region " + region.name());
  std::vector<std::vector<Symbol>> map(static_cast<size_t>(region.size()));
  size_t next = 0;
  for (int32_t i = 0; i < region.size(); ++i) {
    const Node& node = region.node(i);
    if (node.is(KernelOp::kInput)) {
      map[static_cast<size_t>(i)] = {arguments[next++]};
      continue;
    }
    std::vector<ValueId> inputs;
    for (ValueId id : node.inputs)
      inputs.push_back(map[static_cast<size_t>(id.node)][static_cast<size_t>(id.result)].id());
    const int32_t added =
        target.copy_node(region, i, std::move(inputs), node.origin ? node.origin : target.origin());
    for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r)
      map[static_cast<size_t>(i)].emplace_back(&target, ValueId{added, r});
  }
  std::vector<Symbol> results;
  for (const Graph::Output& o : region.outputs()) {
    results.push_back(map[static_cast<size_t>(o.value.node)][static_cast<size_t>(o.value.result)]);
  }
  return results;
}

}  // namespace sinter
