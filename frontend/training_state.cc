// Tensors of the optimizer are "optimizer/<path>" in a file, of weights that are frozen for now,
// too.
#include "frontend/training_state.h"

#include <fmt/format.h>

#include <unordered_set>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/interop/json.h"
#include "frontend/model_state.h"
#include "frontend/unique_names.h"

namespace sinter {
namespace {

constexpr const char* kOptimizerPrefix = "optimizer/";
/// Of the training state: places among the model's weights.
constexpr const char* kFrozenWithState = "frozen_weights_with_state";

/// Scalars of optimizers, rates and counts, which older versions kept in the session's dtype.
bool differ_in_width(const Tensor& a, const Tensor& b) {
  return a.shape().rank() == 0 && b.shape().rank() == 0 && is_floating(a.dtype()) &&
         is_floating(b.dtype());
}

}  // namespace

void adopt(const std::vector<VariablePtr>& variables,
           const std::vector<const NamedTensor*>& tensors, bool share, const std::string& owner) {
  if (variables.size() != tensors.size()) {
    throw ShapeError(fmt::format("{} has {}, the file holds {}", owner,
                                 counted(variables.size(), "weight"), tensors.size()));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i]->tensor;
    if (t.type() != variables[i]->value.type() && !differ_in_width(t, variables[i]->value)) {
      throw ShapeError(fmt::format("{}: weight '{}' is {}, but '{}' in the file is {}", owner,
                                   variables[i]->path, variables[i]->value.type().to_string(),
                                   tensors[i]->name, t.type().to_string()));
    }
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (share && tensors[i]->tensor.type() == variables[i]->value.type()) {
      variables[i]->value = tensors[i]->tensor;
      variables[i]->touch();
    } else {
      variables[i]->put(tensors[i]->tensor);
    }
  }
}

std::vector<const NamedTensor*> tensors_in(const ModelFile& file, bool of_optimizer) {
  std::vector<const NamedTensor*> weights, slots;
  bool behind = false;
  for (const NamedTensor& t : file.tensors) {
    if (t.name == kRandomState) {
      behind = true;
    } else {
      (behind ? slots : weights).push_back(&t);
    }
  }
  return of_optimizer ? slots : weights;
}

void add_training_state(ModelFile& file, const Model& model, const Compiled& compiled) {
  const ModelState& state = *model.state();
  UniqueNames taken;
  for (const NamedTensor& t : file.tensors) taken.insert(t.name);
  // After set_trainable() the optimizer's state is that of other weights, and so it is where it
  // trains another model: training starts anew.
  OptimizerImpl& optimizer = compiled.arguments.optimizer.impl();
  std::vector<VariablePtr> kept;
  ConfigList frozen;
  if (const std::vector<VariablePtr>& trained = compiled.trainable;
      state.trainable_variables() == trained && optimizer.knows(trained)) {
    optimizer.build(trained);
    // Weights that are frozen now keep their state, for when they are trained again.
    std::vector<VariablePtr> weights = trained;
    const std::unordered_set<VariablePtr> are_trained(trained.begin(), trained.end());
    const std::vector<VariablePtr> all = state.net().variables();
    for (size_t i = 0; i < all.size(); ++i) {
      if (are_trained.contains(all[i]) || !optimizer.knows({all[i]})) continue;
      weights.push_back(all[i]);
      frozen.emplace_back(static_cast<int64_t>(i));
    }
    kept = optimizer.variables_for(weights);
  }
  for (const VariablePtr& v : kept) {
    file.tensors.push_back({taken.next(std::string(kOptimizerPrefix) + v->path), v->value});
  }
  Config numbers = {{"shuffle_seed", state.shuffle_seed}, {"epochs_done", state.epochs_done}};
  if (!frozen.empty()) numbers.set(kFrozenWithState, frozen);
  file.training_state = to_json_text(numbers);
}

void restore_training(const Model& model, const ModelFile& file,
                      const std::vector<const NamedTensor*>& slots, const std::string& path) {
  const ConfigValue json =
      parse_json(file.training_state, fmt::format("the training state in '{}'", path));
  const Config* config = json.as<Config>();
  if (config == nullptr)
    throw FileError(fmt::format("cannot load '{}': its training state is no dictionary", path));
  ModelState& state = *model.state();
  state.shuffle_seed = config->get_int("shuffle_seed", state.shuffle_seed);
  state.epochs_done = config->get_int("epochs_done", 0);
  if (slots.empty()) return;  // saved before the first step
  OptimizerImpl& optimizer = model.state()->settings("load_model")->arguments.optimizer.impl();
  const std::vector<VariablePtr> trained = state.trainable_variables();
  std::vector<VariablePtr> weights = trained;
  const std::vector<VariablePtr> all = state.net().variables();
  std::unordered_set<VariablePtr> known(trained.begin(), trained.end());
  for (const int64_t place : config->get_ints(kFrozenWithState, {})) {
    if (place < 0 || place >= static_cast<int64_t>(all.size()) ||
        !known.insert(all[static_cast<size_t>(place)]).second)
      throw FileError(fmt::format("cannot load '{}': it holds training state of weight {} of {}",
                                  path, place, all.size()));
    weights.push_back(all[static_cast<size_t>(place)]);
  }
  optimizer.build(weights);
  adopt(optimizer.variables(), slots, true, "optimizer '" + optimizer.name() + "'");
  optimizer.build(trained);
}

}  // namespace sinter
