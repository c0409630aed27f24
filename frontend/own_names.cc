#include "frontend/own_names.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/line.h"
#include "core/warning.h"
#include "frontend/layers/registry.h"
#include "frontend/variable.h"

namespace sinter {
namespace {

/// "Dense 'dense' (train.cc:12), given at train.cc:5"; the line once where both are one.
std::string place_of(const std::string& place, SourceLocation where) {
  const std::string line = line_of(where);
  return line.empty() || place.find(line) != place.npos
             ? place
             : fmt::format("{}, given at {}", place, line);
}

constexpr OwnFunction::Kind kNamedWeight = {"weight", "weights", "", ""};

}  // namespace

OwnFunction::OwnFunction(const Kind& kind, Name name) : kind_(kind), name_(std::move(name)) {}

OwnFunction::~OwnFunction() = default;

NamedWeight::NamedWeight(std::shared_ptr<Variable> weight)
    : OwnFunction(kNamedWeight, {.text = weight->path}), weight_(std::move(weight)) {}

std::unique_ptr<OwnFunction> NamedWeight::copy() const {
  return std::make_unique<NamedWeight>(*this);
}

Sameness NamedWeight::compare(const OwnFunction& other) const {
  const auto* weight = dynamic_cast<const NamedWeight*>(&other);
  return weight != nullptr && weight->weight_ == weight_ ? Sameness::kSame : Sameness::kDifferent;
}

void OwnNames::add(const std::string& place, const ConfigValue& settings) {
  const auto& told = settings.told();
  if (told != nullptr && dynamic_cast<const NamedWeight*>(told.get()) == nullptr)
    add(place, settings, told);
  if (const ConfigList* list = settings.as<ConfigList>()) {
    for (const ConfigValue& v : *list) add(place, v);
  } else if (const Config* config = settings.as<Config>()) {
    for (const ConfigEntry& entry : config->entries()) add(place, entry.value);
  } else if (const ConfigObject* object = settings.as<ConfigObject>()) {
    for (const ConfigEntry& entry : object->config.entries()) add(place, entry.value);
  }
}

void OwnNames::add(const std::string& place, const ConfigValue& value,
                   const std::shared_ptr<const OwnFunction>& function) {
  const OwnFunction::Kind& kind = function->kind();
  const std::string& name = function->name().text;
  const std::string here = place_of(place, function->name().where);
  if (function->name().of_keras) {
    const std::string text = fmt::format(
        "{}: the {} '{}' is a function of your own with a name of Keras's: the file will be loaded "
        "with Keras's unless yours is among custom_objects or registered",
        here, kind.noun, name);
    warn_once(text, text);
  }
  std::vector<Use>& uses = functions_[{&kind, name}];
  for (const Use& use : uses) {
    if (!(use.value == value)) continue;  // classes of functions, with other settings
    const Sameness same = use.function->compare(*function);
    if (same == Sameness::kSame) return;
    if (same == Sameness::kUnknown && !function->name().made) {
      warn_once(
          here,
          fmt::format(
              "two {} of your own are named '{}', that of {} and that of {}: if they differ, in "
              "what they capture, say, a file takes one for the other. Give each a name of its own",
              kind.plural, name, use.place, here));
      continue;
    }
    if (kind.unnamed == name) {
      throw Error(fmt::format(
          "two {} of your own were given without a name, and a file would take one for the other: "
          "that of {} and that of {}. Give each a name, as {}; or, if they are one, make one such "
          "object for both",
          kind.plural, use.place, here, kind.how));
    }
    throw Error(fmt::format(
        "two {} of your own are named '{}', and a file would take one for the other: that of {} "
        "and that of {}. Give each a name of its own, as {}",
        kind.plural, name, use.place, here, kind.how));
  }
  uses.push_back({value, function, here});
  for (const auto& [known, others] : functions_) {
    if (known.second != name || known.first == &kind) continue;
    if (others[0].function->compare(*function) == Sameness::kSame) continue;
    warn_once(
        here,
        fmt::format(
            "a {} and a {} of your own are both named '{}', that of {} and that of {}: "
            "custom_objects of load_model hold one of a name. Give each a name of its own, or "
            "register each, as its kind",
            known.first->noun, kind.noun, name, others[0].place, here));
  }
}

void OwnNames::add_class(const std::string& place, const LayerImpl& layer) {
  const std::string& class_name = layer.class_name();
  const std::type_index type = typeid(layer);
  const auto [known, added] = classes_.try_emplace(class_name, type, place);
  if (added && hides_class_of_keras(layer)) {
    const std::string text = fmt::format(
        "{}: '{}' is a class of your own with a name of Keras's: the file will be loaded with "
        "Keras's unless yours is among custom_objects or registered",
        place, class_name);
    warn_once(text, text);
  }
  if (added || known->second.first == type) return;
  throw Error(fmt::format(
      "two classes of layers are named '{}', and a file would take one for the other: that of {} "
      "and that of {}. Give each a name of its own",
      class_name, known->second.second, place));
}

}  // namespace sinter
