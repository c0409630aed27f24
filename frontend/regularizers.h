// Penalties on weights and outputs, added to the loss: L1, L2, L1L2 and the user's own functions.
#pragma once

#include <memory>
#include <string>
#include <type_traits>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"
#include "frontend/number_arguments.h"

namespace sinter {

/// From a weight or an output to a scalar. Empty by default (no penalty).
class Regularizer {
 public:
  using Function = Callable<Symbol(Symbol)>;

  Regularizer() = default;
  Regularizer(std::nullptr_t) {}  // NOLINT
  /// "l1", "l2" (0.01 each) or "l1l2" (0 and 0, as in Keras 3). Raises NameError.
  Regularizer(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  Regularizer(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  /// Functions of your own. These and those below raise Error for an empty one.
  template <SymbolParameter S>
  Regularizer(Symbol (*function)(S), SourceLocation where = SourceLocation::current())  // NOLINT
      : Regularizer("custom_regularizer", {}, Function(function), where) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<Regularizer, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol>)
      Regularizer(F function, SourceLocation where = SourceLocation::current())  // NOLINT
      : Regularizer("custom_regularizer", {}, Function(std::move(function)), where) {}
  Regularizer(std::string class_name, Config config, Function function,
              SourceLocation where = SourceLocation::current());
  /// A function of your own under a name, by which files know it: see register_regularizer().
  Regularizer(std::string name, Function function,
              SourceLocation where = SourceLocation::current());

  explicit operator bool() const { return spec_ != nullptr; }
  Symbol operator()(OpInput x) const;
  /// Null, or an object of keras.regularizers.
  ConfigValue to_config() const;
  /// From null, a name or an object. Raises NameError or Error.
  static Regularizer from_config(const ConfigValue& value);

 private:
  struct Spec;
  Handle<const Spec> spec_;
};

// As in Keras, factors that are negative, infinite or NaN raise Error; of a 0 of whole numbers, as
// 1 / 1000 is, a warning tells.

/// l1 * sum(|w|)
class L1 : public Regularizer {
 public:
  explicit L1(RealNumber l1 = 0.01, SourceLocation where = SourceLocation::current());
};
/// l2 * sum(w^2), without a half
class L2 : public Regularizer {
 public:
  explicit L2(RealNumber l2 = 0.01, SourceLocation where = SourceLocation::current());
};
struct L1L2Options {
  RealNumber l1 = 0.0;
  RealNumber l2 = 0.0;
};
class L1L2 : public Regularizer {
 public:
  explicit L1L2(L1L2Options options = {}, SourceLocation where = SourceLocation::current());
};

Regularizer l1(RealNumber l1 = 0.01, SourceLocation where = SourceLocation::current());
Regularizer l2(RealNumber l2 = 0.01, SourceLocation where = SourceLocation::current());
Regularizer l1_l2(RealNumber l1 = 0.01, RealNumber l2 = 0.01,
                  SourceLocation where = SourceLocation::current());

/// Makes a function of your own known under `name` in the process, for strings and for files that
/// use it; custom_objects of load_model hold for one load. One that was given without a name is
/// "custom_regularizer" in files, which can hold but one such.
void register_regularizer(const std::string& name, Regularizer::Function function,
                          SourceLocation where = SourceLocation::current());

}  // namespace sinter
