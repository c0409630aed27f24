// Checks of losses against outputs, and of what depends on what.
#include "frontend/compile_warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/graph.h"
#include "core/warning.h"
#include "frontend/layer_call.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "ops/gradients.h"
#include "ops/ops.h"

namespace sinter {
namespace {

/// The op that makes an output: the layer is written once more, alone.
std::string op_of(const KerasTensor& output) {
  Graph scratch("scratch");
  CallContext context(scratch, false);
  context.set_random_state(make_random_state());
  std::vector<Symbol> inputs;
  const LayerCall& call = *output.call();
  if (call.inputs.empty()) return "";
  for (const KerasTensor& x : call.inputs)
    inputs.push_back(scratch.input(fmt::format("x{}", inputs.size()), x.type()));
  const std::vector<Symbol> results = call.layer->apply(context, inputs, call.origin);
  return scratch.node(results[static_cast<size_t>(output.index())].id()).op->name;
}

bool takes_logits(const Loss& loss) {
  const ConfigValue identity = loss.to_config();
  const ConfigObject* object = identity.as<ConfigObject>();
  return object != nullptr && object->config.get_bool("from_logits", false);
}

/// Ops whose results are no probabilities: a product of a layer without activation, and activations
/// that leave [0, 1].
bool leaves_probabilities(std::string_view op) {
  for (const char* wide :
       {"dense", "matmul", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu",
        "mish", "tanh", "softplus", "softsign", "hard_tanh", "log_softmax", "log_sigmoid"}) {
    if (op == wide) return true;
  }
  return false;
}

/// "loss 'binary_crossentropy' takes probabilities": what to do where it is given other numbers.
std::string probabilities_advice(const Loss& loss, std::string_view op, int64_t units) {
  const bool binary = loss.name().starts_with("binary") || units == 1;
  return fmt::format(
      " takes probabilities, but the output comes from {}, which gives other numbers too: end the "
      "model with {}, or {} from_logits = true",
      op == "dense" || op == "matmul" ? "a product without an activation" : fmt::format("'{}'", op),
      binary ? "sigmoid" : "softmax",
      op == "dense" || op == "matmul" ? "give the loss as an object with"
                                      : "leave the activation out and give the loss as an object "
                                        "with");
}

/// Whether the function that `settings` name has a copy of the model's handle. Others may come and
/// go in other threads.
bool holds(const ConfigValue& settings, const std::shared_ptr<ModelState>& model) {
  const std::shared_ptr<const OwnFunction>& function = settings.told();
  for (int tries = 0; function != nullptr && tries < 3; ++tries) {
    const long before = model.use_count();
    const std::unique_ptr<OwnFunction> copy = function->copy();
    if (model.use_count() <= before) return false;
  }
  return function != nullptr;
}

std::vector<Loss> all_of(const LossArgument& losses) {
  std::vector<Loss> all = losses.list();
  for (const auto& [output, loss] : losses.named()) all.push_back(loss);
  return all;
}

std::vector<Metric> all_of(const MetricsArgument& metrics) {
  std::vector<Metric> all = metrics.flat();
  const auto add = [&](const std::vector<Metric>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  for (const std::vector<Metric>& list : metrics.lists()) add(list);
  for (const auto& [output, list] : metrics.named()) add(list);
  return all;
}

/// Each text once.
void tell(const std::string& text) { warn_once(text, text); }

}  // namespace

void warn_of_losses(const Network& network, const std::vector<OutputPlan>& plans,
                    SourceLocation where) {
  for (size_t i = 0; i < plans.size(); ++i) {
    const Loss& loss = plans[i].loss;
    if (!loss || loss.is_custom()) continue;
    const KerasTensor& output = network.outputs()[i];
    const std::string of = with_line(where, fmt::format("loss '{}' at output {}", loss.name(),
                                                        output.call()->origin->to_string()));
    const bool of_classes = loss.name().find("categorical_") != std::string::npos &&
                            loss.name().find("crossentropy") != std::string::npos;
    if (of_classes && output.shape().rank() > 1 && output.shape().dim(-1) == 1) {
      tell(of +
           " of one unit: with a single class nothing is learnt; for two classes use "
           "'binary_crossentropy' with a sigmoid");
    }
    if (loss.name().find("crossentropy") == std::string::npos) continue;
    const std::string op = op_of(output);
    if (!takes_logits(loss)) {
      if (leaves_probabilities(op))
        tell(of + probabilities_advice(loss, op, output.shape().dim(-1)));
      continue;
    }
    if (op == "softmax" || op == "sigmoid") {
      tell(
          fmt::format("{} has from_logits = true, but the output comes from a {} and holds "
                      "probabilities; leave out one of the two",
                      of, op));
    }
  }
}

void warn_of_cycles(const CompileArguments& arguments, const std::shared_ptr<ModelState>& model,
                    SourceLocation where) {
  const auto look = [&](const std::string& what, const ConfigValue& settings) {
    if (!holds(settings, model)) return;
    tell(with_line(where, fmt::format("{} has captured the model that it is compiled into, which "
                                      "holds it: neither will ever be freed. Capture the model by "
                                      "reference, or the layers and weights that are needed",
                                      what)));
  };
  for (const Loss& loss : all_of(arguments.loss)) {
    if (loss) look(fmt::format("loss '{}'", loss.name()), loss.to_config());
  }
  for (const MetricsArgument* metrics : {&arguments.metrics, &arguments.weighted_metrics}) {
    for (const Metric& metric : all_of(*metrics))
      look(fmt::format("metric '{}'", metric.name()), metric.to_config());
  }
  const ConfigValue optimizer = arguments.optimizer.to_config();
  look("the learning rate's schedule", optimizer.as<ConfigObject>()->config.get("learning_rate"));
}

void warn_of_unused_weights(const std::vector<std::string>& paths, SourceLocation where) {
  if (paths.empty()) return;
  tell(with_line(where, fmt::format("gradients do not exist for the weights {}: no loss depends on "
                                    "them, so training leaves them as they are; does an output "
                                    "lack its loss in compile()?",
                                    fmt::join(paths, ", "))));
}

void warn_of_frozen_model(const std::string& model, SourceLocation where) {
  tell(with_line(
      where, fmt::format("model '{}' has no trainable weights: training leaves them as they are, "
                         "also where compile() came before set_trainable(false)",
                         model)));
}

void warn_of_softmax(const Graph& graph, const std::string& layer_title) {
  for (const Node& node : graph.nodes()) {
    if (!node.is("softmax")) continue;
    const Shape& shape = graph.type(node.inputs[0]).shape;
    const int axis = axis_of(node.attributes);
    if (shape[axis] == 1) {
      tell(
          fmt::format("{}: softmax over one value is always 1; for two classes use one unit "
                      "with sigmoid, or two with softmax",
                      layer_title));
    }
  }
}

std::vector<bool> nodes_with_slope(const Graph& graph, const std::vector<Symbol>& variables) {
  std::vector<bool> result(static_cast<size_t>(graph.size()));
  for (const Symbol& v : variables) result[static_cast<size_t>(v.id().node)] = true;
  for (int32_t i = 0; i < graph.size(); ++i) {
    if (has_no_slope(graph.node(i).op->name)) continue;
    for (const ValueId input : graph.node(i).inputs) {
      if (result[static_cast<size_t>(input.node)] && is_floating(graph.type(input).dtype))
        result[static_cast<size_t>(i)] = true;
    }
  }
  return result;
}

}  // namespace sinter
