// Running a graph with its gradients on a backend.
#pragma once

#include <string>
#include <vector>

#include "core/graph.h"
#include "core/tensor.h"
#include "runtime/compile.h"

namespace sinter::contract {

/// The outputs; without `passes` only those that backends need have run.
inline std::vector<Tensor> run(const Graph& graph, const std::string& backend,
                               const std::vector<Tensor>& in, bool passes = true) {
  CompileOptions options;
  options.backend = backend;
  options.pipeline = "training";
  if (!passes) options.disabled_passes = {"all"};
  return compile(graph, options)->run(in);
}

}  // namespace sinter::contract
