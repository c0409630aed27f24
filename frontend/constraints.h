// Constraints on weights, applied after each update: MaxNorm, NonNeg, UnitNorm, MinMaxNorm and the
// user's own functions.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "core/axes.h"
#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"

namespace sinter {

/// From an updated weight to the weight that is kept. Empty by default.
class Constraint {
 public:
  using Function = Callable<Symbol(Symbol)>;

  Constraint() = default;
  Constraint(std::nullptr_t) {}  // NOLINT
  /// "max_norm", "non_neg", "unit_norm", "min_max_norm" with defaults. Raises NameError.
  Constraint(const std::string& name, SourceLocation where = SourceLocation::current());  // NOLINT
  Constraint(const char* name, SourceLocation where = SourceLocation::current());         // NOLINT
  /// Functions of your own. These and those below raise Error for an empty one.
  template <SymbolParameter S>
  Constraint(Symbol (*function)(S), SourceLocation where = SourceLocation::current())  // NOLINT
      : Constraint("custom_constraint", {}, Function(function), where) {}
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<Constraint, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol>)
      Constraint(F function, SourceLocation where = SourceLocation::current())  // NOLINT
      : Constraint("custom_constraint", {}, Function(std::move(function)), where) {}
  Constraint(std::string class_name, Config config, Function function,
             SourceLocation where = SourceLocation::current());
  /// A function of your own under a name, by which files know it: see register_constraint().
  Constraint(std::string name, Function function, SourceLocation where = SourceLocation::current());

  explicit operator bool() const { return spec_ != nullptr; }
  Symbol operator()(OpInput w) const;
  /// Null, or an object of keras.constraints.
  ConfigValue to_config() const;
  static Constraint from_config(const ConfigValue& value);

 private:
  struct Spec;
  Handle<const Spec> spec_;
};

// Settings that are NaN raise Error.

struct MaxNormOptions {
  double max_value = 2.0;
  Axes axis = 0;
};
/// w * clip(n, 0, max_value) / (eps + n), n the norm over the axes `axis`; eps =
/// 1e-7. Raises ShapeError for an axis that a weight has not.
class MaxNorm : public Constraint {
 public:
  explicit MaxNorm(MaxNormOptions options = {}, SourceLocation where = SourceLocation::current());
};
/// w where w >= 0, else 0.
class NonNeg : public Constraint {
 public:
  NonNeg();
};
struct UnitNormOptions {
  Axes axis = 0;
};
/// w / (eps + n)
class UnitNorm : public Constraint {
 public:
  explicit UnitNorm(UnitNormOptions options = {}, SourceLocation where = SourceLocation::current());
};
struct MinMaxNormOptions {
  double min_value = 0.0;
  double max_value = 1.0;
  double rate = 1.0;
  Axes axis = 0;
};
/// w * (rate * clip(n, min_value, max_value) + (1 - rate) * n) / (eps + n)
class MinMaxNorm : public Constraint {
 public:
  explicit MinMaxNorm(MinMaxNormOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

/// Makes a function of your own known under `name` in the process, for strings and for files that
/// use it; custom_objects of load_model hold for one load. One that was given without a name is
/// "custom_constraint" in files, which can hold but one such.
void register_constraint(const std::string& name, Constraint::Function function,
                         SourceLocation where = SourceLocation::current());

}  // namespace sinter
