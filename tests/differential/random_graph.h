// Random graphs of perceptron ops with bounded values, for testing backends and passes against each
// other.
#pragma once

#include <vector>

#include "core/graph.h"
#include "core/tensor.h"

namespace sinter {

struct RandomGraph {
  Graph graph{"random"};
  std::vector<Tensor> inputs;
  std::vector<Tensor> variables;
};

/// The same graph for the same seed. About half of them hold gradients, and updates of their
/// variables.
RandomGraph make_random_graph(unsigned seed, int ops);

}  // namespace sinter
