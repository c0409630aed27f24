#include "frontend/explain/explain.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/file_io.h"
#include "core/line.h"
#include "frontend/explain/explain_data.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "frontend/session.h"

namespace sinter {
namespace {

ExplainedGraph explained_graph(const Model& model, const ExplainOptions& options) {
  const std::shared_ptr<ModelState> state = model.state();
  const std::shared_ptr<const Compiled> compiled = state->compiled();
  ExplainedGraph result;
  result.title = model.name();
  result.kind = !options.graph.empty() ? options.graph
                : compiled != nullptr  ? "training"
                                       : "inference";
  if (result.kind != "forward" && result.kind != "inference" && result.kind != "training")
    raise_unknown_name("graph", result.kind, {"forward", "inference", "training"});
  if (options.batch < 1)
    throw Error(fmt::format("explain: batch is {}, but must be at least 1", options.batch));
  if (result.kind == "training" && compiled == nullptr) {
    throw Error(fmt::format(
        "explain: model '{}' is not compiled, so it has no training graph; it has 'inference'",
        model.name()));
  }
  const Graph forward = model.forward_graph();
  result.graph = result.kind == "training" ? model.training_graph() : forward;
  result.layers = layers_of_step(forward, result.graph);
  result.how.backend = options.backend.empty() ? state->backend() : options.backend;
  result.how.pipeline = result.kind == "training" ? "training" : "inference";
  result.how.batch = options.batch;
  result.how.cache = code_cache();
  result.how.tune = tuning();
  result.measure = options.measure;
  if (compiled != nullptr) {
    result.how.disabled_passes = compiled->arguments.disabled_passes;
    result.how.mixed_precision = compiled->arguments.mixed_precision;
    result.how.strict_precision = compiled->arguments.strict_precision;
    result.how.memory_budget = compiled->arguments.memory_budget;
  }
  return result;
}

}  // namespace

void explain(const Model& model, const std::string& path, const ExplainOptions& options,
             SourceLocation where) {
  at_line(where, [&] {
    write_file_atomically(path, explain_page(explain_data(explained_graph(model, options))));
  });
}

}  // namespace sinter
