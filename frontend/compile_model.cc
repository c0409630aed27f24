// Model::compile: which loss and metrics belong to which output, and the optimizer's state.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/counted.h"
#include "core/error.h"
#include "core/float_environment.h"
#include "frontend/compile_warnings.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "passes/pass.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

void check_output_names(const char* argument, const std::vector<std::string>& known,
                        const auto& named) {
  const std::unordered_set<std::string> names(known.begin(), known.end());
  for (const auto& [name, value] : named) {
    if (!names.contains(name)) {
      raise_unknown_name(fmt::format("output in compile({} = ...)", argument), name, known);
    }
  }
}

std::vector<Loss> losses_for(const LossArgument& argument,
                             const std::vector<std::string>& outputs) {
  if (!argument.named().empty()) {
    check_output_names("loss", outputs, argument.named());
    std::vector<Loss> result;
    for (const std::string& name : outputs) {
      const auto it = argument.named().find(name);
      result.push_back(it == argument.named().end() ? Loss() : it->second);
    }
    return result;
  }
  if (argument.list().empty()) return std::vector<Loss>(outputs.size());
  if (argument.list().size() == 1) return std::vector<Loss>(outputs.size(), argument.list()[0]);
  if (argument.list().size() != outputs.size()) {
    throw Error(fmt::format("compile: the model has {}, given {}",
                            counted(outputs.size(), "output"),
                            counted(argument.list().size(), "loss")));
  }
  return argument.list();
}

std::vector<std::vector<Metric>> metrics_for(const char* which, const MetricsArgument& argument,
                                             const std::vector<std::string>& outputs) {
  const size_t count = outputs.size();
  if (!argument.named().empty()) {
    check_output_names(which, outputs, argument.named());
    std::vector<std::vector<Metric>> result;
    for (const std::string& name : outputs) {
      const auto it = argument.named().find(name);
      result.push_back(it == argument.named().end() ? std::vector<Metric>() : it->second);
    }
    return result;
  }
  if (!argument.lists().empty()) {
    if (argument.lists().size() != count) {
      throw Error(fmt::format("compile: the model has {}, {} has {}", counted(count, "output"),
                              which, counted(argument.lists().size(), "list")));
    }
    return argument.lists();
  }
  if (argument.flat().empty()) return std::vector<std::vector<Metric>>(count);
  if (count == 1) return {argument.flat()};
  // As Keras: with several outputs a plain list holds one metric for each.
  if (argument.flat().size() != count) {
    throw Error(
        fmt::format("compile: the model has {}, so {} needs one entry for each (or a map "
                    "by output name), found {}",
                    counted(count, "output"), which, argument.flat().size()));
  }
  std::vector<std::vector<Metric>> result;
  for (const Metric& m : argument.flat()) result.push_back({m});
  return result;
}

std::vector<double> loss_weights_for(const LossWeights& argument,
                                     const std::vector<std::string>& outputs) {
  std::vector<double> result(outputs.size(), 1.0);
  check_output_names("loss_weights", outputs, argument.named());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto it = argument.named().find(outputs[i]);
    if (it != argument.named().end()) result[i] = it->second;
  }
  if (!argument.list().empty()) result = argument.list();
  if (result.size() != outputs.size()) {
    throw Error(fmt::format("compile: the model has {}, given {} loss_weights",
                            counted(outputs.size(), "output"), result.size()));
  }
  for (const double w : result) {
    if (!std::isfinite(w)) throw Error(fmt::format("compile: loss_weights holds {}", w));
  }
  return result;
}

}  // namespace

void Model::compile(CompileArguments arguments, SourceLocation where) const {
  if (!arguments.backend.empty()) {
    const std::vector<std::string> known = backend_names();
    if (std::ranges::find(known, arguments.backend) == known.end())
      raise_unknown_name("backend", arguments.backend, known, where);
  }
  at_line(where, [&] {
    check_mixed_precision(arguments.mixed_precision);
    check_memory_budget(arguments.memory_budget);
    check_pass_names(arguments.disabled_passes);
  });
  const DefaultFloatEnvironment environment;
  at_line(where, [&] { (void)*state_; });
  const std::lock_guard lock(state_->fit_mutex);
  at_line(where, [&] { state_->refuse_in_fit("compile()"); });
  const WeightsGuard guard(state_->locks());
  // What is refused leaves the model as it was.
  auto made = std::make_shared<Compiled>();
  made->arguments = std::move(arguments);
  made->where = where;
  if (state_->network) at_line(where, [&] { state_->settle(*made); });
  warn_of_cycles(made->arguments, state(), where);
  // In this order: predictions in other threads make programs for what they find.
  state_->set_compiled(std::move(made));
  state_->forget_programs();
}

void ModelState::settle(Compiled& c) const {
  const std::vector<std::string>& outputs = net().output_names();
  c.arguments.metrics = c.arguments.metrics.settled(outputs);
  c.arguments.weighted_metrics = c.arguments.weighted_metrics.settled(outputs);
  const std::vector<Loss> losses = losses_for(c.arguments.loss, outputs);
  const auto metrics = metrics_for("metrics", c.arguments.metrics, outputs);
  const auto weighted = metrics_for("weighted_metrics", c.arguments.weighted_metrics, outputs);
  const std::vector<double> weights = loss_weights_for(c.arguments.loss_weights, outputs);
  c.outputs.clear();
  for (size_t i = 0; i < outputs.size(); ++i) {
    c.outputs.push_back({outputs[i], losses[i], weights[i], metrics[i], weighted[i], c.where});
  }
  warn_of_losses(net(), c.outputs, c.where);
  c.trainable = trainable_variables();
  c.arguments.optimizer.impl().build(c.trainable);
}

std::vector<VariablePtr> ModelState::trainable_variables() const {
  return trainable ? net().trainable_variables() : std::vector<VariablePtr>();
}

void ModelState::settle_trainable() {
  const std::shared_ptr<const Compiled> before = settings("training");
  const Compiled& c = *before;
  std::vector<VariablePtr> now = trainable_variables();
  if (now == c.trainable) return;
  OptimizerImpl& optimizer = c.arguments.optimizer.impl();
  const VariablePtr steps = optimizer.iterations();
  if (steps != nullptr && optimizer.knows(c.trainable) && steps->value.at(0) > 0) {
    throw Error(fmt::format(
        "model '{}': {} trainable now, but training has begun with {}: call compile() again after "
        "set_trainable()",
        name, counted(now.size(), "weight"), c.trainable.size()));
  }
  {
    const WeightsGuard guard(locks());
    optimizer.build(now);
  }
  auto made = std::make_shared<Compiled>(c);
  made->trainable = std::move(now);
  {
    const std::lock_guard lock(compiled_mutex_);
    if (compiled_ == before) compiled_ = std::move(made);  // else compile() was called meanwhile
  }
  forget_programs();
}

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

void ModelState::claim_optimizer() {
  const std::shared_ptr<const Compiled> c = settings("training");
  OptimizerImpl& optimizer = c->arguments.optimizer.impl();
  if (optimizer.trains(c->trainable)) return;
  const WeightsGuard guard(locks());
  optimizer.build_for_steps(c->trainable);
}

bool Model::is_compiled() const { return state_->compiled() != nullptr; }
CompileArguments Model::compile_arguments(SourceLocation where) const {
  return at_line(where, [&] { return state_->settings("compile_arguments")->arguments; });
}
Optimizer Model::optimizer(SourceLocation where) const {
  return at_line(where, [&] { return state_->settings("optimizer")->arguments.optimizer; });
}
LossArgument Model::loss(SourceLocation where) const {
  return at_line(where, [&] { return state_->settings("loss")->arguments.loss; });
}
List<std::string> Model::metrics_names(SourceLocation where) const {
  return at_line(where, [&] {
    const std::shared_ptr<const Compiled> c = state_->settings("metrics_names");
    const std::vector<OutputPlan>& plans = c->outputs;
    std::vector<std::string> names = logged_losses(plans);
    for (const LoggedMetric& m : logged_metrics(plans)) names.push_back(m.name);
    return names;
  });
}

}  // namespace sinter
