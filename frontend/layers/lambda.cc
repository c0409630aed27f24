// Lambda layers, and their functions by name.
#include "frontend/layers/lambda.h"

#include <fmt/format.h>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/activations.h"
#include "frontend/custom_functions.h"
#include "frontend/custom_object_scope.h"
#include "frontend/given_function.h"
#include "frontend/layers/registry.h"
#include "frontend/own_names.h"

namespace sinter {
namespace {

CustomFunctions<Lambda::Function>& known_functions() {
  static CustomFunctions<Lambda::Function> instance;
  return instance;
}

class LambdaImpl : public LayerImpl {
 public:
  LambdaImpl(Lambda::Function function, const LambdaOptions& options, SourceLocation where)
      : LayerImpl("Lambda", options.name, where),
        function_(std::move(function)),
        function_name_(options.function.empty() ? name() : options.function) {}

  Config config() const override {
    Config c = base_config();
    const Config function{{"module", "builtins"},
                          {"class_name", "function"},
                          {"config", function_name_},
                          {"registered_name", function_name_}};
    return c.merge({{"function", telling(function, kOwnLambda,
                                         {.text = function_name_, .made = function_name_ == name()},
                                         function_)},
                    {"arguments", Config()}});
  }

  std::shared_ptr<LayerImpl> clone() const override {
    return std::make_shared<LambdaImpl>(function_, LambdaOptions{function_name_, name()},
                                        SourceLocation::current());
  }

  std::vector<Symbol> call(CallContext&, std::span<const Symbol> inputs) override {
    return {function_(inputs)};
  }

 private:
  Lambda::Function function_;
  std::string function_name_;
};

using OfOne = CustomObject::UnaryFunction;

struct OfOneInput {
  OfOne function;
  Sameness compare(const OfOneInput& other) const { return function.compare(other.function); }
  Symbol operator()(std::span<const Symbol> xs) const {
    if (xs.size() != 1) {
      throw ShapeError(
          fmt::format("the function of a Lambda takes one input, given {}: let it take a "
                      "std::span<const Symbol>",
                      counted(xs.size(), "input")));
    }
    return function(xs[0]);
  }
};

// {"class_name": "function", "config": "name"} of Keras 3, or the name alone. Code of Python
// ("__lambda__") goes by the name of the layer.
std::string function_of(const Config& c) {
  const ConfigValue& function = c.get("function");
  if (const std::string* name = function.as<std::string>()) return *name;
  if (const std::string* name = function_name(function)) return *name;
  return c.get_string("name", "lambda");
}

Layer lambda_from_config(const Config& c, SourceLocation where) {
  const std::string name = function_of(c);
  const LambdaOptions options{.function = name, .name = c.get_string("name", "")};
  if (const auto* function = custom_object<OfOne>(name)) return Lambda(*function, options, where);
  if (auto function = known_functions().find(name))
    return Lambda(*std::move(function), options, where);
  std::vector<std::string> known;
  known_functions().append_names(known);
  append_custom_objects<OfOne>(known);
  try {
    return Lambda([f = ActivationFunction(name)](Symbol x) { return f(x); }, options, where);
  } catch (const NameError&) {
    raise_unknown_name("function of a Lambda layer", name, known);
  }
}

}  // namespace

Lambda::Lambda(Only, Function function, LambdaOptions options, SourceLocation where)
    : Layer(std::make_shared<LambdaImpl>(
          given(std::move(function), "the function of a Lambda", where), options, where)) {}

Lambda::Function Lambda::of_list(Callable<Symbol(Symbol)> function) {
  if (function == nullptr) return {};
  return OfOneInput{std::move(function)};
}

void register_lambda(const std::string& name, Lambda::Function function, SourceLocation where) {
  known_functions().set(name, given(std::move(function), "the function of a Lambda", where));
}

void register_lambda_layers() { register_layer("Lambda", lambda_from_config); }

}  // namespace sinter
