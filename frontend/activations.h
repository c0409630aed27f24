// The activation argument of layers: a name, one of the ops functions, or the user's own function.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/callable.h"
#include "core/handle.h"
#include "core/one_of.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"
#include "frontend/given_function.h"

namespace sinter {

/// What ops that are activations take behind their symbol: an axis, a slope or a flag.
template <typename... Further>
concept FurtherOfActivation = OneOf<void(Further...), void(), void(int), void(double), void(bool)>;

class ActivationFunction {
 public:
  using Function = Callable<Symbol(Symbol)>;

  /// linear
  ActivationFunction() = default;
  ActivationFunction(std::nullptr_t, SourceLocation = {}) {}  // NOLINT
  /// By Keras's name: "relu", "softmax", "gelu" ... Raises NameError.
  ActivationFunction(const std::string& name,
                     SourceLocation where = SourceLocation::current());                    // NOLINT
  ActivationFunction(const char* name, SourceLocation where = SourceLocation::current());  // NOLINT
  /// Ops functions keep their Keras name and take Keras's defaults for further arguments; other
  /// functions are custom.
  template <SymbolParameter S, typename... Further>
  requires FurtherOfActivation<Further...> ActivationFunction(
      Symbol (*function)(S, Further...),
      SourceLocation where = SourceLocation::current())  // NOLINT
      : ActivationFunction(any_function(function), with_defaults<Further...>(function),
                           std::is_same_v<void(Further...), void(double)>, where) {}
  /// Anything that can be called with a Symbol.
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<ActivationFunction, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol>)
      ActivationFunction(F function, SourceLocation where = SourceLocation::current())  // NOLINT
      : ActivationFunction("custom_activation", Function(std::move(function)), where) {}
  /// Raises Error for an empty function, as those above do.
  ActivationFunction(std::string name, Function function,
                     SourceLocation where = SourceLocation::current());

  Symbol operator()(OpInput x) const;
  bool is_linear() const { return spec_ == nullptr; }
  /// "linear", "relu" ...
  std::string name() const;
  ConfigValue to_config() const;
  /// From null, a name, or an object {class_name, config} of an activation layer without weights,
  /// which keeps its settings. Raises NameError for another one.
  static ActivationFunction from_config(const ConfigValue& value);

 private:
  struct Spec;
  /// `bound` is `function` of one symbol; `unbound`: there is no default for its further argument,
  /// unless it is one of Sinter's.
  ActivationFunction(AnyFunction function, Function bound, bool unbound, SourceLocation where);
  static ActivationFunction of_object(const ConfigObject& object);
  Handle<const Spec> spec_;
};

/// Layers that files may hold in place of an activation, and what such an object computes.
void register_activation_objects(std::vector<std::string> class_names,
                                 ActivationFunction::Function (*make)(const ConfigObject&));

/// An activation where settings in braces could stand, too: what makes an ActivationFunction, but
/// not `{}`.
class ActivationArgument {
 public:
  template <typename T>
  requires std::is_convertible_v<T, ActivationFunction> ActivationArgument(
      T activation, SourceLocation where = SourceLocation::current())  // NOLINT
      : function_(made_at<ActivationFunction>(std::move(activation), where)) {}
  ActivationArgument(const std::string& name,
                     SourceLocation where = SourceLocation::current())  // NOLINT
      : function_(name, where) {}
  ActivationArgument(const char* name, SourceLocation where = SourceLocation::current())  // NOLINT
      : function_(name, where) {}
  template <SymbolParameter S, typename... Further>
  requires FurtherOfActivation<Further...> ActivationArgument(
      Symbol (*f)(S, Further...), SourceLocation where = SourceLocation::current())  // NOLINT
      : function_(f, where) {}
  ActivationFunction function() && { return std::move(function_); }

 private:
  ActivationFunction function_;
};

/// Makes `function` known under `name`, so that files that use it can be loaded.
void register_activation(std::string name, ActivationFunction::Function function,
                         SourceLocation where = SourceLocation::current());

}  // namespace sinter
