// merge_duplicates: computes equal things once. Two nodes are equal when op, attributes and
// (merged) inputs are.
#include <algorithm>
#include <bit>
#include <unordered_map>

#include "core/content_hash.h"
#include "core/hash.h"
#include "core/rewriter.h"
#include "passes/passes.h"

namespace sinter {
namespace {

// Of all that is compared: many nodes may read one value, and differ in their attributes alone.
size_t hash_of(const OpRecord* op, std::span<const ValueId> inputs, const Attributes& attributes) {
  uint64_t hash = content_hash(attributes);
  hash = hash_word(hash, std::bit_cast<uintptr_t>(op));
  for (ValueId id : inputs)
    hash = hash_word(hash, static_cast<uint64_t>(id.node) << 8 | static_cast<uint64_t>(id.result));
  return hash;
}

}  // namespace

Graph merge_duplicates(const Graph& graph, const PassContext&) {
  std::vector<int32_t> first;  // for each node the first that is equal to it
  std::unordered_map<size_t, std::vector<int32_t>> seen;
  std::vector<std::vector<ValueId>> inputs;  // by those, sorted where their order does not matter
  bool found = false;
  for (int32_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    std::vector<ValueId>& own = inputs.emplace_back(node.inputs);
    for (ValueId& id : own) id.node = first[static_cast<size_t>(id.node)];
    first.push_back(i);
    if (node.is(KernelOp::kInput) || node.is(KernelOp::kVariable) || node.types.empty()) continue;
    if (node.op->commutative) std::sort(own.begin(), own.end());
    std::vector<int32_t>& candidates = seen[hash_of(node.op, own, node.attributes)];
    const auto it = std::ranges::find_if(candidates, [&](int32_t c) {
      const Node& other = graph.node(c);
      return other.op == node.op && inputs[static_cast<size_t>(c)] == own &&
             other.attributes == node.attributes;
    });
    if (it == candidates.end()) {
      candidates.push_back(i);
      continue;
    }
    first.back() = *it;
    found = true;
  }
  if (!found) return graph;
  return rewrite(graph, [&](Rewriter& rewriter, int32_t index) {
    const int32_t same = first[static_cast<size_t>(index)];
    if (same == index) return false;
    for (int32_t r = 0; r < static_cast<int32_t>(graph.node(index).types.size()); ++r)
      rewriter.replace({index, r}, rewriter.map({same, r}));
    return true;
  });
}

}  // namespace sinter
