// Smaller cases of a case: some outputs dropped, values cut off from what they are made of, nodes
// left out, dimensions changed.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "frontend/verify/check.h"

namespace sinter::verification {

/// Every change is a rebuild: node by node, with some values replaced and some shapes changed.
struct Change {
  std::map<ValueId, ValueId> replaced;  // by an earlier value of the same graph
  std::map<ValueId, Tensor> cut;        // become inputs with this value
  std::set<size_t> dropped_outputs, dropped_updates;
  std::map<size_t, ValueId> given_instead;  // of outputs: another value of the graph
  bool updates_are_outputs = false;         // what variables would become is given out
  std::map<int64_t, int64_t> sizes;         // of dimensions
};

/// The case after the change, without nodes that nothing needs; nothing where it would not be
/// legal.
std::optional<Case> rebuilt(const Case& c, const Change& change);

/// What each value of the graph holds, by the double reference; empty where that cannot be said.
std::map<ValueId, Tensor> held_values(const Case& c);

}  // namespace sinter::verification
