// Names and functions of activations. What each one computes stands in ops/activation.cc.
#include "frontend/activations.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/fork.h"
#include "frontend/origin.h"
#include "ops/ops.h"

namespace sinter {

struct ActivationFunction::Spec {
  std::string name;
  Function function;
  ConfigValue identity = {};  // of an object; null: the name
};
namespace {

struct Custom {
  ForkMutex mutex;
  std::map<std::string, ActivationFunction::Function> functions;
  std::vector<std::string> classes;  // of objects
  ActivationFunction::Function (*of_object)(const ConfigObject&) = nullptr;
};

Custom& custom() {
  static Custom instance;
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
  const std::lock_guard lock(custom().mutex);
  for (const auto& [name, function] : custom().functions) names.push_back(name);
  return names;
}

ActivationFunction::Function find_function(const std::string& name) {
  {
    const std::lock_guard lock(custom().mutex);
    const auto it = custom().functions.find(name);
    if (it != custom().functions.end()) return it->second;
  }
  const std::vector<std::string> names = known_names();
  if (std::ranges::find(names, name) == names.end()) raise_unknown_name("activation", name, names);
  return [name](Symbol x) { return activation(name, x); };
}

template <typename F>
struct Named {
  const char* name;
  F function;
};

// Functions of the user's own are in no table.
template <typename F, size_t n, typename G>
const char* find_name(const Named<F> (&table)[n], G function) {
  if constexpr (std::is_same_v<F, G>) {
    for (const Named<F>& entry : table) {
      if (entry.function == function) return entry.name;
    }
  }
  return nullptr;
}

using Plain = Symbol (*)(OpInput);
using WithInt = Symbol (*)(OpInput, int);
using WithDouble = Symbol (*)(OpInput, double);

const Named<Plain> kPlain[] = {
    {"linear", linear},
    {"relu", relu},
    {"relu6", relu6},
    {"selu", selu},
    {"sigmoid", sigmoid},
    {"tanh", tanh},
    {"softplus", softplus},
    {"softsign", softsign},
    {"silu", silu},
    {"mish", mish},
    {"hard_sigmoid", hard_sigmoid},
    {"exponential", exponential},
    {"exponential", exp},
    {"log_sigmoid", log_sigmoid},
    {"hard_silu", hard_silu},
    {"hard_silu", hard_swish},
    {"hard_tanh", hard_tanh},
    {"tanh_shrink", tanh_shrink},
    {"sparse_plus", sparse_plus},
    {"sparse_sigmoid", sparse_sigmoid},
};
const Named<WithInt> kWithAxis[] = {
    {"softmax", softmax}, {"log_softmax", log_softmax}, {"glu", glu}, {"sparsemax", sparsemax}};
const Named<WithDouble> kWithSlope[] = {
    {"leaky_relu", leaky_relu},
    {"elu", elu},
    {"silu", swish},
    {"celu", celu},
    {"squareplus", squareplus},
    {"hard_shrink", hard_shrink},
    {"soft_shrink", soft_shrink},
};
const Named<Symbol (*)(OpInput, bool)> kWithFlag[] = {{"gelu", gelu}};

constexpr const char* kCustom = "custom_activation";

template <typename S>
ActivationFunction plain(Symbol (*function)(S), SourceLocation where) {
  const char* name = find_name(kPlain, function);
  if (name != nullptr && name == std::string_view("linear")) return {};
  return {name == nullptr ? kCustom : name, ActivationFunction::Function(function), where};
}

template <typename S>
ActivationFunction with_axis(Symbol (*function)(S, int), SourceLocation where) {
  given(function, "an activation", where);
  const char* name = find_name(kWithAxis, function);
  return {name == nullptr ? kCustom : name, [function](Symbol x) { return function(x, -1); }};
}

template <typename S>
ActivationFunction with_slope(Symbol (*function)(S, double), SourceLocation where) {
  given(function, "an activation", where);
  const char* name = find_name(kWithSlope, function);
  if (name == nullptr)
    throw Error(with_line(
        where,
        "an activation with a further argument needs it bound: pass a lambda from Symbol to "
        "Symbol"));
  return name;
}

template <typename S>
ActivationFunction with_flag(Symbol (*function)(S, bool), SourceLocation where) {
  given(function, "an activation", where);
  const char* name = find_name(kWithFlag, function);
  return {name == nullptr ? kCustom : name, [function](Symbol x) { return function(x, false); }};
}

}  // namespace

void register_activation(std::string name, ActivationFunction::Function function,
                         SourceLocation where) {
  given(function, "an activation", where);
  const std::lock_guard lock(custom().mutex);
  custom().functions[std::move(name)] = std::move(function);
}

void register_activation_objects(std::vector<std::string> class_names,
                                 ActivationFunction::Function (*make)(const ConfigObject&)) {
  const std::lock_guard lock(custom().mutex);
  custom().classes = std::move(class_names);
  custom().of_object = make;
}

ConfigValue ActivationFunction::to_config() const {
  return spec_ == nullptr || spec_->identity.is_null() ? ConfigValue(name()) : spec_->identity;
}

ActivationFunction::ActivationFunction(std::string name, Function function, SourceLocation where)
    : spec_(std::make_shared<const Spec>(
          Spec{std::move(name), given(std::move(function), "an activation", where)})) {}

ActivationFunction::ActivationFunction(const std::string& name, SourceLocation where) {
  if (name == "linear") return;
  *this = ActivationFunction(canonical(name), at_line(where, [&] { return find_function(name); }));
}

ActivationFunction::ActivationFunction(const char* name, SourceLocation where)
    : ActivationFunction(std::string(name), where) {}

ActivationFunction::ActivationFunction(Symbol (*function)(Symbol), SourceLocation where)
    : ActivationFunction(plain(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput), SourceLocation where)
    : ActivationFunction(plain(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(Symbol, int), SourceLocation where)
    : ActivationFunction(with_axis(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput, int), SourceLocation where)
    : ActivationFunction(with_axis(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(Symbol, double), SourceLocation where)
    : ActivationFunction(with_slope(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput, double), SourceLocation where)
    : ActivationFunction(with_slope(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(Symbol, bool), SourceLocation where)
    : ActivationFunction(with_flag(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput, bool), SourceLocation where)
    : ActivationFunction(with_flag(function, where)) {}

Symbol ActivationFunction::operator()(OpInput x) const {
  return spec_ == nullptr ? Symbol(x) : spec_->function(x);
}

std::string ActivationFunction::name() const { return spec_ == nullptr ? "linear" : spec_->name; }

ActivationFunction ActivationFunction::of_object(const ConfigObject& object) {
  std::vector<std::string> classes;
  Function (*make)(const ConfigObject&) = nullptr;
  {
    const std::lock_guard lock(custom().mutex);
    classes = custom().classes;
    make = custom().of_object;
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
