// Things of the user's own that files know by name only.
#pragma once

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
      : CustomObject(PairFunction(function)) {}
  CustomObject(PairFunction function);  // NOLINT
  /// An activation, a regularizer, a constraint, the function of a Lambda layer or a learning rate
  /// schedule.
  template <SymbolParameter S>
  CustomObject(Symbol (*function)(S))  // NOLINT
      : CustomObject(UnaryFunction(function)) {}
  CustomObject(UnaryFunction function);  // NOLINT
  /// The function of a Lambda layer of several inputs.
  CustomObject(ListFunction function);  // NOLINT
  /// An initializer.
  CustomObject(Tensor (*function)(const Shape&, DType));  // NOLINT
  CustomObject(InitializerFunction function);             // NOLINT
  template <typename F>
  requires(std::is_class_v<F>&& std::is_invocable_r_v<Tensor, const F&, const Shape&, DType>)
      CustomObject(F function)  // NOLINT
      : CustomObject(InitializerFunction(std::move(function))) {}
  /// A lambda, as whichever of these it is.
  template <typename F>
  requires(std::is_class_v<F>&& std::is_invocable_r_v<Symbol, const F&, Symbol, Symbol>)
      CustomObject(F function)  // NOLINT
      : CustomObject(PairFunction(std::move(function))) {}
  template <typename F>
  requires(std::is_class_v<F>&& std::is_invocable_r_v<Symbol, const F&, Symbol>)
      CustomObject(F function)  // NOLINT
      : CustomObject(UnaryFunction(std::move(function))) {}
  /// A layer class.
  CustomObject(LayerFactory factory);  // NOLINT

  /// What it is - PairFunction, UnaryFunction, ListFunction, InitializerFunction, LayerFactory or
  /// `std::shared_ptr<const MetricImpl>` - or null.
  template <typename T>
  const T* as() const;

 private:
  struct Held;
  Handle<const Held> held_;
};
using CustomObjects = std::map<std::string, CustomObject, std::less<>>;

}  // namespace sinter
