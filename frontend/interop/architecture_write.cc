// Writes Keras 3's form. The nodes of a layer are its calls within this model, counted anew. A
// layer that stands in several models, inner ones included, has the same "shared_object_id" in
// each, as Keras writes them; an inner model is written out where it comes first.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "frontend/interop/architecture.h"
#include "frontend/interop/json.h"
#include "frontend/layer_call.h"
#include "frontend/layers/input.h"
#include "frontend/layers/model_layer.h"
#include "frontend/layers/operation.h"
#include "frontend/model_state.h"
#include "frontend/own_names.h"

namespace sinter {
namespace {

ConfigValue shape_of(const Shape& shape) {
  ConfigList dims;
  for (int64_t d : shape) dims.push_back(d == kBatch ? ConfigValue() : ConfigValue(d));
  return dims;
}

/// The calls that the outputs depend on, by layer, in the order they were made.
class Calls {
 public:
  explicit Calls(const Architecture& architecture) {
    std::vector<const LayerCall*> open;
    std::set<const LayerCall*> seen;
    const auto visit = [&](const KerasTensor& t) {
      if (seen.insert(t.call().get()).second) open.push_back(t.call().get());
    };
    for (const KerasTensor& t : architecture.inputs) visit(t);
    for (const KerasTensor& t : architecture.outputs) visit(t);
    while (!open.empty()) {
      const LayerCall* call = open.back();
      open.pop_back();
      calls_[call->layer.get()].push_back(call);
      for (const KerasTensor& t : call->inputs) visit(t);
    }
    for (auto& [layer, list] : calls_) std::ranges::sort(list, {}, &LayerCall::index);
  }

  const std::vector<const LayerCall*>& of(const Layer& layer) const {
    static const std::vector<const LayerCall*> none;
    const auto it = calls_.find(&layer.impl());
    return it == calls_.end() ? none : it->second;
  }

  /// [layer, node, tensor].
  ConfigList history(const KerasTensor& t) const {
    const auto& list = calls_.at(t.call()->layer.get());
    const auto node = std::ranges::find(list, t.call().get()) - list.begin();
    return {t.call()->layer->name(), static_cast<int64_t>(node), static_cast<int64_t>(t.index())};
  }

 private:
  std::map<const LayerImpl*, std::vector<const LayerCall*>> calls_;
};

Config tensor_config(const Calls& calls, const KerasTensor& t) {
  return {{"class_name", "__keras_tensor__"},
          {"config", Config{{"shape", shape_of(t.shape())},
                            {"dtype", std::string(dtype_name(t.dtype()))},
                            {"keras_history", calls.history(t)}}}};
}

/// The arguments of an operation, with the tensors of this call where tensors stand.
ConfigValue with_tensors(const ConfigValue& value, const ConfigList& tensors, size_t& next) {
  if (OperationImpl::is_tensor_argument(value)) return tensors.at(next++);
  const ConfigList* list = value.as<ConfigList>();
  if (list == nullptr) return value;
  ConfigList result;
  for (const ConfigValue& v : *list) result.push_back(with_tensors(v, tensors, next));
  return result;
}

ConfigList inbound_nodes(const Calls& calls, const Layer& layer) {
  const auto* operation = dynamic_cast<const OperationImpl*>(&layer.impl());
  ConfigList nodes;
  for (const LayerCall* call : calls.of(layer)) {
    if (call->inputs.empty()) continue;
    ConfigList tensors;
    for (const KerasTensor& t : call->inputs) tensors.emplace_back(tensor_config(calls, t));
    // Keras calls merge layers with one list, also of one tensor; all others with one tensor.
    ConfigValue args = ConfigList{tensors.size() == 1 ? tensors[0] : ConfigValue(tensors)};
    if (size_t next = 0; operation != nullptr)
      args = with_tensors(operation->arguments(), tensors, next);
    nodes.emplace_back(Config{{"args", args}, {"kwargs", Config()}});
  }
  return nodes;
}

std::string title_of(const LayerImpl& layer) {
  return fmt::format("{} {}", layer.class_name(), layer.origin()->to_string());
}
std::string title_of(const Layer& layer) { return title_of(layer.impl()); }

[[noreturn]] void raise_two_owners(const Variable& weight, const LayerImpl& one,
                                   const LayerImpl& other) {
  throw Error(fmt::format(
      "weight '{}' is one of {} and of {}: files and clones make each layer of its own settings, "
      "and would have two weights. Call the layer that has it in one of them, or as a layer of the "
      "model alone",
      weight.path, title_of(one), title_of(other)));
}

/// Settings that older releases of Keras 3 do not know are written only where they say something.
Config settings_of(const Layer& layer, OwnNames& names) {
  const Config config = layer.config();
  names.add(title_of(layer), config);
  Config result;
  for (const ConfigEntry& entry : config.entries()) {
    if (entry.key == "activity_regularizer" && entry.value.is_null()) continue;
    result.set(entry.key, without_objects(entry.value));
  }
  return result;
}

/// The layers of a model and of those in it, each once, in the order of the file; in how many of
/// the models each stands.
std::vector<const LayerImpl*> layers_within(const Architecture& top,
                                            std::map<const LayerImpl*, int>& models) {
  std::vector<std::vector<Layer>> open = {top.layers};
  std::vector<const LayerImpl*> order;
  while (!open.empty()) {
    const std::vector<Layer> layers = std::move(open.back());
    open.pop_back();
    for (const Layer& layer : layers) {
      if (dynamic_cast<const InputLayerImpl*>(&layer.impl()) != nullptr) continue;
      if (++models[&layer.impl()] > 1) continue;
      order.push_back(&layer.impl());
      if (const auto* nested = dynamic_cast<const ModelLayerImpl*>(&layer.impl()))
        open.push_back(nested->model().layers());
    }
  }
  return order;
}

// What the models of a file have in common: layers that stand in more than one, numbered in the
// order of the file, and names.
class Shared {
 public:
  explicit Shared(const Architecture& top) {
    std::map<const LayerImpl*, int> models;
    for (const LayerImpl* layer : layers_within(top, models)) {
      if (models[layer] > 1) ids_.emplace(layer, static_cast<int64_t>(ids_.size()));
    }
  }

  const int64_t* id_of(const LayerImpl& layer) const {
    const auto it = ids_.find(&layer);
    return it == ids_.end() ? nullptr : &it->second;
  }
  bool is_written(const LayerImpl& layer) { return !written_.insert(&layer).second; }
  OwnNames& names() { return names_; }

 private:
  OwnNames names_;
  std::map<const LayerImpl*, int64_t> ids_;
  std::set<const LayerImpl*> written_;
};

Config model_to_config(const Architecture& architecture, Shared& shared);

Config nested_to_config(const Layer& layer, const Model& model, Shared& shared) {
  // A model as a layer is written as a model: it has an architecture of its own.
  if (!shared.is_written(layer.impl())) {
    return model_to_config(architecture_of(model), shared);
  }
  return {{"class_name", layer.class_name()}, {"config", Config{{"name", layer.name()}}}};
}

Config layer_to_config(const Layer& layer, Shared& shared) {
  if (const auto* nested = dynamic_cast<const ModelLayerImpl*>(&layer.impl())) {
    Config result = nested_to_config(layer, nested->model(), shared);
    if (const int64_t* id = shared.id_of(layer.impl())) result.set("shared_object_id", *id);
    return result;
  }
  const std::string& registered = layer.class_name();
  const size_t package = registered.find('>');
  const bool own = package != std::string::npos;
  if (const auto* operation = dynamic_cast<const OperationImpl*>(&layer.impl())) {
    return {{"module", operation->module()},
            {"class_name", registered},
            {"config", without_objects(operation->config())},
            {"registered_name", registered}};
  }
  shared.names().add_class(title_of(layer), layer.impl());
  Config result{{"module", own ? ConfigValue() : ConfigValue("keras.layers")},
                {"class_name", own ? registered.substr(package + 1) : registered},
                {"config", settings_of(layer, shared.names())},
                {"registered_name", own ? ConfigValue(registered) : ConfigValue()}};
  const std::vector<ValueType>& types = layer.impl().build_types();
  if (!types.empty()) {
    ConfigList shapes;
    for (const ValueType& t : types) shapes.push_back(shape_of(t.shape));
    result.set("build_config",
               Config{{"input_shape", types.size() == 1 ? shapes[0] : ConfigValue(shapes)}});
  }
  if (const std::vector<bool> members = layer.impl().members_trainable(); !members.empty()) {
    ConfigList trainable;
    for (const bool member : members) trainable.emplace_back(member);
    result.set("members_trainable", std::move(trainable));
  }
  if (const int64_t* id = shared.id_of(layer.impl())) result.set("shared_object_id", *id);
  return result;
}

/// One tensor as ["x", 0, 0], several as a list of those.
ConfigValue histories(const Calls& calls, const std::vector<KerasTensor>& tensors) {
  if (tensors.size() == 1) return calls.history(tensors[0]);
  ConfigList result;
  for (const KerasTensor& t : tensors) result.emplace_back(calls.history(t));
  return result;
}

Config functional_to_config(const Architecture& a, Shared& shared) {
  const Calls calls(a);
  ConfigList layers;
  for (const Layer& layer : a.layers) {
    Config entry = layer_to_config(layer, shared);
    entry.set("name", layer.name()).set("inbound_nodes", inbound_nodes(calls, layer));
    layers.emplace_back(std::move(entry));
  }
  return {{"module", "keras.src.models.functional"},
          {"class_name", "Functional"},
          {"config", Config{{"name", a.name},
                            {"trainable", a.trainable},
                            {"layers", std::move(layers)},
                            {"input_layers", histories(calls, a.inputs)},
                            {"output_layers", histories(calls, a.outputs)}}},
          {"registered_name", "Functional"},
          {"build_config", Config{{"input_shape", nullptr}}}};
}

Config sequential_to_config(const Architecture& a, Shared& shared) {
  SINTER_CHECK(a.inputs.size() == 1, a.name);
  ConfigList layers;
  for (const Layer& layer : a.layers) layers.emplace_back(layer_to_config(layer, shared));
  const ConfigValue input_shape = shape_of(a.inputs[0].shape());
  const ConfigObject policy{
      "keras", "DTypePolicy", {{"name", std::string(dtype_name(a.inputs[0].dtype()))}}};
  return {{"module", "keras"},
          {"class_name", "Sequential"},
          {"config", Config{{"name", a.name},
                            {"trainable", a.trainable},
                            {"dtype", without_objects(policy)},
                            {"layers", std::move(layers)},
                            {"build_input_shape", input_shape}}},
          {"registered_name", nullptr},
          {"build_config", Config{{"input_shape", input_shape}}}};
}

Config model_to_config(const Architecture& architecture, Shared& shared) {
  return architecture.sequential ? sequential_to_config(architecture, shared)
                                 : functional_to_config(architecture, shared);
}

}  // namespace

Architecture architecture_of(const Model& model) {
  Architecture result;
  result.name = model.name();
  result.sequential = model.state()->sequential;
  result.trainable = model.trainable();
  result.inputs = model.inputs({});
  result.outputs = model.outputs({});
  if (result.sequential) result.layers.emplace_back(result.inputs[0].call()->layer);
  result.layers.insert(result.layers.end(), model.layers().begin(), model.layers().end());
  return result;
}

Model model_of(const Architecture& a) {
  if (!a.sequential) {
    Model model(a.inputs, a.outputs, a.name);
    model.state()->trainable = a.trainable;  // its layers have their own
    return model;
  }
  auto state = std::make_shared<ModelState>(a.name);
  state->sequential = true;
  state->trainable = a.trainable;
  state->chain.assign(a.layers.begin() + 1, a.layers.end());
  state->chain_input = a.inputs[0];
  state->network.emplace(a.inputs, a.outputs);
  return Model(std::move(state));
}

void refuse_two_owners(const Architecture& architecture) {
  std::map<const LayerImpl*, int> models;
  std::map<const Variable*, const LayerImpl*> owners;
  for (const LayerImpl* layer : layers_within(architecture, models)) {
    if (dynamic_cast<const ModelLayerImpl*>(layer) != nullptr) continue;
    for (const VariablePtr& w : layer->variables()) {
      const auto [owner, added] = owners.emplace(w.get(), layer);
      if (!added) raise_two_owners(*w, *owner->second, *layer);
    }
  }
}

Config architecture_to_config(const Architecture& architecture) {
  refuse_two_owners(architecture);
  Shared shared(architecture);
  return model_to_config(architecture, shared);
}

}  // namespace sinter
