// Runs the nodes of a graph as generated kernels, without passes and executables: pieces in a
// shuffled order, buffers that end at a page nobody may touch, results against the double
// reference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"

namespace sinter::testing_support {

/// Inputs for `graph`: floats in [-2, 2], small integers, bools.
std::vector<Tensor> random_inputs(const Graph& graph, unsigned seed);
/// The outputs of a static graph of kernel ops, each node by the llvm backend.
std::vector<Tensor> run_kernels(const Graph& graph, const std::vector<Tensor>& inputs,
                                unsigned seed);
/// "" when the kernels agree with the reference: floats within `tolerance` (relative to the largest
/// value), all else exactly.
std::string check_kernels(const Graph& graph, double tolerance, unsigned seed = 1);
/// The same for a graph in text form.
std::string check_kernels(std::string_view text, double tolerance, unsigned seed = 1);

}  // namespace sinter::testing_support
