// Reads and writes the arguments of compile() and fit() as Keras's JSON has them.
#include "frontend/interop/keras_compile.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "core/error.h"
#include "frontend/asked_settings.h"
#include "frontend/interop/json.h"

namespace sinter {
namespace {

const Config& as_config(const ConfigValue& value, const char* what) {
  const Config* config = value.as<Config>();
  if (config == nullptr)
    throw Error(fmt::format("{} must be a dictionary, found {}", what, value.type_name()));
  return *config;
}

/// The name by which a custom object may stand for `value`: the string, or the class of the object.
std::string_view name_of(const ConfigValue& value) {
  if (const std::string* name = value.as<std::string>()) return *name;
  if (const ConfigObject* object = value.as<ConfigObject>()) return object->class_name;
  return "";
}

/// A loss or metric: the user's own by that name, else Keras's.
template <typename T>
T named(const ConfigValue& value, const CustomObjects& custom) {
  if (const auto it = custom.find(name_of(value)); it != custom.end()) {
    if (const auto* function = it->second.as<CustomObject::PairFunction>())
      return T(it->first, *function);
    if constexpr (std::is_same_v<T, Metric>) {
      if (const auto* impl = it->second.as<std::shared_ptr<const MetricImpl>>())
        return Metric(it->first, *impl);
    }
  }
  // Keras writes functions as {"class_name": "function", "config": name}.
  if (const Config* config = value.as<Config>()) {
    const std::string* kind = config->get("class_name").as<std::string>();
    if (kind != nullptr && *kind == "function") return named<T>(config->get("config"), custom);
  }
  return T::from_config(value);
}

LossArgument losses_of(const ConfigValue& value, const CustomObjects& custom) {
  if (const ConfigList* list = value.as<ConfigList>()) {
    std::vector<Loss> losses;
    for (const ConfigValue& v : *list) losses.push_back(named<Loss>(v, custom));
    return losses;
  }
  const Config* config = value.as<Config>();
  if (config != nullptr && !config->contains("class_name")) {
    std::map<std::string, Loss> losses;
    for (const ConfigEntry& entry : config->entries())
      losses.emplace(entry.key, named<Loss>(entry.value, custom));
    return losses;
  }
  return named<Loss>(value, custom);
}

std::vector<Metric> metric_list(const ConfigValue& value, const CustomObjects& custom) {
  std::vector<Metric> result;
  if (value.is_null()) return result;
  if (const ConfigList* list = value.as<ConfigList>()) {
    for (const ConfigValue& v : *list) result.push_back(named<Metric>(v, custom));
  } else {
    result.push_back(named<Metric>(value, custom));
  }
  return result;
}

MetricsArgument metrics_of(const ConfigValue& value, const CustomObjects& custom) {
  const Config* config = value.as<Config>();
  if (config != nullptr && !config->contains("class_name")) {
    std::map<std::string, std::vector<Metric>> metrics;
    for (const ConfigEntry& entry : config->entries())
      metrics.emplace(entry.key, metric_list(entry.value, custom));
    return metrics;
  }
  // A list that holds a list or null has an entry for each output.
  const ConfigList* list = value.as<ConfigList>();
  bool by_output = false;
  if (list != nullptr) {
    for (const ConfigValue& v : *list)
      by_output = by_output || v.is_null() || v.as<ConfigList>() != nullptr;
  }
  if (!by_output) return metric_list(value, custom);
  std::vector<std::vector<Metric>> metrics;
  for (const ConfigValue& v : *list) metrics.push_back(metric_list(v, custom));
  return metrics;
}

template <typename T>
ConfigList configs_of(const std::vector<T>& list) {
  ConfigList result;
  for (const T& entry : list) result.push_back(entry.to_config());
  return result;
}

ConfigValue losses_to_config(const LossArgument& losses) {
  if (!losses.named().empty()) {
    Config result;
    for (const auto& [output, loss] : losses.named()) result.set(output, loss.to_config());
    return result;
  }
  if (losses.list().size() == 1) return losses.list()[0].to_config();
  return losses.list().empty() ? ConfigValue() : ConfigValue(configs_of(losses.list()));
}

ConfigValue metrics_to_config(const MetricsArgument& metrics) {
  if (!metrics.named().empty()) {
    Config result;
    for (const auto& [output, list] : metrics.named()) result.set(output, configs_of(list));
    return result;
  }
  if (!metrics.lists().empty()) {
    ConfigList result;
    for (const std::vector<Metric>& list : metrics.lists()) result.emplace_back(configs_of(list));
    return result;
  }
  return metrics.flat().empty() ? ConfigValue() : ConfigValue(configs_of(metrics.flat()));
}

std::map<int, double> class_weights_of(const Config& config) {
  std::map<int, double> result;
  for (const ConfigEntry& entry : config.entries()) {
    int label = 0;
    const char* end = entry.key.data() + entry.key.size();
    const auto [last, error] = std::from_chars(entry.key.data(), end, label);
    if (error != std::errc() || last != end)
      throw Error(fmt::format("class_weight: '{}' is no class number", entry.key));
    result[label] = config.get_float(entry.key, 1.0);
  }
  return result;
}

ConfigValue loss_weights_to_config(const LossWeights& weights) {
  Config named;
  for (const auto& [output, weight] : weights.named()) named.set(output, weight);
  if (!named.empty()) return named;
  ConfigList list;
  for (const double w : weights.list()) list.emplace_back(w);
  return list.empty() ? ConfigValue() : ConfigValue(std::move(list));
}

LossWeights loss_weights_of(const ConfigValue& value) {
  if (value.is_null()) return {};
  const auto number = [](const ConfigValue& w) {
    return Config{{"loss_weights", w}}.get_float("loss_weights", 1.0);
  };
  if (value.as<double>() != nullptr || value.as<int64_t>() != nullptr) return number(value);
  if (const ConfigList* list = value.as<ConfigList>()) {
    std::vector<double> weights;
    for (const ConfigValue& w : *list) weights.push_back(number(w));
    return weights;
  }
  if (const Config* config = value.as<Config>()) {
    std::map<std::string, double> weights;
    for (const ConfigEntry& entry : config->entries())
      weights.emplace(entry.key, number(entry.value));
    return weights;
  }
  throw Error(
      "loss_weights must be a number, a list with one for each output, or a dictionary by output "
      "name");
}

FitOptions fit_options_of(const Config& config) {
  FitOptions result;
  const auto count = [&](const char* key) -> std::optional<int64_t> {
    if (config.get(key).is_null()) return std::nullopt;
    return config.get_int(key, 0);
  };
  result.epochs = config.get_int32("epochs", result.epochs);
  result.batch_size = config.get_int("batch_size", result.batch_size);
  result.verbose = config.get_int32("verbose", result.verbose);
  result.validation_split = config.get_float("validation_split", result.validation_split);
  result.shuffle = config.get_bool("shuffle", result.shuffle);
  result.initial_epoch = config.get_int32("initial_epoch", result.initial_epoch);
  result.steps_per_epoch = count("steps_per_epoch");
  result.validation_steps = count("validation_steps");
  result.validation_batch_size = count("validation_batch_size");
  result.validation_freq = config.get_int32("validation_freq", result.validation_freq);
  if (!config.get("class_weight").is_null())
    result.class_weight = class_weights_of(as_config(config.get("class_weight"), "class_weight"));
  if (const ConfigList* callbacks = config.get("callbacks").as<ConfigList>()) {
    for (const ConfigValue& c : *callbacks) result.callbacks.push_back(callback_from_config(c));
  }
  return result;
}

}  // namespace

Config compile_arguments_to_config(const CompileArguments& arguments) {
  Config result{{"optimizer", arguments.optimizer.to_config()},
                {"loss", losses_to_config(arguments.loss)},
                {"loss_weights", loss_weights_to_config(arguments.loss_weights)},
                {"metrics", metrics_to_config(arguments.metrics)},
                {"weighted_metrics", metrics_to_config(arguments.weighted_metrics)},
                {"run_eagerly", false},
                {"steps_per_execution", 1},
                {"jit_compile", false}};
  // Sinter's own; Keras ignores neither, so they are written only when they say something.
  if (!arguments.backend.empty()) result.set("backend", arguments.backend);
  if (!arguments.mixed_precision.empty()) result.set("mixed_precision", arguments.mixed_precision);
  if (!arguments.disabled_passes.empty()) {
    ConfigList passes;
    for (const std::string& p : arguments.disabled_passes) passes.emplace_back(p);
    result.set("disabled_passes", std::move(passes));
  }
  return result;
}

CompileArguments prediction_arguments_from_config(const ConfigValue& json) {
  const Config& config = as_config(json, "the arguments of compile");
  CompileArguments result;
  result.backend = config.get_string("backend", "");
  result.mixed_precision = config.get_string("mixed_precision", "");
  if (const ConfigList* passes = config.get("disabled_passes").as<ConfigList>()) {
    for (const ConfigValue& p : *passes) {
      if (const std::string* name = p.as<std::string>()) result.disabled_passes.push_back(*name);
    }
  }
  return result;
}

CompileArguments compile_arguments_from_config(const ConfigValue& json,
                                               const CustomObjects& custom) {
  const ConfigValue objects = with_objects(json);
  const Config& config = as_config(objects, "the arguments of compile");
  return made_of("compile()", config, [&] {
    CompileArguments result = prediction_arguments_from_config(objects);
    if (!config.get("optimizer").is_null())
      result.optimizer = Optimizer::from_config(config.get("optimizer"), {});
    result.loss = losses_of(config.get("loss"), custom);
    result.metrics = metrics_of(config.get("metrics"), custom);
    result.weighted_metrics = metrics_of(config.get("weighted_metrics"), custom);
    result.loss_weights = loss_weights_of(config.get("loss_weights"));
    return result;
  });
}

FitOptions fit_options_from_config(const ConfigValue& json) {
  const ConfigValue objects = with_objects(json);
  const Config& config = as_config(objects, "the arguments of fit");
  return made_of("fit()", config, [&] { return fit_options_of(config); });
}

}  // namespace sinter
