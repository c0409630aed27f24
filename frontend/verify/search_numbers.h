// Numbers for a graph, such that a run of it tells as much as it can.
#pragma once

#include <string>
#include <vector>

#include "frontend/verify/check.h"

namespace sinter::verification {

struct Numbers {
  std::vector<Case> cases;  // the same graph on several sets of inputs and variables
  size_t branches_taken = 0, branches = 0;
  double judged = 0;  // the share of results about which something can be said, of the best set
};

/// The share of its results that a run can be judged by: finite ones with sharp bounds.
double judged_share(const Expectation& expected);

/// Sets of inputs and variables of `c.graph`: finite results, and between them both sides of as
/// many selects, maxima and minima as are found in `tries`. `c.variables` are those of a model;
/// sets hold them or numbers near them. Inputs are random, those of integers small.
Numbers search_numbers(const Case& c, const Configuration& configuration, uint64_t seed, int sets,
                       int tries);

}  // namespace sinter::verification
