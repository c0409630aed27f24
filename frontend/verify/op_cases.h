// The ops of a graph, each as a graph of its own.
#pragma once

#include <vector>

#include "frontend/verify/check.h"

namespace sinter::verification {

/// One case for each op with floating results that is unlike the others (in op, attributes, types):
/// its operands are inputs, which hold what they hold in the graph.
std::vector<Case> op_cases(const Case& c);

}  // namespace sinter::verification
