// From a wrong number to what made it wrong: the first pass, rule or kernel that breaks a graph, on
// a graph as small as it gets. `sinter bisect`.
#pragma once

#include <string>

#include "frontend/verify/shrink.h"
#include "frontend/verify/verify.h"

namespace sinter::verification {

/// What is to blame.
struct Culprit {
  std::string kind;  // "pass", "rule", "kernel", "memory plan", "gradient", "error", "unknown"
  std::string name;  // the pass; the rule; the kernel's backend; ops
  std::string detail;
  /// "rule subtract_self of pass simplify".
  std::string to_string() const;
};

/// Of a case that check() finds wrong.
Culprit find_culprit(const Case& c, const Configuration& configuration, const Verdict& verdict);

struct Bisection {
  Shrunk shrunk;
  Culprit culprit;
  int ops = 0;  // of the small graph: nodes that compute something
  /// The small case as text, which `sinter verify` repeats.
  std::string text() const;
};
/// Shrinks for so many seconds of the processor at most.
Bisection bisect(const Finding& finding, double seconds);

/// Nodes that compute something.
int count_ops(const Graph& graph);

}  // namespace sinter::verification
