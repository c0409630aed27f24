// Things of the user's own that files know by name only.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/callable.h"
#include "core/handle.h"
#include "frontend/initializers.h"
#include "frontend/layer.h"
#include "frontend/metric_state.h"

namespace sinter {

/// Something of the user's own that files know by name only. Raises Error for an empty function.
class CustomObject {
  struct Only {};  // nothing is converted for these

 public:
  using PairFunction = Callable<Symbol(Symbol, Symbol)>;
  using UnaryFunction = Callable<Symbol(Symbol)>;

  using ListFunction = Callable<Symbol(std::span<const Symbol>)>;
  using InitializerFunction = Initializer::Plain;

  /// A metric with a state of its own.
  CustomObject(std::shared_ptr<const MetricImpl> metric);  // NOLINT
  template <typename T>
  requires std::is_base_of_v<MetricImpl, T> CustomObject(std::shared_ptr<T> metric)  // NOLINT
      : CustomObject(std::shared_ptr<const MetricImpl>(std::move(metric))) {}

  /// A loss or a metric.
  template <SymbolParameter S>
  CustomObject(Symbol (*function)(S, S))  // NOLINT
      : CustomObject(Only(), PairFunction(function)) {}
  /// An activation, a regularizer, a constraint, the function of a Lambda layer or a learning rate
  /// schedule.
  template <SymbolParameter S>
  CustomObject(Symbol (*function)(S))  // NOLINT
      : CustomObject(Only(), UnaryFunction(function)) {}
  /// The function of a Lambda layer of several inputs.
  template <std::same_as<std::span<const Symbol>> List>
  CustomObject(Symbol (*function)(List))  // NOLINT
      : CustomObject(Only(), ListFunction(function)) {}
  /// An initializer.
  template <std::same_as<DType> D>
  CustomObject(Tensor (*function)(const Shape&, D))  // NOLINT
      : CustomObject(Only(), InitializerFunction(function)) {}
  /// A lambda or another object that can be called, as whichever of these it is: what takes symbols
  /// is not tried with a shape, for the body of a generic one may not compile then. For the same
  /// reason pointers are taken as they are.
  template <typename F>
  requires(std::is_class_v<F>&& std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol>)
      CustomObject(F function)  // NOLINT
      : CustomObject(Only(), PairFunction(std::move(function))) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol>) CustomObject(F function)  // NOLINT
      : CustomObject(Only(), UnaryFunction(std::move(function))) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol> &&
           !std::is_invocable_r_v<Symbol, const F&, Symbol> &&
           std::is_invocable_r_v<Tensor, const F&, const Shape&, DType>)
      CustomObject(F function)  // NOLINT
      : CustomObject(Only(), InitializerFunction(std::move(function))) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol> &&
           !std::is_invocable_r_v<Symbol, const F&, Symbol> &&
           !std::is_invocable_r_v<Tensor, const F&, const Shape&, DType> &&
           std::is_invocable_r_v<Symbol, const F&, std::span<const Symbol>>)
      CustomObject(F function)  // NOLINT
      : CustomObject(Only(), ListFunction(std::move(function))) {}
  /// A layer class.
  template <std::same_as<SourceLocation> Where>
  CustomObject(Layer (*factory)(const Config&, Where))  // NOLINT
      : CustomObject(Only(), factory) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol> &&
           !std::is_invocable_r_v<Symbol, const F&, Symbol> &&
           std::is_invocable_r_v<Layer, const F&, const Config&, SourceLocation> &&
           std::is_convertible_v<F, LayerFactory>) CustomObject(F factory)  // NOLINT
      : CustomObject(Only(), static_cast<LayerFactory>(factory)) {}

  /// What it is - PairFunction, UnaryFunction, ListFunction, InitializerFunction, LayerFactory or
  /// `std::shared_ptr<const MetricImpl>` - or null.
  template <typename T>
  const T* as() const;

 private:
  CustomObject(Only, PairFunction function);
  CustomObject(Only, UnaryFunction function);
  CustomObject(Only, ListFunction function);
  CustomObject(Only, InitializerFunction function);
  CustomObject(Only, LayerFactory factory);

  struct Held;
  Handle<const Held> held_;
};
using CustomObjects = std::map<std::string, CustomObject, std::less<>>;

}  // namespace sinter
