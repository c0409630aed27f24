// Names and functions of activations. What each one computes stands in ops/activation.cc.
#include "frontend/activations.h"

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/fork.h"
#include "frontend/custom_functions.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "ops/ops.h"

namespace sinter {

struct ActivationFunction::Spec {
  std::string name;
  Function function;
  ConfigValue identity;
};
namespace {

struct Objects {
  ForkMutex mutex;
  std::vector<std::string> classes;
  ActivationFunction::Function (*of_object)(const ConfigObject&) = nullptr;
};

Objects& objects() {
  static Objects instance;
  return instance;
}

CustomFunctions<ActivationFunction::Function>& custom_activations() {
  static CustomFunctions<ActivationFunction::Function> instance;
  return instance;
}

// Keras stores swish as silu.
std::string canonical(const std::string& name) {
  if (name == "swish") return "silu";
  if (name == "hard_swish") return "hard_silu";
  return name;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names = activation_names();
  custom_activations().append_names(names);
  return names;
}

bool is_activation_of_keras(const std::string& name) {
  const std::vector<std::string> names = activation_names();
  return std::ranges::find(names, name) != names.end();
}

/// The name that files have for one of Sinter's functions; null for one of the user's own.
const char* name_of(AnyFunction function) {
  static const std::pair<AnyFunction, const char*> kNames[] = {
      {any_function(linear), "linear"},
      {any_function(relu), "relu"},
      {any_function(relu6), "relu6"},
      {any_function(selu), "selu"},
      {any_function(sigmoid), "sigmoid"},
      {any_function(tanh), "tanh"},
      {any_function(softplus), "softplus"},
      {any_function(softsign), "softsign"},
      {any_function(silu), "silu"},
      {any_function(mish), "mish"},
      {any_function(hard_sigmoid), "hard_sigmoid"},
      {any_function(exponential), "exponential"},
      {any_function(exp), "exponential"},
      {any_function(log_sigmoid), "log_sigmoid"},
      {any_function(hard_silu), "hard_silu"},
      {any_function(hard_swish), "hard_silu"},
      {any_function(hard_tanh), "hard_tanh"},
      {any_function(tanh_shrink), "tanh_shrink"},
      {any_function(sparse_plus), "sparse_plus"},
      {any_function(sparse_sigmoid), "sparse_sigmoid"},
      {any_function(softmax), "softmax"},
      {any_function(log_softmax), "log_softmax"},
      {any_function(glu), "glu"},
      {any_function(sparsemax), "sparsemax"},
      {any_function(leaky_relu), "leaky_relu"},
      {any_function(elu), "elu"},
      {any_function(swish), "silu"},
      {any_function(celu), "celu"},
      {any_function(squareplus), "squareplus"},
      {any_function(hard_shrink), "hard_shrink"},
      {any_function(soft_shrink), "soft_shrink"},
      {any_function(gelu), "gelu"},
  };
  for (const auto& [known, name] : kNames) {
    if (known == function) return name;
  }
  return nullptr;
}

}  // namespace

void register_activation(std::string name, ActivationFunction::Function function,
                         SourceLocation where) {
  custom_activations().set(name, given(std::move(function), "an activation", where));
}

void register_activation_objects(std::vector<std::string> class_names,
                                 ActivationFunction::Function (*make)(const ConfigObject&)) {
  const std::lock_guard lock(objects().mutex);
  objects().classes = std::move(class_names);
  objects().of_object = make;
}

ConfigValue ActivationFunction::to_config() const {
  return spec_ == nullptr ? ConfigValue("linear") : spec_->identity;
}

ActivationFunction::ActivationFunction(std::string name, Function function, SourceLocation where)
    : spec_(std::make_shared<const Spec>(Spec{
          name, given(function, "an activation", where),
          telling(name, kOwnActivation, {name, where, is_activation_of_keras(name)}, function)})) {}

ActivationFunction::ActivationFunction(const std::string& name, SourceLocation where) {
  if (auto own = custom_activations().find(name)) {
    *this = ActivationFunction(name, *std::move(own), where);
    return;
  }
  if (name == "linear") return;
  if (!is_activation_of_keras(name))
    at_line(where, [&] { raise_unknown_name("activation", name, known_names()); });
  spec_ = std::make_shared<const Spec>(
      Spec{canonical(name), [name](Symbol x) { return activation(name, x); }, canonical(name)});
}

ActivationFunction::ActivationFunction(const char* name, SourceLocation where)
    : ActivationFunction(std::string(name), where) {}

ActivationFunction::ActivationFunction(AnyFunction function, Function bound, bool unbound,
                                       SourceLocation where) {
  const char* name = name_of(given(function, "an activation", where));
  if (name == nullptr && unbound) {
    throw Error(with_line(
        where,
        "an activation with a further argument needs it bound: pass a lambda from Symbol to "
        "Symbol"));
  }
  if (name == nullptr) {
    *this = ActivationFunction("custom_activation", std::move(bound), where);
  } else if (unbound) {
    *this = ActivationFunction(name);  // Keras's slope
  } else if (name != std::string_view("linear")) {
    spec_ = std::make_shared<const Spec>(Spec{name, std::move(bound), name});
  }
}

Symbol ActivationFunction::operator()(OpInput x) const {
  return spec_ == nullptr ? Symbol(x) : spec_->function(x);
}

std::string ActivationFunction::name() const { return spec_ == nullptr ? "linear" : spec_->name; }

ActivationFunction ActivationFunction::of_object(const ConfigObject& object) {
  std::vector<std::string> classes;
  Function (*make)(const ConfigObject&) = nullptr;
  {
    const std::lock_guard lock(objects().mutex);
    classes = objects().classes;
    make = objects().of_object;
  }
  if (std::ranges::find(classes, object.class_name) == classes.end())
    raise_unknown_name("activation object", object.class_name, std::move(classes));
  ActivationFunction result;
  result.spec_ =
      std::make_shared<const Spec>(Spec{to_snake_case(object.class_name), make(object), object});
  return result;
}

ActivationFunction ActivationFunction::from_config(const ConfigValue& value) {
  if (value.is_null()) return {};
  if (const std::string* name = value.as<std::string>()) return ActivationFunction(*name);
  if (const std::string* name = function_name(value)) return ActivationFunction(*name);
  if (const ConfigObject* object = value.as<ConfigObject>()) {
    return of_object(*object);
  }
  throw Error("an activation is null, a name or an object, found " +
              std::string(value.type_name()));
}

}  // namespace sinter
