// Layers by their Keras class name. Each family registers its own classes; this file knows the
// families only.
#include "frontend/layers/registry.h"
#include "frontend/custom_object_scope.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <set>
#include <typeinfo>

#include "core/error.h"
#include "core/fork.h"
#include "core/shorten.h"
#include "frontend/asked_settings.h"
#include "frontend/given_function.h"
#include "frontend/layer.h"
#include "frontend/origin.h"

namespace sinter {
namespace {

struct LayerRegistry {
  ForkMutex mutex;
  std::map<std::string, LayerFactory> factories;
  std::set<LayerFactory> of_library;
};

LayerRegistry& registry() {
  static LayerRegistry instance;
  return instance;
}

void register_families() {
  static std::once_flag once;
  std::call_once(once, [] {
    std::set<LayerFactory> of_users;
    {
      const std::lock_guard lock(registry().mutex);
      for (const auto& [name, factory] : registry().factories) of_users.insert(factory);
    }
    register_core_layers();
    register_activation_layers();
    register_merge_layers();
    register_reshape_layers();
    register_normalization_layers();
    register_layer_normalization();
    register_group_normalization();
    register_dropout_layers();
    register_noise_layers();
    register_activity_regularization();
    register_rescaling();
    register_padding_layers();
    register_upsampling_layers();
    register_global_pooling();
    register_normalization();
    register_resizing_layers();
    register_random_image_layers();
    register_random_affine_layers();
    register_lambda_layers();
    register_convolution_layers();
    register_pooling_layers();
    const std::lock_guard lock(registry().mutex);
    for (const auto& [name, factory] : registry().factories) {
      if (!of_users.contains(factory)) registry().of_library.insert(factory);
    }
  });
}

bool is_of_library(LayerFactory factory) {
  const std::lock_guard lock(registry().mutex);
  return registry().of_library.contains(factory);
}

/// With the settings that all layers have.
Layer with_base(LayerFactory factory, const Config& config, SourceLocation where) {
  Layer layer = factory(config, where);
  layer.impl().set_maker(
      std::make_shared<const LayerMaker>(LayerMaker{factory, current_custom_objects()}));
  layer.set_trainable(config.get_bool("trainable", true));
  const ConfigValue& dtype = config.get("dtype");
  if (const auto* name = dtype.as<std::string>()) layer.impl().set_dtype(parse_dtype(*name));
  if (const auto* policy = dtype.as<ConfigObject>()) {
    layer.impl().set_dtype(parse_dtype(policy->config.get_string("name", "float32")));
  }
  if (const ConfigValue& penalty = config.get("activity_regularizer"); !penalty.is_null())
    layer.impl().set_activity_regularizer(Regularizer::from_config(penalty));
  return layer;
}

}  // namespace

void register_layer(const std::string& class_name, LayerFactory factory, SourceLocation where) {
  given(factory, "the factory of a layer", where);
  const std::lock_guard lock(registry().mutex);
  registry().factories[class_name] = factory;
}

std::vector<std::string> layer_names() {
  register_families();
  const std::lock_guard lock(registry().mutex);
  std::vector<std::string> names;
  for (const auto& [name, factory] : registry().factories) names.push_back(name);
  return names;
}

Layer make_layer(const std::string& class_name, const Config& config, SourceLocation where) {
  register_families();
  LayerFactory factory = nullptr;
  if (const LayerFactory* own = custom_object<LayerFactory>(class_name)) {
    factory = *own;
  } else {
    const std::lock_guard lock(registry().mutex);
    const auto it = registry().factories.find(class_name);
    if (it != registry().factories.end()) factory = it->second;
  }
  if (factory == nullptr) raise_unknown_name("layer", class_name, layer_names());
  return made_by(factory, class_name, config, where);
}

Initializer initializer_or(const Config& config, std::string_view key, const char* fallback) {
  return config.contains(key) ? Initializer::from_config(config.get(key)) : Initializer(fallback);
}

bool hides_class_of_keras(const LayerImpl& layer) {
  register_families();
  LayerFactory factory = nullptr;
  {
    const std::lock_guard lock(registry().mutex);
    const auto it = registry().factories.find(layer.class_name());
    if (it == registry().factories.end()) return false;
    factory = it->second;
  }
  if (!is_of_library(factory)) return false;
  try {
    const Layer made = factory(layer.config(), {});
    const LayerImpl& impl = made.impl();
    return typeid(impl) != typeid(layer);
  } catch (const Error&) {
    return false;  // a function or a setting that it does not know: loading says so
  }
}

Layer made_by(LayerFactory factory, const std::string& class_name, const Config& config,
              SourceLocation where) {
  const std::string* name = config.get("name").as<std::string>();
  const std::string owner =
      name == nullptr ? class_name : fmt::format("{} '{}'", class_name, shortened(*name));
  try {
    std::set<std::string, std::less<>> base;
    if (!is_of_library(factory)) base = {"name", "trainable", "dtype", "activity_regularizer"};
    return made_of(
        owner, config, config, [&] { return with_base(factory, config, where); }, std::move(base));
  } catch (const Error& error) {
    // Of a setting or of what it makes; errors of the layer itself name it.
    const std::string text = error.what();
    if (typeid(error) != typeid(Error) || text.find(owner) != text.npos) throw;
    throw Error(owner + ": " + text);
  }
}

Layer layer_from_config(const std::string& class_name, const Config& config, SourceLocation where) {
  return at_line(where, [&] { return make_layer(class_name, config, where); });
}

}  // namespace sinter
