// The learning rate: a number, or a schedule computed from the number of steps done.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"
#include "frontend/number_arguments.h"

namespace sinter {

class LearningRate {
 public:
  /// From the number of steps done (a float64 scalar, 0 at the first step) to the rate.
  using Schedule = Callable<Symbol(Symbol step)>;

  /// A 0 of whole numbers, as 1 / 1000 is, no optimizer takes; 0.0 is one that does not train.
  template <RealArgument T>
  LearningRate(T value) : value_(value) {}  // NOLINT
  LearningRate(std::string class_name, Config config, Schedule schedule,
               SourceLocation where = SourceLocation::current());
  /// A schedule of your own, from the number of steps done: Adam([](Symbol step) { return 0.1 /
  /// (1.0 + step); }). Files know it by the name it is registered under.
  template <typename F>
  requires(std::is_class_v<F> && !std::is_base_of_v<LearningRate, F> &&
           std::is_invocable_r_v<Symbol, const F&, Symbol>)
      LearningRate(F schedule, SourceLocation where = SourceLocation::current())  // NOLINT
      : LearningRate("custom_schedule", {}, Schedule(std::move(schedule)), where) {}
  /// Raises Error for an empty schedule, as those above do.
  LearningRate(std::string name, Schedule schedule,
               SourceLocation where = SourceLocation::current());

  bool is_scheduled() const { return spec_ != nullptr; }
  double value() const { return value_; }
  Symbol at(OpInput step) const;
  /// The rate after `step` steps, computed on the host.
  double at(int64_t step) const;
  ConfigValue to_config() const;
  /// A number or an object of keras.optimizers.schedules.
  static LearningRate from_config(const ConfigValue& value, double fallback);

 private:
  friend void check_rate(const std::string& owner, const LearningRate& rate);
  struct Spec;
  RealNumber value_ = 0.0;
  Handle<const Spec> spec_;
};

// Steps that are not positive, rates that are none and settings that are not finite raise Error.

struct ExponentialDecayOptions {
  RealNumber initial_learning_rate = 0.01;
  int64_t decay_steps = 1;
  double decay_rate = 0.96;
  bool staircase = false;
};
/// initial * rate^(step / steps); whole exponents when staircase.
LearningRate ExponentialDecay(ExponentialDecayOptions options,
                              SourceLocation where = SourceLocation::current());
/// initial / (1 + rate * step / steps)
LearningRate InverseTimeDecay(ExponentialDecayOptions options,
                              SourceLocation where = SourceLocation::current());

struct PiecewiseConstantDecayOptions {
  std::vector<double> boundaries = {};
  std::vector<double> values = {};
};
/// The first value while step <= boundaries[0], and so on. Raises Error unless boundaries increase
/// and there is one value more.
LearningRate PiecewiseConstantDecay(PiecewiseConstantDecayOptions options,
                                    SourceLocation where = SourceLocation::current());

struct PolynomialDecayOptions {
  RealNumber initial_learning_rate = 0.01;
  int64_t decay_steps = 1;
  double end_learning_rate = 0.0001;
  double power = 1.0;
  bool cycle = false;
};
LearningRate PolynomialDecay(PolynomialDecayOptions options,
                             SourceLocation where = SourceLocation::current());

/// Makes a schedule of your own known under `name`, so that files that use it can be loaded.
void register_schedule(const std::string& name, LearningRate::Schedule schedule,
                       SourceLocation where = SourceLocation::current());

struct CosineDecayOptions {
  RealNumber initial_learning_rate = 0.01;
  int64_t decay_steps = 1;
  double alpha = 0.0;
  std::optional<double> warmup_target = std::nullopt;
  int64_t warmup_steps = 0;
};
LearningRate CosineDecay(CosineDecayOptions options,
                         SourceLocation where = SourceLocation::current());

struct CosineDecayRestartsOptions {
  RealNumber initial_learning_rate = 0.01;
  int64_t first_decay_steps = 1;
  double t_mul = 2.0;
  double m_mul = 1.0;
  double alpha = 0.0;
};
/// Cosines of lengths first_decay_steps t_mul^i and heights initial m_mul^i, i = 0, 1, ..., above
/// alpha initial (Loshchilov, Hutter 2016).
LearningRate CosineDecayRestarts(CosineDecayRestartsOptions options,
                                 SourceLocation where = SourceLocation::current());

}  // namespace sinter
