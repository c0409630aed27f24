// The one place where runtime meets ops and passes.
#include "runtime/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/independent_rows.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile_need.h"
#include "runtime/load.h"

namespace sinter {
namespace {

// Constants are folded on the reference backend, without optional passes.
std::vector<Tensor> evaluate_constants(const Graph& graph) { return evaluate_graph(graph, {}); }

// The symbolic batch dimension, read off the first input that has one.
std::optional<int64_t> batch_of(const Graph& graph, std::span<const Tensor> inputs) {
  for (size_t i = 0; i < graph.inputs().size() && i < inputs.size(); ++i) {
    const Shape& shape = graph.type({graph.inputs()[i], 0}).shape;
    for (int d = 0; d < shape.rank() && d < inputs[i].shape().rank(); ++d) {
      if (shape[d] == kBatch) return inputs[i].shape()[d];
    }
  }
  return std::nullopt;
}

}  // namespace

void check_mixed_precision(const std::string& name) {
  if (!name.empty() && name != "bfloat16")
    raise_unknown_name("mixed precision", name, {"bfloat16"});
}

void check_memory_budget(int64_t bytes) {
  if (bytes < 0) throw Error(fmt::format("memory_budget is {}, but must be at least 0", bytes));
}

namespace {

// Composites that no backend gets whole: a dense layer of lower precision, so that its product can
// be found; a convolution of strict precision, since primitives leave out products of the padding,
// which are NaN where weights are not finite.
std::vector<std::string_view> taken_apart(const CompileOptions& options) {
  std::vector<std::string_view> names;
  if (!options.mixed_precision.empty()) names.push_back("dense");
  if (options.strict_precision)
    names.insert(names.end(),
                 {"convolution", "convolution_input_gradient", "convolution_kernel_gradient"});
  return names;
}

Graph lower_for(const BackendList& list, const Graph& graph, const CompileOptions& options,
                std::vector<PassStatistics>* statistics) {
  const DefaultFloatEnvironment environment;
  register_ops();
  Target target = target_of(options.backend, list);
  check_mixed_precision(options.mixed_precision);
  target.claims = [claims = std::move(target.claims), apart = taken_apart(options)](const Graph& g,
                                                                                    int32_t node) {
    return std::ranges::find(apart, g.node(node).op->name) == apart.end() && claims(g, node);
  };
  PassContext context;
  context.mixed_precision = options.mixed_precision;
  context.target = &target;
  context.evaluate = evaluate_constants;
  context.memory_budget = options.memory_budget;
  context.run_need = [&](const Graph& lowered) { return plan_run_need(lowered, options, list); };
  context.disabled = options.disabled_passes;
  context.on_pass = options.on_pass;
  context.remarks = options.remarks;
  return run_pipeline(find_pipeline(options.pipeline),
                      has_symbolic_batch(graph) ? specialize(graph, options.batch) : graph, context,
                      statistics);
}

}  // namespace

Graph lower(const Graph& graph, const CompileOptions& options,
            std::vector<PassStatistics>* statistics) {
  return lower_for(list_backends(), graph, options, statistics);
}

namespace {

Program program_of(const BackendList& list, const Graph& graph, CompileOptions options,
                   bool within_limit) {
  options.as_built = &graph;
  BatchParts parts;
  if (has_symbolic_batch(graph)) {
    parts.lowered_for = [&](int64_t rows) {
      CompileOptions of_rows = options;  // whose passes have been told of already
      of_rows.batch = rows;
      of_rows.remarks = nullptr;
      of_rows.on_pass = {};
      return lower_for(list, graph, of_rows, nullptr);
    };
    parts.rows_are_independent = [&] {
      return graph.updates().empty() && all_outputs_have_rows(graph) &&
             has_independent_rows(in_kernel_ops(graph, options.pipeline), RowNumbers::kRefused);
    };
  }
  return load_program(lower_for(list, graph, options, nullptr), options, list, parts, within_limit);
}

}  // namespace

std::unique_ptr<Executable> compile(const Graph& graph, const CompileOptions& options) {
  return std::make_unique<Executable>(program_of(list_backends(), graph, options, true));
}

Program plan_program(const Graph& graph, const CompileOptions& options) {
  CompileOptions planned = options;
  planned.code = false;
  return program_of(list_backends(), graph, planned, false);
}

Program compile_program(const Graph& graph, const CompileOptions& options,
                        const BackendList& list) {
  return program_of(list, graph, options, true);
}

std::vector<Tensor> evaluate_graph(const Graph& graph, std::span<const Tensor> inputs,
                                   std::span<const Tensor> variables) {
  CompileOptions options;
  options.backend = "reference";
  options.pipeline = "training";
  options.disabled_passes = {"all"};
  options.cache = false;
  if (const std::optional<int64_t> batch = batch_of(graph, inputs)) options.batch = *batch;
  const std::unique_ptr<Executable> executable = compile(graph, options);
  std::vector<Tensor> copies;
  for (const Tensor& v : variables) copies.push_back(v.clone());
  executable->bind(std::move(copies));
  return executable->run(inputs);
}

}  // namespace sinter
