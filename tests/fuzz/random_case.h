// Random graphs, legal by construction, and data for them.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "core/graph.h"
#include "frontend/verify/check.h"
#include "frontend/verify/random_values.h"

namespace sinter::fuzz {

using namespace verification;

struct Sizes {
  int64_t elements = 300;    // of a value, at most
  int steps = 20;            // ops and groups of ops, at most
  bool floats_only = false;  // of sources and casts float32 and float64, arithmetic on nothing else
  double views = 0.12;       // the share of steps that make values which are read where they lie
  double windows = 0.06;     // and of those that make convolutional layers
};

/// For one seed in forty large enough for several threads and deep products, for some odd ones
/// larger still, or with many more ops; else `sizes`.
Sizes sizes_of(uint64_t seed, Sizes sizes = {});

struct RandomCase {
  Case c;
  /// What building the graph raised that it should not have; the graph is as it was then.
  std::string fault;
};

/// The same case for the same seed. Most have inputs for which most values are finite; extreme
/// values are among the data of some.
RandomCase random_case(uint64_t seed, const Sizes& sizes);
/// One of the ways to run a graph, for the same seed the same. `backends` as in Configuration.
Configuration random_configuration(uint64_t seed, const std::vector<std::string>& backends);

/// Which of the case's variables the graph calls so.
size_t variable_index(const Case& c, std::string_view name);

/// How many seeds, or from which on: what the environment says, as a campaign does.
int64_t campaign_number(const char* variable, int64_t otherwise);

/// The ops of the registry that random graphs hold, besides those of kind source; each is there
/// because it is elementwise or because somebody wrote how to make one (op_makers.cc).
bool can_make(const OpRecord& op);

}  // namespace sinter::fuzz
