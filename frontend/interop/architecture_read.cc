// Reads the JSON of Keras 2 and 3. Both list layers with the tensors of each call; they differ in
// how a call names its tensors.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/shorten.h"
#include "frontend/asked_settings.h"
#include "frontend/interop/architecture.h"
#include "frontend/interop/json.h"
#include "frontend/layer_call.h"
#include "frontend/layers/input.h"
#include "frontend/layers/operation.h"
#include "frontend/layers/registry.h"

namespace sinter {
namespace {

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw ParseError("model JSON: " + shortened(fmt::format(format, std::forward<Args>(args)...)));
}

const Config& config_in(const ConfigValue& value, const std::string& what) {
  const Config* config = value.as<Config>();
  if (config == nullptr) fail("{} must be a dictionary, found {}", what, value.type_name());
  return *config;
}

const ConfigList& as_list(const ConfigValue& value, const std::string& what) {
  const ConfigList* list = value.as<ConfigList>();
  if (list == nullptr) fail("{} must be a list, found {}", what, value.type_name());
  return *list;
}

const std::string& as_string(const ConfigValue& value, const std::string& what) {
  const std::string* text = value.as<std::string>();
  if (text == nullptr) fail("{} must be a string, found {}", what, value.type_name());
  return *text;
}

/// A tensor by the layer that makes it: [layer, node, tensor].
struct Reference {
  std::string layer;
  int64_t node = 0;
  int64_t tensor = 0;
  auto operator<=>(const Reference&) const = default;
};

/// Is `value` ["x", 0, 0] or, in Keras 2, ["x", 0, 0, {...}]?
bool is_reference(const ConfigValue& value) {
  const ConfigList* list = value.as<ConfigList>();
  return list != nullptr && list->size() >= 3 && (*list)[0].as<std::string>() &&
         (*list)[1].as<int64_t>() && (*list)[2].as<int64_t>();
}

Reference reference_of(const ConfigValue& value, const std::string& what) {
  if (!is_reference(value)) fail("{}: expected [layer, node, tensor]", what);
  const ConfigList& list = *value.as<ConfigList>();
  return {*list[0].as<std::string>(), *list[1].as<int64_t>(), *list[2].as<int64_t>()};
}

/// One reference, a list of them, or a dictionary of them, at any depth.
void collect_references(const ConfigValue& value, const std::string& what,
                        std::vector<Reference>& to) {
  if (is_reference(value)) {
    to.push_back(reference_of(value, what));
  } else if (const Config* config = value.as<Config>()) {
    for (const ConfigEntry& entry : config->entries()) collect_references(entry.value, what, to);
  } else {
    for (const ConfigValue& v : as_list(value, what)) collect_references(v, what, to);
  }
}

/// Keras 3: tensors stand in args (and kwargs) as {"class_name": "__keras_tensor__", "config":
/// {"keras_history": [...]}}.
void collect_tensors(const ConfigValue& value, const std::string& what,
                     std::vector<Reference>& to) {
  if (const ConfigList* list = value.as<ConfigList>()) {
    for (const ConfigValue& v : *list) collect_tensors(v, what, to);
  } else if (const Config* config = value.as<Config>()) {
    const std::string* class_name = config->get("class_name").as<std::string>();
    if (class_name != nullptr && *class_name == "__keras_tensor__") {
      to.push_back(reference_of(config_in(config->get("config"), what).get("keras_history"), what));
    } else {
      for (const ConfigEntry& entry : config->entries()) collect_tensors(entry.value, what, to);
    }
  }
}

/// The tensors of one call, in either form.
std::vector<Reference> call_of(const ConfigValue& node, const std::string& what) {
  std::vector<Reference> result;
  if (const Config* config = node.as<Config>()) {
    collect_tensors(config->get("args"), what, result);
    collect_tensors(config->get("kwargs"), what, result);
  } else if (is_reference(node)) {
    result.push_back(reference_of(node, what));
  } else {
    for (const ConfigValue& v : as_list(node, what)) result.push_back(reference_of(v, what));
  }
  if (result.empty()) fail("{}: a call without tensors", what);
  return result;
}

struct LayerEntry {
  std::string class_name;
  std::string name;
  Config config;
  std::vector<std::vector<Reference>> calls;
  std::optional<int64_t> shared;      // "shared_object_id"
  const ConfigValue* json = nullptr;  // the whole entry
};

bool is_model(std::string_view class_name) {
  return class_name == "Functional" || class_name == "Model" || class_name == "Sequential";
}

LayerEntry entry_of(const ConfigValue& value, size_t index) {
  const std::string what = fmt::format("layer {}", index);
  const Config& json = config_in(value, what);
  LayerEntry entry;
  entry.class_name = as_string(json.get("class_name"), "\"class_name\" of " + what);
  const std::string* registered = json.get("registered_name").as<std::string>();
  if (registered != nullptr && registered->find('>') != std::string::npos)
    entry.class_name = *registered;
  const Config& raw = config_in(json.get("config"), "\"config\" of " + what);
  if (is_model(entry.class_name)) {  // the rest is the inner model's
    for (const ConfigEntry& e : raw.entries()) {
      if (e.key != "layers") entry.config.set(e.key, e.value);
    }
  } else {
    const ConfigValue settings = with_objects(raw);
    entry.config = config_in(settings, "\"config\" of " + what);
  }
  if (const int64_t* id = json.get("shared_object_id").as<int64_t>()) entry.shared = *id;
  entry.name = entry.config.get_string("name", "");
  if (const std::string* name = json.get("name").as<std::string>()) entry.name = *name;
  if (const ConfigValue* nodes = json.find("inbound_nodes")) {
    const std::string where = fmt::format("\"inbound_nodes\" of layer '{}'", entry.name);
    for (const ConfigValue& node : as_list(*nodes, where))
      entry.calls.push_back(call_of(node, where));
  }
  entry.json = &value;
  return entry;
}

/// For an operation of keras.ops: what its call gives it, tensors and numbers; nothing for a layer.
std::optional<ConfigList> operation_arguments(const LayerEntry& e) {
  const Config* json = e.json == nullptr ? nullptr : e.json->as<Config>();
  const std::string* module = json == nullptr ? nullptr : json->get("module").as<std::string>();
  if (module == nullptr ||
      !(module->starts_with("keras.src.ops") || module->starts_with("keras.ops")))
    return std::nullopt;
  const std::string what = fmt::format("the call of operation '{}'", e.name);
  const ConfigList& nodes = as_list(json->get("inbound_nodes"), what);
  if (nodes.size() != 1) fail("operation '{}' is called {} times", e.name, nodes.size());
  const Config& node = config_in(nodes[0], what);
  ConfigList arguments = as_list(node.get("args"), what);
  if (const Config* named = node.get("kwargs").as<Config>()) {
    for (const ConfigEntry& entry : named->entries()) arguments.push_back(entry.value);
  }
  return arguments;
}

/// What the models of one document have in common.
struct Document {
  SourceLocation where;
  std::map<int64_t, Layer> shared;  // layers that stand in several of them, by "shared_object_id"
};

Architecture read_model(const ConfigValue& json, Document& document);

class Reader {
 public:
  explicit Reader(Document& document) : document_(document), where_(document.where) {}

  Architecture functional(const Config& config) {
    const std::vector<LayerEntry> entries = entries_of(config.get("layers"));
    std::set<std::string> names;
    for (const LayerEntry& e : entries) {
      if (!names.insert(e.name).second) fail("two layers are named '{}'", e.name);
      add_layer(e);
    }
    // A layer may stand before those that feed it, so a call waits for the first of its tensors
    // that is not there, and is tried again when that one has been made.
    std::vector<size_t> done(entries.size(), 0);
    std::map<Reference, std::vector<size_t>> waiting;
    std::deque<size_t> ready(entries.size());
    std::iota(ready.begin(), ready.end(), size_t{0});
    while (!ready.empty()) {
      const size_t i = ready.front();
      ready.pop_front();
      while (done[i] < entries[i].calls.size()) {
        if (const Reference* missing = first_missing(entries[i].calls[done[i]])) {
          waiting[*missing].push_back(i);
          break;
        }
        for (const Reference& made : make_call(entries[i], done[i])) {
          const auto it = waiting.find(made);
          if (it == waiting.end()) continue;
          ready.insert(ready.end(), it->second.begin(), it->second.end());
          waiting.erase(it);
        }
        ++done[i];
      }
    }
    for (size_t i = 0; i < entries.size(); ++i) {
      if (done[i] == entries[i].calls.size()) continue;
      for (const Reference& r : entries[i].calls[done[i]]) {
        if (!tensors_.contains(r))
          fail("layer '{}' needs output {} of call {} of layer '{}', which nothing makes",
               entries[i].name, r.tensor, r.node, r.layer);
      }
    }
    result_.inputs = tensors_named(config.get("input_layers"), "\"input_layers\"");
    result_.outputs = tensors_named(config.get("output_layers"), "\"output_layers\"");
    return finish(config, false);
  }

  Architecture sequential(const Config& config) {
    std::vector<LayerEntry> entries = entries_of(config.get("layers"));
    if (entries.empty()) fail("a Sequential model without layers");
    if (entries[0].class_name != "InputLayer")
      entries.insert(entries.begin(), missing_input(config, entries[0]));
    std::optional<KerasTensor> x;
    for (const LayerEntry& e : entries) {
      const std::optional<Layer> layer = add_layer(e);
      if (layer && !x) fail("layer '{}' has no input", e.name);
      x = layer ? (*layer)(*x, where_) : tensors_.at({e.name, 0, 0});
      if (!layer) result_.inputs = {*x};
    }
    result_.outputs = {*x};
    return finish(config, true);
  }

 private:
  static std::vector<LayerEntry> entries_of(const ConfigValue& layers) {
    std::vector<LayerEntry> entries;
    for (const ConfigValue& v : as_list(layers, "\"layers\""))
      entries.push_back(entry_of(v, entries.size()));
    return entries;
  }

  /// Sequential models may give the shape with the first layer, or with the model.
  static LayerEntry missing_input(const Config& config, const LayerEntry& first) {
    for (const Config* c : {&first.config, &config}) {
      for (const char* key : {"batch_shape", "batch_input_shape", "build_input_shape"}) {
        if (!c->get(key).is_null())
          return {"InputLayer",
                  first.name + "_input",
                  {{"batch_shape", c->get(key)}, {"name", first.name + "_input"}},
                  {},
                  {}};
      }
    }
    fail("the Sequential model does not say the shape of its input");
  }

  /// Makes the layer; input layers have their tensor at once and give nothing.
  std::optional<Layer> add_layer(const LayerEntry& e) {
    if (e.class_name == "InputLayer") {
      add_input(e);
      return std::nullopt;
    }
    if (e.shared) {
      if (const auto known = document_.shared.find(*e.shared); known != document_.shared.end())
        return keep(e, known->second);
    }
    if (is_model(e.class_name)) {
      Architecture inner = read_model(*e.json, document_);
      inner.name = e.name;
      return keep(e, model_of(inner).as_layer());
    }
    Config settings = e.config;
    settings.set("name", e.name);
    if (const std::optional<ConfigList> arguments = operation_arguments(e))
      return keep(e, operation_from_config(e.class_name, settings, *arguments, where_));
    try {
      const Layer made = make_layer(e.class_name, settings, where_);
      made.impl().set_members_trainable(members_trainable(e));
      return keep(e, made);
    } catch (const NameError& error) {
      throw NameError(fmt::format("model JSON: layer '{}': {}", e.name, error.what()));
    }
  }

  static std::vector<bool> members_trainable(const LayerEntry& e) {
    const ConfigValue& value = config_in(*e.json, "a layer").get("members_trainable");
    std::vector<bool> result;
    if (value.is_null()) return result;
    const ConfigList* list = value.as<ConfigList>();
    for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const bool* member = (*list)[i].as<bool>();
      if (member == nullptr) break;
      result.push_back(*member);
    }
    if (list == nullptr || result.size() != list->size())
      fail("layer '{}': \"members_trainable\" must be a list of true and false", e.name);
    return result;
  }

  Layer keep(const LayerEntry& e, const Layer& layer) {
    result_.layers.push_back(layer);
    layers_.emplace(e.name, layer);
    if (e.shared) document_.shared.emplace(*e.shared, layer);
    return layer;
  }

  void add_input(const LayerEntry& e) {
    const InputSettings given = made_of(fmt::format("InputLayer '{}'", e.name), e.config,
                                        [&] { return input_settings(e); });
    const KerasTensor x = Input(given.shape, given.options, where_);
    result_.layers.emplace_back(x.call()->layer);
    tensors_.emplace(Reference{e.name, 0, 0}, x);
  }

  struct InputSettings {
    Shape shape;
    InputOptions options;
  };

  static InputSettings input_settings(const LayerEntry& e) {
    const char* key = e.config.contains("batch_shape") ? "batch_shape" : "batch_input_shape";
    std::vector<int64_t> dims = e.config.get_ints(key, {});
    if (dims.empty()) fail("input layer '{}' does not say its shape", e.name);
    dims.erase(dims.begin());
    InputOptions options;
    options.name = e.name;
    if (const std::string* dtype = e.config.get("dtype").as<std::string>())
      options.dtype = parse_dtype(*dtype);
    return {Shape(std::move(dims)), options};
  }

  const Reference* first_missing(const std::vector<Reference>& call) const {
    const auto it =
        std::ranges::find_if(call, [&](const Reference& r) { return !tensors_.contains(r); });
    return it == call.end() ? nullptr : &*it;
  }

  /// Calls the layer on tensors that are there; gives the names of its results.
  std::vector<Reference> make_call(const LayerEntry& e, size_t node) {
    std::vector<KerasTensor> inputs;
    for (const Reference& r : e.calls[node]) inputs.push_back(tensors_.at(r));
    const auto layer = layers_.find(e.name);
    if (layer == layers_.end()) fail("input layer '{}' is called", e.name);
    const std::vector<KerasTensor> outputs = layer->second.call(inputs, where_);
    std::vector<Reference> made;
    for (size_t i = 0; i < outputs.size(); ++i) {
      made.push_back({e.name, static_cast<int64_t>(node), static_cast<int64_t>(i)});
      tensors_.emplace(made.back(), outputs[i]);
    }
    return made;
  }

  std::vector<KerasTensor> tensors_named(const ConfigValue& value, const std::string& what) {
    std::vector<Reference> references;
    collect_references(value, what, references);
    if (references.empty()) fail("{} is empty", what);
    std::vector<KerasTensor> result;
    for (const Reference& r : references) {
      const auto it = tensors_.find(r);
      if (it == tensors_.end())
        fail("{} names output {} of call {} of layer '{}', which nothing makes", what, r.tensor,
             r.node, r.layer);
      result.push_back(it->second);
    }
    return result;
  }

  Architecture finish(const Config& config, bool sequential) {
    result_.name = config.get_string("name", sequential ? "sequential" : "functional");
    result_.trainable = config.get_bool("trainable", true);
    result_.sequential = sequential;
    return std::move(result_);
  }

  Document& document_;
  SourceLocation where_;
  Architecture result_;
  std::map<std::string, Layer> layers_;
  std::map<Reference, KerasTensor> tensors_;
};

Architecture read_model(const ConfigValue& json, Document& document) {
  const Config& root = config_in(json, "the document");
  const std::string& class_name = as_string(root.get("class_name"), "\"class_name\"");
  const ConfigValue& settings = root.get("config");
  Reader reader(document);
  if (class_name == "Functional" || class_name == "Model") {
    const Config& config = config_in(settings, "\"config\"");
    return made_of("a " + class_name, config, [&] { return reader.functional(config); });
  }
  if (class_name != "Sequential")
    fail("\"class_name\" is '{}', but must be Functional, Model or Sequential", class_name);
  // The first releases of Keras 2 wrote the layers alone.
  if (settings.as<ConfigList>()) return reader.sequential({{"layers", settings}});
  const Config& config = config_in(settings, "\"config\"");
  return made_of("a Sequential", config, [&] { return reader.sequential(config); });
}

}  // namespace

Architecture architecture_from_config(const ConfigValue& json, SourceLocation where) {
  Document document{where, {}};
  return read_model(json, document);
}

}  // namespace sinter
