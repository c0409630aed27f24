// Reads and writes the arguments of compile() and fit() as Keras's JSON has them.
#include "frontend/interop/keras_compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <typeinfo>

#include "core/error.h"
#include "core/warning.h"
#include "frontend/asked_settings.h"
#include "frontend/interop/json.h"
#include "frontend/own_names.h"

namespace sinter {
namespace {

const Config& as_config(const ConfigValue& value, const char* what) {
  const Config* config = value.as<Config>();
  if (config == nullptr)
    throw Error(fmt::format("{} must be a dictionary, found {}", what, value.type_name()));
  return *config;
}

/// Keras writes functions as {"class_name": "function", "config": name}.
template <typename T>
T named(const ConfigValue& value) {
  if (const Config* config = value.as<Config>()) {
    const std::string* kind = config->get("class_name").as<std::string>();
    if (kind != nullptr && *kind == "function") return named<T>(config->get("config"));
  }
  return T::from_config(value);
}

LossArgument losses_of(const ConfigValue& value) {
  if (const ConfigList* list = value.as<ConfigList>()) {
    std::vector<Loss> losses;
    for (const ConfigValue& v : *list) losses.push_back(named<Loss>(v));
    return losses;
  }
  const Config* config = value.as<Config>();
  if (config != nullptr && !config->contains("class_name")) {
    std::map<std::string, Loss> losses;
    for (const ConfigEntry& entry : config->entries())
      losses.emplace(entry.key, named<Loss>(entry.value));
    return losses;
  }
  return named<Loss>(value);
}

std::vector<Metric> metric_list(const ConfigValue& value) {
  std::vector<Metric> result;
  if (value.is_null()) return result;
  if (const ConfigList* list = value.as<ConfigList>()) {
    for (const ConfigValue& v : *list) result.push_back(named<Metric>(v));
  } else {
    result.push_back(named<Metric>(value));
  }
  return result;
}

MetricsArgument metrics_of(const ConfigValue& value) {
  const Config* config = value.as<Config>();
  if (config != nullptr && !config->contains("class_name")) {
    std::map<std::string, std::vector<Metric>> metrics;
    for (const ConfigEntry& entry : config->entries())
      metrics.emplace(entry.key, metric_list(entry.value));
    return metrics;
  }
  // A list that holds a list or null has an entry for each output.
  const ConfigList* list = value.as<ConfigList>();
  bool by_output = false;
  if (list != nullptr) {
    for (const ConfigValue& v : *list)
      by_output = by_output || v.is_null() || v.as<ConfigList>() != nullptr;
  }
  if (!by_output) return metric_list(value);
  std::vector<std::vector<Metric>> metrics;
  for (const ConfigValue& v : *list) metrics.push_back(metric_list(v));
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

constexpr const char* kExcluded = "exclude_from_weight_decay";
constexpr const char* kPlaces = "places";  // among the weights of the model

void warn_of_hidden_class(const Optimizer& optimizer, const ConfigValue& told) {
  const OptimizerImpl& impl = optimizer.impl();
  const auto is_hidden = [&] {
    try {
      const Optimizer made = Optimizer::from_config(told, {});
      const OptimizerImpl& other = made.impl();
      return typeid(other) != typeid(impl);
    } catch (const Error&) {
      return false;  // what it does not know, loading asks for
    }
  };
  if (!is_hidden()) return;
  const std::string text = fmt::format(
      "compile(): the optimizer '{}' is of a class of your own that is not registered: the file "
      "will be loaded with another one of that name",
      impl.class_name());
  warn_once(text, text);
}

/// Weights by their places, which tell them apart whatever they are called.
ConfigValue optimizer_to_config(const Optimizer& optimizer, std::span<const VariablePtr> weights) {
  const ConfigValue told = optimizer.to_config();
  warn_of_hidden_class(optimizer, told);
  ConfigObject object = *told.as<ConfigObject>();
  const Config* excluded = object.config.get(kExcluded).as<Config>();
  if (weights.empty() || excluded == nullptr) return told;
  ConfigList places;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (optimizer.impl().excludes(*weights[i])) places.emplace_back(static_cast<int64_t>(i));
  }
  object.config.set(kExcluded, Config{{kPlaces, places}, {"names", excluded->get("names")}});
  return object;
}

/// Of losses and metrics by output, in the order of the outputs, or alone.
void add_names(OwnNames& names, const std::string& place, const ConfigValue& value) {
  if (const Config* by_output = value.as<Config>()) {
    for (const ConfigEntry& e : by_output->entries())
      names.add(fmt::format("{} of output '{}'", place, e.key), e.value);
  } else if (const ConfigList* list = value.as<ConfigList>()) {
    for (size_t i = 0; i < list->size(); ++i)
      names.add(fmt::format("{}[{}]", place, i), (*list)[i]);
  } else {
    names.add(place, value);
  }
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

Config compile_arguments_to_config(const CompileArguments& arguments,
                                   std::span<const VariablePtr> weights) {
  Config result{{"optimizer", optimizer_to_config(arguments.optimizer, weights)},
                {"loss", losses_to_config(arguments.loss)},
                {"loss_weights", loss_weights_to_config(arguments.loss_weights)},
                {"metrics", metrics_to_config(arguments.metrics)},
                {"weighted_metrics", metrics_to_config(arguments.weighted_metrics)},
                {"run_eagerly", false},
                {"steps_per_execution", 1},
                {"jit_compile", false}};
  // Sinter's own, written only when they say something: take_own_settings().
  if (!arguments.backend.empty()) result.set("backend", arguments.backend);
  if (!arguments.mixed_precision.empty()) result.set("mixed_precision", arguments.mixed_precision);
  if (!arguments.disabled_passes.empty()) {
    ConfigList passes;
    for (const std::string& p : arguments.disabled_passes) passes.emplace_back(p);
    result.set("disabled_passes", std::move(passes));
  }
  if (arguments.strict_precision) result.set("strict_precision", true);
  if (arguments.memory_budget > 0) result.set("memory_budget", arguments.memory_budget);
  OwnNames names;
  for (const char* key : {"optimizer", "loss", "metrics", "weighted_metrics"})
    add_names(names, key, result.get(key));
  return result;
}

namespace {

constexpr std::string_view kOwnArguments[] = {"backend", "mixed_precision", "disabled_passes",
                                              "strict_precision", "memory_budget"};

/// `config` without `keys`, which go to `taken`.
Config without_keys(const Config& config, std::span<const std::string_view> keys, Config& taken) {
  Config rest;
  for (const ConfigEntry& entry : config.entries()) {
    const bool own = std::ranges::find(keys, entry.key) != keys.end();
    (own ? taken : rest).set(entry.key, entry.value);
  }
  return rest;
}

}  // namespace

Config take_own_settings(Config& compile) {
  Config own;
  compile = without_keys(compile, kOwnArguments, own);
  if (const ConfigObject* optimizer = compile.get("optimizer").as<ConfigObject>()) {
    const std::string_view excluded[] = {kExcluded};
    ConfigObject rest = *optimizer;
    rest.config = without_keys(optimizer->config, excluded, own);
    compile.set("optimizer", std::move(rest));
  }
  return own;
}

Config with_own_settings(const ConfigValue& compile, const ConfigValue& own) {
  const ConfigValue objects = with_objects(compile);
  Config result = as_config(objects, "the arguments of compile");
  const Config* settings = own.as<Config>();
  if (settings == nullptr) return result;
  for (const std::string_view key : kOwnArguments) {
    if (settings->contains(key)) result.set(std::string(key), settings->get(key));
  }
  const ConfigObject* optimizer = result.get("optimizer").as<ConfigObject>();
  if (optimizer != nullptr && settings->contains(kExcluded)) {
    ConfigObject whole = *optimizer;
    whole.config.set(kExcluded, settings->get(kExcluded));
    result.set("optimizer", std::move(whole));
  }
  return result;
}

std::vector<int64_t> undecayed_places(const ConfigValue& json, size_t count) {
  const ConfigValue objects = with_objects(json);
  const ConfigObject* optimizer =
      as_config(objects, "the arguments of compile").get("optimizer").as<ConfigObject>();
  if (optimizer == nullptr) return {};
  const Config* excluded = optimizer->config.get(kExcluded).as<Config>();
  if (excluded == nullptr) return {};
  std::vector<int64_t> places = excluded->get_ints(kPlaces, {});
  for (const int64_t place : places) {
    if (place < 0 || place >= static_cast<int64_t>(count))
      throw Error(fmt::format("{} names weight {} of {}", kExcluded, place, count));
  }
  return places;
}

CompileArguments prediction_arguments_from_config(const ConfigValue& json) {
  const Config& config = as_config(json, "the arguments of compile");
  CompileArguments result;
  result.backend = config.get_string("backend", "");
  result.mixed_precision = config.get_string("mixed_precision", "");
  result.strict_precision = config.get_bool("strict_precision", false);
  result.memory_budget = config.get_int("memory_budget", 0);
  if (const ConfigList* passes = config.get("disabled_passes").as<ConfigList>()) {
    for (const ConfigValue& p : *passes) {
      if (const std::string* name = p.as<std::string>()) result.disabled_passes.push_back(*name);
    }
  }
  return result;
}

CompileArguments compile_arguments_from_config(const ConfigValue& json) {
  const ConfigValue objects = with_objects(json);
  const Config& config = as_config(objects, "the arguments of compile");
  return made_of("compile()", config, [&] {
    CompileArguments result = prediction_arguments_from_config(objects);
    if (!config.get("optimizer").is_null())
      result.optimizer = Optimizer::from_config(config.get("optimizer"), {});
    result.loss = losses_of(config.get("loss"));
    result.metrics = metrics_of(config.get("metrics"));
    result.weighted_metrics = metrics_of(config.get("weighted_metrics"));
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
