// compile: from a symbolic graph to an Executable, through specialisation, passes, a backend for each node, kernels and memory plan.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph.h"
#include "runtime/executable.h"

namespace sinter {

struct PassStatistics;

struct CompileOptions {
  std::string backend = "auto";        // auto, reference, onednn, llvm
  std::string pipeline = "inference";  // inference, training
  int64_t batch = 1;                   // replaces the symbolic batch dimension
  std::string mixed_precision = "";     // "bfloat16": contractions multiply bfloat16 and add in float32
  std::vector<std::string> disabled_passes = {};  // names, or "all" for every optional one
  bool cache = true;                   // compiled code on disk
  bool tune = false;  // auto: measure where two backends can run a node, and keep the result in the cache
  std::vector<std::string>* remarks = nullptr;  // what rules almost matched, for the user
  /// Called after each pass with its name and the graph.
  std::function<void(std::string_view pass, const Graph&)> on_pass = {};
};

/// Raises NameError for an unknown backend, pipeline, pass or mixed precision.
std::unique_ptr<Executable> compile(const Graph& graph, const CompileOptions& options);

/// The graph after the pipeline, before kernels are made: what `sinter dump` shows.
Graph lower(const Graph& graph, const CompileOptions& options, std::vector<PassStatistics>* statistics = nullptr);

/// Runs a graph once on the reference backend, without optional passes: the truth for tests, and for constant folding.
/// Symbolic batches take the first dimension of the first input that has one.
std::vector<Tensor> evaluate_graph(const Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> variables = {});

}  // namespace sinter
