#include "frontend/explain/model_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "core/counted.h"
#include "frontend/interop/json.h"
#include "frontend/layer_call.h"
#include "frontend/model.h"
#include "frontend/network.h"

namespace sinter {
namespace {

struct LayerFacts {
  std::string class_name;
  Config config;
  std::string inputs;  // the layers that each call reads
};
using LayersByName = std::vector<std::pair<std::string, LayerFacts>>;

LayersByName facts_of(const Model& model) {
  std::map<const LayerImpl*, std::string> inputs;
  if (model.built()) {
    for (const auto& call : model.network(SourceLocation()).calls()) {
      std::string& text = inputs[call->layer.get()];
      if (!text.empty()) text += " and ";
      for (size_t i = 0; i < call->inputs.size(); ++i)
        text += (i == 0 ? "" : ", ") + call->inputs[i].call()->layer->name();
    }
  }
  LayersByName result;
  for (const Layer& layer : model.layers()) {
    result.push_back({layer.name(), {layer.class_name(), layer.config(), inputs[&layer.impl()]}});
  }
  return result;
}

std::string settings_text(const Config& config) {
  std::string text;
  for (const ConfigEntry& entry : config.entries()) {
    if (entry.key == "name" || entry.value.is_null()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", entry.key,
                        to_json_text(without_objects(entry.value)));
  }
  return text;
}

std::string value_text(const ConfigValue* value) {
  return value == nullptr ? "absent" : to_json_text(without_objects(*value));
}

std::string changed_settings(const Config& a, const Config& b) {
  std::string text;
  const auto add = [&](const std::string& key) {
    const ConfigValue *before = a.find(key), *after = b.find(key);
    if (before != nullptr && after != nullptr && *before == *after) return;
    text += fmt::format("\n    {}: {} -> {}", key, value_text(before), value_text(after));
  };
  for (const ConfigEntry& entry : a.entries()) add(entry.key);
  for (const ConfigEntry& entry : b.entries()) {
    if (!a.contains(entry.key)) add(entry.key);
  }
  return text;
}

const LayerFacts* find_layer(const LayersByName& layers, const std::string& name) {
  const auto found = std::ranges::find(layers, name, [](const auto& layer) { return layer.first; });
  return found == layers.end() ? nullptr : &found->second;
}

std::string layer_line(char mark, const std::string& name, const LayerFacts& layer) {
  return fmt::format("{} {} {} ({})\n", mark, layer.class_name, name, settings_text(layer.config));
}

struct TensorChange {
  std::string name, type;
  double norm = 0, share = 0, largest = 0;
};

TensorChange change_of(const std::string& name, const Tensor& a, const Tensor& b) {
  double squares = 0, own = 0, largest = 0;
  bool differs_beyond = false;  // a NaN or infinity on one side
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.at(i), y = b.at(i);
    if (x == y || (std::isnan(x) && std::isnan(y))) {
      if (std::isfinite(x)) own += x * x;
      continue;
    }
    const double difference = std::abs(y - x);
    if (!std::isfinite(difference)) {
      differs_beyond = true;
      continue;
    }
    squares += difference * difference;
    own += x * x;
    largest = std::max(largest, difference);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  TensorChange change{name, a.type().to_string(), std::sqrt(squares), 0, largest};
  if (differs_beyond) change.norm = change.largest = kInfinity;
  change.share = change.norm == 0 ? 0 : own == 0 ? kInfinity : change.norm / std::sqrt(own);
  return change;
}

}  // namespace

std::string architecture_difference(const Model& a, const Model& b) {
  const LayersByName first = facts_of(a), second = facts_of(b);
  std::string text;
  for (const auto& [name, layer] : first) {
    const LayerFacts* other = find_layer(second, name);
    if (other == nullptr) {
      text += layer_line('-', name, layer);
      continue;
    }
    std::string changes;
    if (layer.class_name != other->class_name)
      changes += fmt::format("\n    class: {} -> {}", layer.class_name, other->class_name);
    changes += changed_settings(layer.config, other->config);
    if (layer.inputs != other->inputs)
      changes += fmt::format("\n    reads: {} -> {}", layer.inputs, other->inputs);
    if (!changes.empty()) text += fmt::format("~ {} {}{}\n", layer.class_name, name, changes);
  }
  for (const auto& [name, layer] : second) {
    if (find_layer(first, name) == nullptr) text += layer_line('+', name, layer);
  }
  return text;
}

std::string tensor_difference(std::span<const NamedTensor> a, std::span<const NamedTensor> b) {
  std::vector<TensorChange> changes;
  std::string others;
  size_t equal = 0;
  const auto find = [](std::span<const NamedTensor> in, const std::string& name) {
    const auto found = std::ranges::find(in, name, &NamedTensor::name);
    return found == in.end() ? nullptr : &found->tensor;
  };
  for (const NamedTensor& t : a) {
    const Tensor* other = find(b, t.name);
    if (other == nullptr) {
      others += fmt::format("- {} {}\n", t.name, t.tensor.type().to_string());
    } else if (t.tensor.type() != other->type()) {
      others += fmt::format("~ {} {} -> {}\n", t.name, t.tensor.type().to_string(),
                            other->type().to_string());
    } else {
      TensorChange change = change_of(t.name, t.tensor, *other);
      if (change.norm == 0)
        ++equal;
      else
        changes.push_back(std::move(change));
    }
  }
  for (const NamedTensor& t : b) {
    if (find(a, t.name) == nullptr)
      others += fmt::format("+ {} {}\n", t.name, t.tensor.type().to_string());
  }
  std::ranges::stable_sort(changes, [](const auto& x, const auto& y) { return x.share > y.share; });
  std::string text;
  if (!changes.empty()) {
    size_t width = 6;
    for (const TensorChange& c : changes) width = std::max(width, c.name.size());
    text += fmt::format("{:<{}}  {:>12} {:>12} {:>12}  type\n", "weight", width, "|b - a|",
                        "of |a|", "largest");
    for (const TensorChange& c : changes) {
      text += fmt::format("{:<{}}  {:>12.4g} {:>12.4g} {:>12.4g}  {}\n", c.name, width, c.norm,
                          c.share, c.largest, c.type);
    }
  }
  text += others;
  if (equal > 0) text += fmt::format("{} equal\n", counted(equal, "weight"));
  return text;
}

}  // namespace sinter
