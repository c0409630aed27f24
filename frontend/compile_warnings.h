// What compile() warns of: combinations that train, but hardly as meant.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/compile_arguments.h"
#include "frontend/network.h"
#include "frontend/training/step_graph.h"

namespace sinter {

struct ModelState;

/// Warns of a cross entropy of classes on one unit, of from_logits on an output that softmax or
/// sigmoid has made probabilities of, and of a cross entropy without from_logits on an output of
/// other numbers.
void warn_of_losses(const Network& network, const std::vector<OutputPlan>& plans,
                    SourceLocation where);
/// Warns of a loss, a metric or a schedule of the user's that has captured the model which it is
/// compiled into: it is part of what the model holds, so neither would ever be freed.
void warn_of_cycles(const CompileArguments& arguments, const std::shared_ptr<ModelState>& model,
                    SourceLocation where);
/// Warns once of weights, named by their paths, that no loss depends on, as Keras does: they have
/// no gradient, so training leaves them as they are.
void warn_of_unused_weights(const std::vector<std::string>& paths, SourceLocation where);
/// Warns of training a model of which no weight is trainable.
void warn_of_frozen_model(const std::string& model, SourceLocation where);
/// Warns of a softmax over one value, which is always 1, in what a layer has written.
void warn_of_softmax(const Graph& graph, const std::string& layer_title);
/// Of each node: does it depend on a variable by a way that has a derivative? Comparisons, argmax,
/// rounding and stop_gradient have none.
std::vector<bool> nodes_with_slope(const Graph& graph, const std::vector<Symbol>& variables);

}  // namespace sinter
