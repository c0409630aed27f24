// merge_duplicates: computes equal things once. Two nodes are equal when op, attributes and
// (merged) inputs are.
#include <algorithm>
#include <unordered_map>

#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

bool is_commutative(const Node& node) {
  return node.is("add") || node.is("multiply") || node.is("logical_and") || node.is("logical_or") ||
         node.is("equal") || node.is("not_equal");
}

size_t hash_of(const OpRecord* op, std::span<const ValueId> inputs, const ValueType& type) {
  size_t h = std::hash<const void*>()(op);
  const auto mix = [&](uint64_t value) { h = (h ^ value) * 0x9E3779B97F4A7C15u + (h >> 29); };
  for (ValueId id : inputs)
    mix(static_cast<uint64_t>(id.node) << 8 | static_cast<uint64_t>(id.result));
  mix(static_cast<uint64_t>(type.dtype));
  for (int64_t d : type.shape) mix(static_cast<uint64_t>(d));
  return h;
}

}  // namespace

Graph merge_duplicates(const Graph& graph, const PassContext&) {
  std::unordered_map<size_t, std::vector<int32_t>> seen;  // nodes of the target
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const Node& node = graph.node(index);
    if (node.is("input") || node.is("variable") || node.types.empty()) return false;
    std::vector<ValueId> inputs;
    for (const Symbol& s : rewriter.map_inputs(node)) inputs.push_back(s.id());
    if (is_commutative(node)) std::sort(inputs.begin(), inputs.end());
    std::vector<int32_t>& candidates = seen[hash_of(node.op, inputs, node.types[0])];
    for (int32_t c : candidates) {
      const Node& other = rewriter.target().node(c);
      std::vector<ValueId> others = other.inputs;
      if (is_commutative(other)) std::sort(others.begin(), others.end());
      if (other.op != node.op || others != inputs || !(other.attributes == node.attributes))
        continue;
      for (int32_t r = 0; r < static_cast<int32_t>(node.types.size()); ++r) {
        rewriter.replace({index, r}, ValueId{c, r});
      }
      return true;
    }
    rewriter.copy(index);
    candidates.push_back(rewriter.map({index, 0}).id().node);
    return true;
  });
}

}  // namespace sinter
