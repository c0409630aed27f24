#include "frontend/training/training_step.h"

#include "frontend/model_state.h"
#include "frontend/weights_lock.h"

namespace sinter {

StepGraph training_step(ModelState& state, const char* call) {
  state.settings(call);
  state.settle_trainable();
  const std::shared_ptr<const Compiled> settled = state.settings(call);
  const Compiled& c = *settled;
  OptimizerImpl& optimizer = c.arguments.optimizer.impl();
  {
    const WeightsGuard guard(state.locks());
    optimizer.build(c.trainable);
  }
  MetricResults results;
  return build_step(state.name, state.net(), c.outputs, default_step_inputs(state.net(), c.outputs),
                    StepMode::kTrain, state.random_state, &optimizer, c.trainable,
                    c.arguments.disabled_passes, results);
}

}  // namespace sinter
