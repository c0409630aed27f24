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

struct CompileOptions {
  std::string backend = "auto";        // auto, reference, onednn, llvm
  std::string pipeline = "inference";  // inference, training
  int64_t batch = 1;                   // replaces the symbolic batch dimension
  std::vector<std::string> disabled_passes;  // names, or "all" for every optional one
  bool cache = true;                   // compiled code on disk
  /// Called after each pass with its name and the graph.
  std::function<void(std::string_view pass, const Graph&)> on_pass;
};

/// Raises NameError for an unknown backend, pipeline or pass.
std::unique_ptr<Executable> compile(const Graph& graph, const CompileOptions& options);

/// For graphs that are lowered already (an exported inference file): needs no passes and no ops. In executor, not in compile.cc.
std::unique_ptr<Executable> load_executable(const Graph& lowered, const CompileOptions& options);

/// The names accepted as CompileOptions::backend that this build has.
std::vector<std::string> backend_names();

/// Runs a graph without state once on the reference backend: used for constant folding and tests.
std::vector<Tensor> evaluate_graph(const Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> variables = {});

}  // namespace sinter
