// Metrics with a state of their own: variables that each step updates, zeroed when an epoch (or an
// evaluation) begins, and one number that is made of them: precision, AUC, R2, a user's own.
//
//   class Hits : public MetricImpl {
//    public:
//     void update_state(MetricContext& m, Symbol y_true, Symbol y_pred, Symbol w) const override {
//       m.add("hits", sum(y_true * y_pred));
//       m.add("all", sum(y_true));
//     }
//     Symbol result(MetricContext& m) const override {
//       return m.variable("hits") / m.variable("all");
//     }
//   };
//   model.compile({..., .metrics = {Metric("hits", std::make_shared<Hits>())}});
#pragma once

#include <memory>
#include <string>

#include "core/op_line.h"
#include "core/source_location.h"
#include "core/symbol.h"
#include "frontend/config.h"
#include "frontend/metrics.h"

namespace sinter {

/// The state of one metric in the graph of a step, or behind it. All of it is float64: counts are
/// exact to 2^53.
class MetricContext {
 public:
  virtual ~MetricContext() = default;
  /// The value of a variable after the updates so far. It is made where it is first named in
  /// update_state(); `initial` is what all its elements are at the start. result() sees those that
  /// update_state() has made, and raises NameError for others.
  virtual Symbol variable(const std::string& name, const Shape& shape = {}, double initial = 0,
                          const OpLine& line = SourceLocation::current()) = 0;
  /// What the variable becomes at the end of the step; cast to float64. Raises ShapeError when the
  /// shape is not that of the variable, InternalError in result().
  virtual void assign(const std::string& name, OpInput value) = 0;
  /// variable + value, a variable of zeros of value's shape where there is none.
  void add(const std::string& name, OpInput value);
};

/// What a metric does; it holds settings only, so that one object may serve many models.
class MetricImpl {
 public:
  virtual ~MetricImpl();
  /// Writes one batch. Unless takes_classes(), y_true has the dtype and rank of y_pred (which are
  /// changed as losses do). `sample_weight` is [batch], [batch, steps ...] where weights of
  /// steps are given, or an empty symbol.
  virtual void update_state(MetricContext& state, Symbol y_true, Symbol y_pred,
                            Symbol sample_weight) const = 0;
  /// The one number that is logged: a scalar, or one element of any rank.
  virtual Symbol result(MetricContext& state) const = 0;
  /// Whether labels are integer classes and stay as they are.
  virtual bool takes_classes() const { return false; }
  /// "max", "min" or "": how callbacks tell an improvement in mode "auto".
  virtual std::string direction() const { return ""; }
};

}  // namespace sinter
