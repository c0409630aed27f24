#include "frontend/verify/model_cases.h"

#include "frontend/model_state.h"
#include "frontend/training/step_graph.h"

namespace sinter::verification {
namespace {

Case with_variables(Graph graph, const std::vector<VariablePtr>& variables, int64_t batch) {
  Case c;
  c.graph = std::move(graph);
  c.batch = batch;
  for (const VariablePtr& v : variables) c.variables.push_back(v->value.clone());
  return c;
}

}  // namespace

Case training_case(const Model& model, int64_t batch) {
  StepGraph step = training_step(*model.state(), "verify");
  return with_variables(std::move(step.graph), step.variables, batch);
}

Case forward_case(const Model& model, int64_t batch) {
  const std::shared_ptr<ModelState> state = model.state();
  ForwardGraph forward = build_forward(state->name, state->net(), state->random_state);
  return with_variables(std::move(forward.graph), forward.variables, batch);
}

}  // namespace sinter::verification
