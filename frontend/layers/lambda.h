// Lambda: a function of symbols as a layer.
#pragma once

#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "core/callable.h"
#include "frontend/layer.h"

namespace sinter {

struct LambdaOptions {
  /// What files know the function by: load_model(..., {.custom_objects = {{"function", f}}}).
  /// Default: the name of the layer.
  std::string function = "";
  std::string name = "";
};

/// Wraps a function from one symbol, or from the list of all inputs (std::span<const Symbol>), to a
/// symbol; raises Error when it is empty. It has no weights; for these write a LayerImpl of your
/// own. Files hold the function's name only.
class Lambda : public Layer {
 public:
  using Function = Callable<Symbol(std::span<const Symbol>)>;

  template <typename F>
  requires std::is_invocable_r_v<Symbol, const F&, Symbol>
  explicit Lambda(F function, LambdaOptions options = {},
                  SourceLocation where = SourceLocation::current())
      : Lambda(Only(), of_list(Callable<Symbol(Symbol)>(std::move(function))), std::move(options),
               where) {}
  /// Of the list: what takes a symbol is not tried with it, its body may compile for one alone.
  template <typename F>
  requires(!std::is_invocable_r_v<Symbol, const F&, Symbol> &&
           std::is_constructible_v<Function, F>) explicit Lambda(F function,
                                                                 LambdaOptions options = {},
                                                                 SourceLocation where =
                                                                     SourceLocation::current())
      : Lambda(Only(), Function(std::move(function)), std::move(options), where) {}

 private:
  struct Only {};
  Lambda(Only, Function function, LambdaOptions options, SourceLocation where);
  static Function of_list(Callable<Symbol(Symbol)> function);
};

/// Makes `function` known under `name` in the process, so that files whose Lambda layers use it can
/// be loaded; custom_objects of load_model hold for one load.
void register_lambda(const std::string& name, Lambda::Function function,
                     SourceLocation where = SourceLocation::current());

}  // namespace sinter
