// Models to files. What stands in a .sinter file: core/model_file.h; here is what the
// frontend puts into it.
//
// Tensors: weights under the names that the stored graph uses, "random_state", and
// "optimizer/<path>" for the optimizer's variables, of weights that are frozen for now, too.
#include "frontend/save.h"

#include <fmt/format.h>

#include <map>

#include "core/error.h"
#include "core/model_file.h"
#include "frontend/interop/architecture.h"
#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/lower_inference.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "frontend/training_state.h"
#include "frontend/unique_names.h"

namespace sinter {
namespace {

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

void check_ending(const std::string& path, std::string_view ending) {
  if (!path.ends_with(ending)) throw FileError(fmt::format("'{}' must end in {}", path, ending));
}

Config compile_settings(const Model& model, const Compiled& compiled) {
  return compile_arguments_to_config(compiled.arguments, model.state()->net().variables());
}

}  // namespace

void check_own_names(const Model& model, SourceLocation where) {
  at_line(where, [&] {
    architecture_to_config(architecture_of(model));
    if (const std::shared_ptr<const Compiled> compiled = model.state()->compiled())
      compile_settings(model, *compiled);
  });
}

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
      file.compile_settings = to_json_text(compile_settings(model, *compiled));
      add_training_state(file, model, *compiled);
    }
    save_model_file(path, file);
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

std::string to_json(const Model& model, int indent, SourceLocation where) {
  return at_line(where, [&] {
    Config json = architecture_to_config(architecture_of(model));
    const std::shared_ptr<const Compiled> compiled = model.state()->compiled();
    Config settings;
    if (compiled != nullptr) settings = compile_settings(model, *compiled);
    // Keras lets pass what it does not know beside "compile_config", not within.
    const Config own = take_own_settings(settings);
    json.set("compile_config", without_objects(settings));
    if (!own.empty()) json.set(kOwnCompileConfig, without_objects(own));
    return to_json_text(json, indent);
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
std::string Model::to_json(int indent, SourceLocation where) const {
  return sinter::to_json(*this, indent, where);
}
void Model::export_inference(const std::string& path, SourceLocation where) const {
  sinter::export_inference(*this, path, where);
}

}  // namespace sinter
