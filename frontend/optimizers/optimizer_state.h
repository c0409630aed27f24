// What an optimizer keeps for each weight.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/fork.h"
#include "frontend/optimizers/optimizer.h"

namespace sinter {

struct OptimizerImpl::State {
  ForkMutex mutex;  // in_use_, iterations_, rate_ and the names of weights without decay too
  struct OfWeight {
    VariablePtr weight, average, accumulator;
    std::map<std::string, VariablePtr> slots;
  };
  std::map<const Variable*, OfWeight> made;  // for all weights that the optimizer knows
  std::map<std::string, VariablePtr> globals;
  /// Weights without decay that settings named by their paths; of settings of this process the
  /// weight, too.
  struct Named {
    std::string path;
    VariablePtr weight;
  };
  std::vector<Named> undecayed;
  std::vector<VariablePtr> undecayed_weights;
  // Of settings: places in the list of weights that the state is made for, parts of names.
  std::vector<std::string> undecayed_names;
  std::vector<int64_t> undecayed_places;
  // Of the weights of the last build():
  std::vector<VariablePtr> weights, variables;
  std::vector<const OfWeight*> of_weights;
};

}  // namespace sinter
