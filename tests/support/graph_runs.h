// Running graphs on random data: what tests that compare a graph before and after a change are made
// of.
#pragma once

#include <string>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"

namespace sinter::testing_support {

/// The graph with each updated variable's new value as a further output, and no updates.
Graph with_updates_as_outputs(const Graph& graph);
/// Values for the inputs and variables of a static graph: floats in [low, high], small integers,
/// the random state {seed, 3}.
struct Feeds {
  std::vector<Tensor> inputs, variables;
};
Feeds random_feeds(const Graph& graph, unsigned seed, double low = 0.1, double high = 1.5);
/// Outputs and new values of variables, on the reference backend without optional passes.
std::vector<Tensor> run_reference(const Graph& graph, const Feeds& feeds);
/// "" when equal up to `tolerance` (absolute and relative), otherwise what differs first. 0: the
/// same bits, but for the payload of NaN.
std::string compare(const std::vector<Tensor>& got, const std::vector<Tensor>& want,
                    double tolerance);

}  // namespace sinter::testing_support
