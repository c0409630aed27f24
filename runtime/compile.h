// compile: from a symbolic graph to an Executable, through specialisation, passes, a backend for
// each node, kernels and memory plan.
#pragma once

#include <memory>
#include <vector>

#include "core/graph.h"
#include "runtime/compile_options.h"
#include "runtime/executable.h"

namespace sinter {

struct PassStatistics;
struct BackendList;

/// Raises NameError unless `name` is "" or "bfloat16".
void check_mixed_precision(const std::string& name);
/// Raises Error for fewer bytes than 0.
void check_memory_budget(int64_t bytes);

/// Raises NameError for an unknown backend, pipeline, pass or mixed precision.
std::unique_ptr<Executable> compile(const Graph& graph, const CompileOptions& options);
/// What it would run, on the backends of the list alone.
Program compile_program(const Graph& graph, const CompileOptions& options, const BackendList& list);

/// What compile() would run, whether the memory for it is there or not: none of it is allocated,
/// and its kernels have no code. Raises the same.
Program plan_program(const Graph& graph, const CompileOptions& options);

/// The graph after the pipeline, before kernels are made: what `sinter dump` shows.
Graph lower(const Graph& graph, const CompileOptions& options,
            std::vector<PassStatistics>* statistics = nullptr);

/// Runs a graph once on the reference backend, without optional passes: the truth for tests, and
/// for constant folding. Symbolic batches take the first dimension of the first input that has one.
std::vector<Tensor> evaluate_graph(const Graph& graph, std::span<const Tensor> inputs,
                                   std::span<const Tensor> variables = {});

}  // namespace sinter
