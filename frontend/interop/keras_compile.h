// The arguments of compile() and fit() in Keras's JSON: "compile_config" of models, and the files
// that `sinter train --compile --fit` takes.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "core/callable.h"
#include "core/handle.h"
#include "frontend/config.h"
#include "frontend/layer.h"
#include "frontend/metric_state.h"
#include "frontend/model.h"

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

/// {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"}, with what Keras adds and,
/// where they are set, "backend", "mixed_precision" and "disabled_passes".
Config compile_arguments_to_config(const CompileArguments& arguments);
/// The inverse; takes compile.json and "compile_config". Raises NameError, or Error naming the key.
CompileArguments compile_arguments_from_config(const ConfigValue& json,
                                               const CustomObjects& custom = {});
/// How a model runs, as far as predictions need it: backend, mixed_precision and disabled_passes,
/// without an optimizer, losses and metrics, which may need objects of the user's own.
CompileArguments prediction_arguments_from_config(const ConfigValue& json);
/// epochs, batch_size, validation_split, shuffle, class_weight, callbacks, initial_epoch,
/// validation_freq, ... : everything but data.
FitOptions fit_options_from_config(const ConfigValue& json);
/// {"class_name": "EarlyStopping", "config": {...}} and its kin. Raises NameError.
CallbackItem callback_from_config(const ConfigValue& value);

}  // namespace sinter
