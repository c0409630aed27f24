// Example graphs for rules whose pattern does not say all: those with attributes or conditions on
// shapes. `$` stands for a dtype; the tests put every one of them in its place.
#pragma once

#include <string>
#include <vector>

namespace sinter::testing_support {

struct RuleSample {
  std::string pattern;  // of the rule: names need not be unique across passes
  std::string body;     // of the graph
  bool fires = true;    // for one dtype at least; false: for none
};

const std::vector<RuleSample>& rule_samples();

}  // namespace sinter::testing_support
