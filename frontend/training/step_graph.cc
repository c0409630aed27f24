// Assembling the graphs of a model from its layers, losses, metrics and optimizer.
#include "frontend/training/step_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "frontend/compile_warnings.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "frontend/training/metric_results.h"
#include "ops/gradients.h"
#include "ops/ops.h"
#include "passes/pass.h"

namespace sinter {
namespace {

// Finds the logits behind softmax and sigmoid, so that cross entropies and their gradients are
// computed from them. It has to run before gradients() does.
constexpr const char* kLogitsPass = "stabilize_cross_entropy";

bool pass_exists(std::string_view name) {
  return std::ranges::any_of(all_passes(), [&](const Pass& p) { return p.name == name; });
}

std::vector<Symbol> add_inputs(Graph& graph, const Network& network) {
  std::vector<Symbol> xs;
  for (size_t i = 0; i < network.inputs().size(); ++i) {
    xs.push_back(graph.input(network.input_names()[i], network.inputs()[i].type()));
  }
  return xs;
}

/// As Keras: one loss among several outputs is the loss, and has no entry of its own.
bool logs_each_loss(const std::vector<OutputPlan>& plans) {
  return std::ranges::count_if(plans, [](const OutputPlan& p) { return bool(p.loss); }) > 1;
}

Symbol plus(Symbol a, Symbol b) { return a.valid() ? a + b : b; }

void add_update(Graph& graph, CallContext& context, const CallContext::Update& update,
                StepGraph& step) {
  SINTER_CHECK(context.holds(update.variable), update.variable->path);
  graph.add_update(context.variable(update.variable).id().node,
                   graph.id_of(update.value, "the new value of " + update.variable->path));
  step.updated.push_back(update.variable);
}

// Everything a step computes before gradients: the values that are logged.
class StepWriter {
 public:
  StepWriter(CallContext& context, const Network& network, const std::vector<OutputPlan>& plans,
             const StepInputs& inputs, MetricResults& results)
      : context_(context),
        graph_(context.graph()),
        network_(network),
        plans_(plans),
        inputs_(inputs),
        results_(results) {}

  void write(const std::vector<VariablePtr>& trainable, StepGraph& step, bool with_metrics) {
    const std::vector<Symbol> xs = add_inputs(graph_, network_);
    const bool several = plans_.size() > 1;
    std::vector<Symbol> ys, weights;
    for (size_t i = 0; i < plans_.size(); ++i) {
      const std::string suffix = several ? "_" + plans_[i].name : "";
      ys.push_back(graph_.input(unique("y_true" + suffix), inputs_.labels[i]));
    }
    for (size_t i = 0; i < plans_.size(); ++i) {
      weights.emplace_back();
      if (!inputs_.weights[i]) continue;
      const std::string suffix = several ? "_" + plans_[i].name : "";
      weights.back() = graph_.input(unique("sample_weight" + suffix), *inputs_.weights[i]);
    }
    const std::vector<Symbol> predictions = network_.write(context_, xs);

    Symbol total;
    std::vector<std::pair<std::string, Symbol>> losses,
        found;  // by their outputs, by their own names
    for (size_t i = 0; i < plans_.size(); ++i) {
      const OutputPlan& plan = plans_[i];
      if (!plan.loss) continue;
      const OriginScope scope(graph_, origin_at(plan.loss.name(), plan.where));
      const Symbol loss = scalar_loss(plan, ys[i], predictions[i], weights[i]);
      found.emplace_back(plan.loss.name(), loss);
      if (logs_each_loss(plans_)) losses.emplace_back(plan.name + "_loss", loss);
      total = plus(total, plan.loss_weight == 1.0 ? loss : loss * plan.loss_weight);
    }
    if (context_.training()) note_losses_without_gradient(found, trainable, step);
    for (const Symbol& extra : context_.losses(trainable)) total = plus(total, extra);
    if (!total.valid())
      throw Error("the model has no loss: name one in compile(), or add regularizers");

    output("loss", total);
    for (const auto& [name, value] : losses) output(name, value);
    step.loss_names = logged_losses(plans_);
    if (!with_metrics) return;
    step.metrics = logged_metrics(plans_);
    for (LoggedMetric& m : step.metrics) {
      write_metric(m, step, ys[m.output], predictions[m.output],
                   m.weighted ? weights[m.output] : Symbol());
    }
  }

 private:
  void note_losses_without_gradient(const std::vector<std::pair<std::string, Symbol>>& losses,
                                    const std::vector<VariablePtr>& trainable, StepGraph& step) {
    std::vector<Symbol> weights;
    for (const VariablePtr& v : trainable) {
      if (context_.holds(v)) weights.push_back(context_.variable(v));
    }
    if (weights.empty()) return;
    const std::vector<bool> with_slope = nodes_with_slope(graph_, weights);
    for (const auto& [name, loss] : losses) {
      if (!with_slope[static_cast<size_t>(graph_.id_of(loss, name).node)])
        step.without_gradient.push_back(name);
    }
  }

  std::string unique(std::string name) const {
    while (graph_.find_input(name) >= 0) name += "_";
    return name;
  }

  void output(const std::string& name, Symbol value) {
    graph_.add_output(name, graph_.id_of(value, name));
  }

  static Symbol scalar_loss(const OutputPlan& plan, Symbol y_true, Symbol y_pred, Symbol weight) {
    const Symbol loss = plan.loss.resolve(y_true.type(), y_pred.type())(y_true, y_pred, weight);
    if (!is_floating(loss.dtype())) {
      throw Error(fmt::format("loss '{}' gives {}, which has no gradient; cast it to float",
                              plan.loss.name(), loss.type().to_string()));
    }
    return loss;
  }

  void write_metric(LoggedMetric& logged, StepGraph& step, Symbol y_true, Symbol y_pred,
                    Symbol weight) {
    const Metric& metric = logged.metric;
    const OriginScope scope(graph_, origin_at(metric.name(), plans_[logged.output].where));
    if (metric.impl() != nullptr) {
      std::shared_ptr<MetricResult>& state = results_[logged.name];
      if (state == nullptr) state = std::make_shared<MetricResult>(logged.name);
      logged.state = state;
      for (const auto& u : state->write(context_, *metric.impl(), y_true, y_pred, weight))
        add_update(graph_, context_, u, step);
      return;
    }
    const Metric::State state =
        metric.resolve(y_true.type(), y_pred.type()).update(y_true, y_pred, weight);
    output(logged.name + "/total", state.total);
    output(logged.name + "/count", state.count);
  }

  CallContext& context_;
  Graph& graph_;
  const Network& network_;
  const std::vector<OutputPlan>& plans_;
  const StepInputs& inputs_;
  MetricResults& results_;
};

void add_updates(CallContext& context, StepGraph& step) {
  const std::vector<VariablePtr> changed = context.write_updates();
  step.updated.insert(step.updated.end(), changed.begin(), changed.end());
}

// The gradients as the only outputs, zeros where the loss does not depend on a variable.
void write_gradients(Graph& graph, const std::vector<VariablePtr>& variables,
                     const std::vector<Symbol>& gradients) {
  graph.clear_outputs();
  for (size_t i = 0; i < variables.size(); ++i) {
    const ValueType type = variables[i]->value.type();
    const Symbol g =
        gradients[i].valid() ? gradients[i] : graph.constant(Tensor(type.dtype, type.shape));
    graph.add_output(fmt::format("{}/gradient", i), g.id());
  }
}

}  // namespace

DType data_dtype(const ValueType& output) {
  if (!is_floating(output.dtype)) return floatx();
  return output.dtype == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

std::vector<std::string> logged_losses(const std::vector<OutputPlan>& plans) {
  std::vector<std::string> names = {"loss"};
  for (const OutputPlan& plan : plans) {
    if (plan.loss && logs_each_loss(plans)) names.push_back(plan.name + "_loss");
  }
  return names;
}

std::vector<LoggedMetric> logged_metrics(const std::vector<OutputPlan>& plans) {
  const bool several = plans.size() > 1;
  std::map<std::string, int> taken = {{"loss", 1}};
  if (logs_each_loss(plans)) {
    for (const OutputPlan& plan : plans) taken[plan.name + "_loss"] = 1;
  }
  // A repeated name is numbered; the first repetition by a weighted metric is called that instead.
  std::vector<LoggedMetric> result;
  for (const bool weighted : {false, true}) {
    for (size_t i = 0; i < plans.size(); ++i) {
      const std::string prefix = several ? plans[i].name + "_" : "";
      for (const Metric& m : weighted ? plans[i].weighted_metrics : plans[i].metrics) {
        std::string name = prefix + m.name();
        if (weighted && taken.contains(name)) name = prefix + "weighted_" + m.name();
        const std::string plain = name;
        while (taken.contains(name)) name = fmt::format("{}_{}", plain, taken[plain]++);
        taken[name] = 1;
        result.push_back({name, m, i, weighted});
      }
    }
  }
  return result;
}

StepInputs default_step_inputs(const Network& network, const std::vector<OutputPlan>& plans) {
  StepInputs inputs;
  for (size_t i = 0; i < plans.size(); ++i) {
    ValueType type = network.outputs()[i].type();
    if (plans[i].loss.takes_classes()) {
      type.dtype = DType::kInt32;
      type.shape = Shape(std::vector<int64_t>(type.shape.begin(), type.shape.end() - 1));
    }
    inputs.labels.push_back(type);
    inputs.weights.emplace_back();
  }
  return inputs;
}

StepGraph build_step(const std::string& name, const Network& network,
                     const std::vector<OutputPlan>& plans, const StepInputs& inputs, StepMode mode,
                     const VariablePtr& random_state, OptimizerImpl* optimizer,
                     const std::vector<VariablePtr>& trainable,
                     const std::vector<std::string>& disabled_passes, MetricResults& results) {
  StepGraph step;
  const bool training = mode != StepMode::kEvaluate;
  Graph forward(name);
  forward.set_origins_of_ops(true);  // of functions and layers of the user's own
  CallContext context(forward, training);
  context.set_random_state(random_state);
  StepWriter(context, network, plans, inputs, results)
      .write(trainable, step, mode != StepMode::kGradients);
  if (mode == StepMode::kTrain) context.advance_random_state();
  if (mode != StepMode::kGradients) add_updates(context, step);
  PassContext options;
  options.disabled = disabled_passes;
  Graph graph = pass_exists(kLogitsPass) ? run_pass(kLogitsPass, forward, options) : forward;

  CallContext after(graph, training);
  after.adopt(context.variables());
  if (training) {
    std::vector<Symbol> wrt;
    std::vector<size_t> index;
    for (size_t i = 0; i < trainable.size(); ++i) {
      if (!after.holds(trainable[i])) continue;  // in no path to an output
      wrt.push_back(after.variable(trainable[i]));
      index.push_back(i);
    }
    const Symbol loss(&graph, graph.outputs().front().value);
    std::vector<Symbol> all(trainable.size());
    const bool scaled = mode == StepMode::kTrain;
    const Symbol output = scaled ? optimizer->scaled_loss(loss) : loss;
    const std::vector<Symbol> found =
        gradients(std::span(&output, 1), wrt, {}, UnconnectedGradients::kNone);
    for (size_t k = 0; k < found.size(); ++k) all[index[k]] = found[k];
    for (size_t i = 0; i < all.size(); ++i) {
      if (mode == StepMode::kTrain && !all[i].valid()) step.unused.push_back(trainable[i]->path);
    }
    if (mode == StepMode::kGradients) {
      write_gradients(graph, trainable, all);
      step.loss_names.clear();
      step.metrics.clear();
    } else {
      optimizer->apply(after, all);
      add_updates(after, step);
    }
  }
  step.variables = after.variables();
  step.graph = std::move(graph);
  return step;
}

ForwardGraph build_forward(const std::string& name, const Network& network,
                           const VariablePtr& random_state) {
  ForwardGraph result;
  result.graph.set_name(name);
  result.graph.set_origins_of_ops(true);
  CallContext context(result.graph, false);
  context.set_random_state(random_state);
  const std::vector<Symbol> xs = add_inputs(result.graph, network);
  const std::vector<Symbol> ys = network.write(context, xs);
  for (size_t i = 0; i < ys.size(); ++i)
    result.graph.add_output(network.output_names()[i],
                            result.graph.id_of(ys[i], network.output_names()[i]));
  result.variables = context.variables();
  return result;
}

}  // namespace sinter
