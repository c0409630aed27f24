// The graphs of a model: the whole training step (forward, losses, gradients, updates, metrics),
// evaluation, prediction.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/losses.h"
#include "frontend/metrics.h"
#include "frontend/network.h"
#include "frontend/optimizers/optimizer.h"

namespace sinter {

/// What compile() has decided for one output.
struct OutputPlan {
  std::string name;
  Loss loss;
  double loss_weight = 1.0;
  std::vector<Metric> metrics;           // of all samples alike
  std::vector<Metric> weighted_metrics;  // with sample weights
  SourceLocation where = {};             // of compile(), for errors of functions
};

/// kGradients: as kTrain, but the outputs are the gradients and nothing is updated.
enum class StepMode { kTrain, kEvaluate, kGradients };

/// What a step is built for, besides the model.
struct StepInputs {
  std::vector<ValueType> labels;  // of each output that has a loss or metrics
  // Of each output, where it has sample weights: [batch], or [batch, steps ...] for values of so
  // many steps.
  std::vector<std::optional<ValueType>> weights;
};

/// The dtype of labels and weights that are numbers, for an output of that type: the output's own,
/// so that a model is trained alike whatever the session's dtype is; at least float32.
DType data_dtype(const ValueType& output);

class MetricResult;
/// The states of a model's metrics, by logged name (frontend/training/metric_results.h).
using MetricResults = std::map<std::string, std::shared_ptr<MetricResult>>;

/// A number that is logged: a mean kept as sum and count over batches.
struct LoggedMetric {
  std::string name;
  Metric metric;
  size_t output = 0;                              // the plan it belongs to
  bool weighted = false;                          // by the sample weights of that output
  std::shared_ptr<MetricResult> state = nullptr;  // in a StepGraph, where the metric has one
};

/// "loss", then "<output>_loss" of each output with a loss, where there are several losses.
std::vector<std::string> logged_losses(const std::vector<OutputPlan>& plans);

/// The metrics of all outputs under the names they are logged by, in Keras's order: the plain ones,
/// then the weighted ones. A name that is taken becomes mae_1, or weighted_mae.
std::vector<LoggedMetric> logged_metrics(const std::vector<OutputPlan>& plans);

/// Inputs of the graph: the model's inputs, labels, sample weights (where given). Outputs: "loss";
/// for several outputs
/// "<output>_loss" each; then "<metric>/total" and "<metric>/count" for each metric without a
/// state. Metrics with one update their variables.
struct StepGraph {
  Graph graph;
  std::vector<VariablePtr> variables;   // in the order of graph.variables()
  std::vector<std::string> loss_names;  // "loss", then "<output>_loss"
  std::vector<LoggedMetric> metrics;
  std::vector<VariablePtr> updated;           // variables that the step changes, of metrics too
  std::vector<std::string> without_gradient;  // losses that depend on no trainable variable
  std::vector<std::string> unused;            // paths of trainable variables no loss depends on
};

/// Labels as losses expect them when no data is at hand: integer classes for sparse losses, else
/// like the output.
StepInputs default_step_inputs(const Network& network, const std::vector<OutputPlan>& plans);

/// `optimizer` is used in mode kTrain, and must have been built for `trainable`. `disabled_passes`
/// as compile() takes them. Steps that are given the same `results` update the same variables of
/// metrics; what is missing there is made.
StepGraph build_step(const std::string& name, const Network& network,
                     const std::vector<OutputPlan>& plans, const StepInputs& inputs, StepMode mode,
                     const VariablePtr& random_state, OptimizerImpl* optimizer,
                     const std::vector<VariablePtr>& trainable,
                     const std::vector<std::string>& disabled_passes, MetricResults& results);

struct ForwardGraph {
  Graph graph;
  std::vector<VariablePtr> variables;
};
/// Inputs to outputs, in the form of training (dropout and batch_norm as ops): pipelines specialise
/// it.
ForwardGraph build_forward(const std::string& name, const Network& network,
                           const VariablePtr& random_state);

}  // namespace sinter
