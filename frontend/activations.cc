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

bool is_of_keras(const std::string& name) {
  const std::vector<std::string> names = activation_names();
  return std::ranges::find(names, name) != names.end();
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

// Null for a function of the user's own.
using Found = std::pair<const char*, ActivationFunction::Function>;

template <typename S>
Found plain(Symbol (*function)(S)) {
  return {find_name(kPlain, function), function};
}

template <typename S>
Found with_axis(Symbol (*function)(S, int), SourceLocation where) {
  given(function, "an activation", where);
  return {find_name(kWithAxis, function), [function](Symbol x) { return function(x, -1); }};
}

template <typename S>
const char* with_slope(Symbol (*function)(S, double), SourceLocation where) {
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
Found with_flag(Symbol (*function)(S, bool), SourceLocation where) {
  given(function, "an activation", where);
  return {find_name(kWithFlag, function), [function](Symbol x) { return function(x, false); }};
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
    : spec_(std::make_shared<const Spec>(
          Spec{name, given(function, "an activation", where),
               telling(name, kOwnActivation, {name, where, is_of_keras(name)}, function)})) {}

ActivationFunction::ActivationFunction(const std::string& name, SourceLocation where) {
  if (auto own = custom_activations().find(name)) {
    *this = ActivationFunction(name, *std::move(own), where);
    return;
  }
  if (name == "linear") return;
  if (!is_of_keras(name))
    at_line(where, [&] { raise_unknown_name("activation", name, known_names()); });
  spec_ = std::make_shared<const Spec>(
      Spec{canonical(name), [name](Symbol x) { return activation(name, x); }, canonical(name)});
}

ActivationFunction::ActivationFunction(const char* name, SourceLocation where)
    : ActivationFunction(std::string(name), where) {}

ActivationFunction ActivationFunction::of(const char* name, Function function,
                                          SourceLocation where) {
  if (name == nullptr) return ActivationFunction("custom_activation", std::move(function), where);
  ActivationFunction known;
  if (name != std::string_view("linear"))
    known.spec_ = std::make_shared<const Spec>(Spec{name, std::move(function), name});
  return known;
}

ActivationFunction::ActivationFunction(Symbol (*function)(Symbol), SourceLocation where) {
  auto [name, known] = plain(function);
  *this = of(name, std::move(known), where);
}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput), SourceLocation where) {
  auto [name, known] = plain(function);
  *this = of(name, std::move(known), where);
}
ActivationFunction::ActivationFunction(Symbol (*function)(Symbol, int), SourceLocation where) {
  auto [name, known] = with_axis(function, where);
  *this = of(name, std::move(known), where);
}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput, int), SourceLocation where) {
  auto [name, known] = with_axis(function, where);
  *this = of(name, std::move(known), where);
}
ActivationFunction::ActivationFunction(Symbol (*function)(Symbol, double), SourceLocation where)
    : ActivationFunction(with_slope(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput, double), SourceLocation where)
    : ActivationFunction(with_slope(function, where)) {}
ActivationFunction::ActivationFunction(Symbol (*function)(Symbol, bool), SourceLocation where) {
  auto [name, known] = with_flag(function, where);
  *this = of(name, std::move(known), where);
}
ActivationFunction::ActivationFunction(Symbol (*function)(OpInput, bool), SourceLocation where) {
  auto [name, known] = with_flag(function, where);
  *this = of(name, std::move(known), where);
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
