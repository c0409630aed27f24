#include "frontend/verify/op_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "core/kernel_ops.h"
#include "frontend/verify/rebuild.h"

namespace sinter::verification {
namespace {

bool are_alike(const Graph& graph, const Node& a, const Node& b) {
  if (a.op != b.op || a.types != b.types || a.inputs.size() != b.inputs.size() ||
      !(a.attributes == b.attributes))
    return false;
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    if (graph.type(a.inputs[i]) != graph.type(b.inputs[i])) return false;
  }
  return true;
}

}  // namespace

std::vector<Case> op_cases(const Case& c) {
  const std::map<ValueId, Tensor> values = held_values(c);
  std::vector<Case> cases;
  std::vector<const Node*> seen;
  const std::vector<bool> live = c.graph.live_nodes();
  for (int32_t i = 0; i < c.graph.size(); ++i) {
    const Node& n = c.graph.node(i);
    const auto is_real = [](const ValueType& t) { return is_floating(t.dtype); };
    if (!live[static_cast<size_t>(i)] || n.op->kind == KernelKind::kSource ||
        std::ranges::none_of(n.types, is_real) ||
        std::ranges::any_of(seen, [&](const Node* s) { return are_alike(c.graph, *s, n); }))
      continue;
    seen.push_back(&n);
    Case one;
    one.batch = c.batch;
    try {
      std::map<ValueId, ValueId> inputs;
      std::vector<ValueId> operands;
      for (const ValueId id : n.inputs) {
        const auto [at, is_new] = inputs.try_emplace(id, ValueId{});
        if (is_new) {
          at->second = one.graph.input(fmt::format("x{}", inputs.size()), c.graph.type(id)).id();
          one.inputs.push_back(values.at(id));
        }
        operands.push_back(at->second);
      }
      const int32_t made = one.graph.add_node(*n.op, operands, n.attributes, n.name, n.origin);
      for (int32_t r = 0; r < static_cast<int32_t>(n.types.size()); ++r) {
        if (is_real(n.types[static_cast<size_t>(r)]))
          one.graph.add_output(fmt::format("y{}", r), {made, r});
      }
    } catch (const std::exception&) {
      continue;  // no numbers, or an op that wants a constant there
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace sinter::verification
