// The activation argument of layers: a name, one of the ops functions, or the user's own function.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"

namespace sinter {

class ActivationFunction {
 public:
  using Function = Callable<Symbol(Symbol)>;

  /// linear
  ActivationFunction() = default;
  ActivationFunction(std::nullptr_t) {}  // NOLINT
  /// By Keras's name: "relu", "softmax", "gelu" ... Raises NameError.
  ActivationFunction(const std::string& name,
                     SourceLocation where = SourceLocation::current());                    // NOLINT
  ActivationFunction(const char* name, SourceLocation where = SourceLocation::current());  // NOLINT
  /// Ops functions keep their Keras name and take Keras's defaults for further arguments; other
  /// functions are custom.
  ActivationFunction(Symbol (*function)(Symbol));          // NOLINT
  ActivationFunction(Symbol (*function)(Symbol, int));     // NOLINT
  ActivationFunction(Symbol (*function)(Symbol, double));  // NOLINT
  ActivationFunction(Symbol (*function)(Symbol, bool));    // NOLINT
  /// Anything that can be called with a Symbol.
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<ActivationFunction, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol>)
      ActivationFunction(F function)  // NOLINT
      : ActivationFunction("custom_activation", Function(std::move(function))) {}
  ActivationFunction(std::string name, Function function);

  Symbol operator()(Symbol x) const;
  bool is_linear() const { return spec_ == nullptr; }
  /// "linear", "relu" ...
  std::string name() const;
  ConfigValue to_config() const;
  /// From null, a name, or an object {class_name, config} of an activation layer.
  static ActivationFunction from_config(const ConfigValue& value);

 private:
  struct Spec;
  Handle<const Spec> spec_;
};

/// An activation where settings in braces could stand, too: what makes an ActivationFunction, but
/// not `{}`.
class ActivationArgument {
 public:
  template <typename T>
  requires std::is_convertible_v<T, ActivationFunction> ActivationArgument(T activation)
      : function_(std::move(activation)) {}  // NOLINT
  ActivationArgument(const std::string& name,
                     SourceLocation where = SourceLocation::current())  // NOLINT
      : function_(name, where) {}
  ActivationArgument(const char* name, SourceLocation where = SourceLocation::current())  // NOLINT
      : function_(name, where) {}
  ActivationArgument(Symbol (*f)(Symbol)) : function_(f) {}          // NOLINT
  ActivationArgument(Symbol (*f)(Symbol, int)) : function_(f) {}     // NOLINT
  ActivationArgument(Symbol (*f)(Symbol, double)) : function_(f) {}  // NOLINT
  ActivationArgument(Symbol (*f)(Symbol, bool)) : function_(f) {}    // NOLINT
  ActivationFunction function() && { return std::move(function_); }

 private:
  ActivationFunction function_;
};

/// Makes `function` known under `name`, so that files that use it can be loaded.
void register_activation(std::string name, ActivationFunction::Function function);

}  // namespace sinter
