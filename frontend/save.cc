// Models to files and back. What stands in a .sinter file: core/model_file.h; here is what the
// frontend puts into it.
//
// Tensors: weights under the names that the stored graph uses, "random_state", and
// "optimizer/<path>" for the optimizer's variables, of weights that are frozen for now, too.
#include "frontend/save.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/model_file.h"
#include "frontend/activations.h"
#include "frontend/interop/architecture.h"
#include "frontend/interop/json.h"
#include "frontend/layers/lambda.h"
#include "frontend/lower_inference.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "frontend/unique_names.h"

namespace sinter {
namespace {

constexpr const char* kOptimizerPrefix = "optimizer/";
/// Of the training state: places among the model's weights.
constexpr const char* kFrozenWithState = "frozen_weights_with_state";

/// Weights under unique names, in the order of get_weights(); the graph's own names where it has
/// them.
std::vector<std::pair<std::string, VariablePtr>> named_weights(const Model& model,
                                                               const ForwardGraph& forward) {
  std::map<const Variable*, std::string> names;
  UniqueNames taken;
  taken.insert(kRandomState);
  for (size_t i = 0; i < forward.variables.size(); ++i) {
    const std::string& name = forward.graph.node(forward.graph.variables()[i]).name;
    names[forward.variables[i].get()] = name;
    taken.insert(name);
  }
  std::vector<std::pair<std::string, VariablePtr>> result;
  for (const VariablePtr& v : model.state()->net().variables()) {
    std::string& name = names[v.get()];
    if (name.empty()) {
      name = taken.next(v->path);
    }
    result.emplace_back(name, v);
  }
  return result;
}

ForwardGraph forward_of(const Model& model) {
  const ModelState& state = *model.state();
  return build_forward(state.name, state.net(), state.random_state);
}

void add_weights(ModelFile& file, const Model& model, const ForwardGraph& forward) {
  for (const auto& [name, v] : named_weights(model, forward))
    file.tensors.push_back({name, v->value});
}

/// The graph that predicts as the model does, lowered, and the tensors it reads.
void add_inference(ModelFile& file, const Model& model, const ForwardGraph& forward) {
  const std::shared_ptr<const Compiled> compiled = model.state()->compiled();
  file.graphs.push_back(
      lower_inference(forward.graph, compiled ? compiled->arguments.mixed_precision : ""));
  add_weights(file, model, forward);
  file.tensors.push_back({kRandomState, model.state()->random_state->value});
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
    const std::vector<VariablePtr> all = state.net().variables();
    for (size_t i = 0; i < all.size(); ++i) {
      if (std::ranges::find(trained, all[i]) != trained.end() || !optimizer.knows({all[i]}))
        continue;
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

CustomLayers custom_layers(const CustomObjects& custom) {
  CustomLayers result;
  for (const auto& [name, object] : custom) {
    if (const auto* factory = object.as<LayerFactory>()) result.emplace(name, *factory);
    if (const auto* function = object.as<CustomObject::UnaryFunction>()) {
      register_activation(name, *function);
      register_schedule(name, *function);
      register_regularizer(name, *function);
      register_constraint(name, *function);
      register_lambda(name, [f = *function](std::span<const Symbol> xs) { return f(xs[0]); });
    }
    if (const auto* function = object.as<CustomObject::ListFunction>())
      register_lambda(name, *function);
    if (const auto* function = object.as<CustomObject::InitializerFunction>())
      register_initializer(name, *function);
  }
  return result;
}

/// "unknown loss 'mine'. Known: ..." with what makes `mine` known. Functions without a name are
/// stored as "custom_loss" and the like.
std::string with_advice(const std::string& text) {
  static const std::map<std::string_view, std::string_view> kRegister = {
      {"activation", "register_activation"},
      {"constraint", "register_constraint"},
      {"function of a Lambda layer", "register_lambda"},
      {"initializer", "register_initializer"},
      {"layer", "register_layer"},
      {"learning rate schedule", "register_schedule"},
      {"loss", "register_loss"},
      {"metric", "register_metric"},
      {"optimizer", "register_optimizer"},
      {"regularizer", "register_regularizer"}};
  const size_t unknown = text.find("unknown "), open = text.find(" '", unknown);
  const size_t close = open < text.size() ? text.find('\'', open + 2) : text.npos;
  if (close > text.size()) return text;
  const std::string kind = text.substr(unknown + 8, open - unknown - 8);
  const std::string name = text.substr(open + 2, close - open - 2);
  const auto found = kRegister.find(kind);
  if (found == kRegister.end()) return text;
  std::string ways = fmt::format("{}(\"{}\", ...)", found->second, name);
  if (kind != "optimizer")
    ways += fmt::format(", or .custom_objects = {{{{\"{}\", your_{}}}}}", name,
                        kind == "layer" ? "layer" : "function");
  const bool is_of_compile =
      kind == "loss" || kind == "metric" || kind == "optimizer" || kind == "learning rate schedule";
  if (is_of_compile)
    ways += ", or .compile = false to load the model without losses, metrics and optimizer";
  if (name.starts_with("custom_"))
    return fmt::format("{}: the model was saved with a function of your own: {}",
                       text.substr(0, close + 1), ways);
  return fmt::format("{} If it is your own: {}", text, ways);
}

template <typename F>
auto with_hint(F&& build) {
  try {
    return build();
  } catch (const NameError& error) {
    throw NameError(with_advice(error.what()));
  }
}

CompileArguments arguments_from(const ConfigValue& settings, const LoadOptions& options) {
  return with_hint([&] { return compile_arguments_from_config(settings, options.custom_objects); });
}

/// Raises a FileError that says what a file of another kind is, and what reads it.
[[noreturn]] void raise_foreign(const std::string& path, const std::string& error) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) throw FileError(error);
  std::string begin(64, ' ');
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), 64);
  begin.resize(static_cast<size_t>(file.gcount()));
  const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
  const size_t first = begin.find_first_not_of(" \t\r\n");
  const char* advice = nullptr;
  if (begin.starts_with("PK") || begin.starts_with("\x89HDF") || ends(".keras") || ends(".h5") ||
      ends(".hdf5")) {
    advice =
        "a file of Keras, which is not read by this version: in Python, write model.to_json() to a "
        "file and the arrays of model.get_weights() with numpy.save; here, model_from_json() makes "
        "the model, and set_weights() takes what load_npy() reads";
  } else if (ends(".json") || (first < begin.size() && begin[first] == '{')) {
    advice =
        "JSON, an architecture without weights: model_from_json() makes a model of its text (for "
        "the tool, end its name in .json)";
  } else if (begin.starts_with("\x93NUMPY")) {
    advice = "an array: load_npy() reads it";
  } else {
    throw FileError(error);
  }
  throw FileError(fmt::format("cannot load '{}': it is {}", path, advice));
}

ModelFile read_model_file(const std::string& path) {
  try {
    return load_model_file(path);
  } catch (const FileError& error) {
    raise_foreign(path, error.what());
  }
}

/// Scalars of optimizers, rates and counts, which older versions kept in the session's dtype.
bool differ_in_width(const Tensor& a, const Tensor& b) {
  return a.shape().rank() == 0 && b.shape().rank() == 0 && is_floating(a.dtype()) &&
         is_floating(b.dtype());
}

/// Gives the variables the values of the file. With `share` they take the mapped memory itself,
/// which is right only while no executable is bound to theirs.
void adopt(const std::vector<VariablePtr>& variables,
           const std::vector<const NamedTensor*>& tensors, bool share, const std::string& owner) {
  if (variables.size() != tensors.size()) {
    throw ShapeError(fmt::format("{} has {} weights, the file holds {}", owner, variables.size(),
                                 tensors.size()));
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

// The weights, or what belongs to the optimizer: the random state stands between them. A file of
// weights has neither; a weight may be called anything.
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
  for (const int64_t place : config->get_ints(kFrozenWithState, {})) {
    if (place < 0 || place >= static_cast<int64_t>(all.size()))
      throw FileError(fmt::format("cannot load '{}': it holds training state of weight {} of {}",
                                  path, place, all.size()));
    weights.push_back(all[static_cast<size_t>(place)]);
  }
  optimizer.build(weights);
  adopt(optimizer.variables(), slots, true, "optimizer '" + optimizer.name() + "'");
  optimizer.build(trained);
}

void check_ending(const std::string& path, std::string_view ending) {
  if (!path.ends_with(ending)) throw FileError(fmt::format("'{}' must end in {}", path, ending));
}

}  // namespace

void check_model_path(const std::string& path, SourceLocation where) {
  at_line(where, [&] {
    for (const char* foreign : {".keras", ".h5", ".hdf5", ".onnx", ".json"}) {
      if (path.ends_with(foreign))
        throw FileError(fmt::format(
            "cannot save '{}': models are saved as .sinter; {} is not written by this version",
            path, foreign));
    }
  });
}

void save_model(const Model& model, const std::string& path, const SaveOptions& options,
                SourceLocation where) {
  at_line(where, [&] {
    check_model_path(path, where);
    const ForwardGraph forward = forward_of(model);
    // The file is of one moment: training in another thread waits until it is written.
    const WeightsGuard guard(model.state()->locks());
    ModelFile file;
    add_inference(file, model, forward);
    Config json = architecture_to_config(architecture_of(model));
    file.architecture = to_json_text(json);
    if (const std::shared_ptr<const Compiled> compiled = model.state()->compiled();
        options.include_optimizer && compiled != nullptr) {
      file.compile_settings = to_json_text(compile_arguments_to_config(compiled->arguments));
      add_training_state(file, model, *compiled);
    }
    save_model_file(path, file);
  });
}

Model load_model(const std::string& path, const LoadOptions& options, SourceLocation where) {
  return at_line(where, [&] {
    register_ops();
    const ModelFile file = read_model_file(path);
    if (file.architecture.empty()) {
      throw FileError(fmt::format(
          "cannot load '{}' as a model: it is a file of kind '{}' and holds no architecture{}",
          path, file.kind,
          file.kind == "weights" ? " (use load_weights)"
          : file.kind == "inference"
              ? " (it was exported to be run: load_executable() and 'sinter predict' do)"
              : ""));
    }
    const std::string source = fmt::format("the architecture in '{}'", path);
    const Model model = with_hint([&] {
      const WithoutInitialValues values_come_from_the_file;
      return model_of(architecture_from_config(parse_json(file.architecture, source),
                                               custom_layers(options.custom_objects), where));
    });
    adopt(model.state()->net().variables(), tensors_in(file, false), true,
          fmt::format("the model in '{}'", path));
    if (const Tensor* random = file.find_tensor(kRandomState))
      model.state()->random_state->assign(*random, where);
    if (options.compile && !file.compile_settings.empty()) {
      const ConfigValue settings =
          parse_json(file.compile_settings, fmt::format("the settings of compile in '{}'", path));
      if (!options.training) {
        const WithoutInitialValues no_optimizer_is_needed;
        model.compile(prediction_arguments_from_config(settings), where);
        return model;
      }
      const bool continues = !file.training_state.empty();
      const std::vector<const NamedTensor*> slots =
          continues ? tensors_in(file, true) : std::vector<const NamedTensor*>();
      const CompileArguments arguments = arguments_from(settings, options);
      std::optional<WithoutInitialValues> values_come_from_the_file;
      if (!slots.empty()) values_come_from_the_file.emplace();
      model.compile(arguments, where);
      if (continues) restore_training(model, file, slots, path);
    }
    return model;
  });
}

void save_weights(const Model& model, const std::string& path, SourceLocation where) {
  at_line(where, [&] {
    check_ending(path, ".weights.sinter");
    const ForwardGraph forward = forward_of(model);
    const WeightsGuard guard(model.state()->locks());
    ModelFile file;
    file.kind = "weights";
    add_weights(file, model, forward);
    save_model_file(path, file);
  });
}

void load_weights(const Model& model, const std::string& path, SourceLocation where) {
  at_line(where, [&] {
    register_ops();
    const ModelFile file = read_model_file(path);
    const WeightsGuard guard(model.state()->net().variables());
    adopt(model.state()->net().variables(), tensors_in(file, false), false,
          fmt::format("model '{}'", model.name()));
  });
}

std::string to_json(const Model& model, int indent, SourceLocation where) {
  return at_line(where, [&] {
    Config json = architecture_to_config(architecture_of(model));
    const std::shared_ptr<const Compiled> compiled = model.state()->compiled();
    json.set("compile_config",
             compiled != nullptr ? without_objects(compile_arguments_to_config(compiled->arguments))
                                 : ConfigValue(Config()));
    return to_json_text(json, indent);
  });
}

Model model_from_json(const std::string& json, const LoadOptions& options, SourceLocation where) {
  return at_line(where, [&] {
    const ConfigValue parsed = parse_json(json, "model JSON");
    const Model model = with_hint([&] {
      return model_of(
          architecture_from_config(parsed, custom_layers(options.custom_objects), where));
    });
    const Config* settings = nullptr;
    if (const Config* root = parsed.as<Config>())
      settings = root->get("compile_config").as<Config>();
    if (options.compile && settings != nullptr && !settings->get("loss").is_null()) {
      model.compile(arguments_from(*settings, options), where);
    }
    return model;
  });
}

void export_inference(const Model& model, const std::string& path, SourceLocation where) {
  at_line(where, [&] {
    const ForwardGraph forward = forward_of(model);
    const WeightsGuard guard(model.state()->locks());
    ModelFile file;
    file.kind = "inference";
    add_inference(file, model, forward);
    save_model_file(path, file);
  });
}

void Model::save(const std::string& path, const SaveOptions& options, SourceLocation where) const {
  save_model(*this, path, options, where);
}
void Model::save_weights(const std::string& path, SourceLocation where) const {
  sinter::save_weights(*this, path, where);
}
void Model::load_weights(const std::string& path, SourceLocation where) const {
  sinter::load_weights(*this, path, where);
}
std::string Model::to_json(int indent, SourceLocation where) const {
  return sinter::to_json(*this, indent, where);
}
void Model::export_inference(const std::string& path, SourceLocation where) const {
  sinter::export_inference(*this, path, where);
}

}  // namespace sinter
