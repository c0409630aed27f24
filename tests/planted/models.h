// Graphs that between them have every part of which a fault is planted.
#pragma once

#include <string>
#include <vector>

#include "frontend/verify/verify.h"

namespace sinter::planted_bugs {

struct NamedGraph {
  std::string name;
  verification::Case c;
  verification::VerifyOptions how;
};
/// All of that name: the training graph and the forward graph of a model, or one that is written
/// op by op. Raises std::runtime_error where there is none.
std::vector<NamedGraph> graphs_named(const std::string& name);
std::vector<std::string> graph_names();

}  // namespace sinter::planted_bugs
