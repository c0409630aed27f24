// Models from files.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>

#include "core/error.h"
#include "core/model_file.h"
#include "frontend/custom_object_scope.h"
#include "frontend/interop/architecture.h"
#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"
#include "frontend/save.h"
#include "frontend/session.h"
#include "frontend/training_state.h"

namespace sinter {
namespace {

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
  return fmt::format("{}{} If it is your own: {}", text,
                     text.ends_with('?') || text.ends_with('.') ? "" : ".", ways);
}

template <typename F>
auto with_hint(F&& build) {
  try {
    return build();
  } catch (const NameError& error) {
    throw NameError(with_advice(error.what()));
  }
}

CompileArguments arguments_from(const ConfigValue& settings) {
  return with_hint([&] { return compile_arguments_from_config(settings); });
}

/// The weights without decay, which files tell by their places; by their paths in those of older
/// versions, where `tensors` of the file have these names.
void restore_undecayed(const Model& model, const ConfigValue& settings,
                       std::span<const NamedTensor* const> tensors) {
  const std::vector<VariablePtr> all = model.state()->net().variables();
  std::vector<VariablePtr> undecayed;
  for (const int64_t place : undecayed_places(settings, all.size()))
    undecayed.push_back(all[static_cast<size_t>(place)]);
  OptimizerImpl& optimizer = model.state()->settings("load_model")->arguments.optimizer.impl();
  for (size_t i = 0; i < tensors.size() && i < all.size(); ++i) {
    if (optimizer.excludes_path(tensors[i]->name)) undecayed.push_back(all[i]);
  }
  optimizer.exclude(undecayed);
  if (!tensors.empty()) optimizer.forget_paths();  // of the file, which others may have now
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

}  // namespace

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
    const CustomObjectScope scope(options.custom_objects);
    const std::string source = fmt::format("the architecture in '{}'", path);
    const Model model = with_hint([&] {
      const WithoutInitialValues values_come_from_the_file;
      return model_of(architecture_from_config(parse_json(file.architecture, source), where));
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
      const CompileArguments arguments = arguments_from(settings);
      std::optional<WithoutInitialValues> values_come_from_the_file;
      if (!slots.empty()) values_come_from_the_file.emplace();
      model.compile(arguments, where);
      restore_undecayed(model, settings, tensors_in(file, false));
      if (continues) restore_training(model, file, slots, path);
    }
    return model;
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

Model model_from_json(const std::string& json, const LoadOptions& options, SourceLocation where) {
  return at_line(where, [&] {
    const CustomObjectScope scope(options.custom_objects);
    const ConfigValue parsed = parse_json(json, "model JSON");
    const Model model =
        with_hint([&] { return model_of(architecture_from_config(parsed, where)); });
    const Config* root = parsed.as<Config>();
    const Config* compile = root == nullptr ? nullptr : root->get("compile_config").as<Config>();
    if (options.compile && compile != nullptr && !compile->get("loss").is_null()) {
      const Config settings = with_own_settings(*compile, root->get(kOwnCompileConfig));
      model.compile(arguments_from(settings), where);
      restore_undecayed(model, settings, {});
    }
    return model;
  });
}

void Model::load_weights(const std::string& path, SourceLocation where) const {
  sinter::load_weights(*this, path, where);
}

}  // namespace sinter
