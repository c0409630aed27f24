// When a monitored number has improved: shared by the callbacks that watch one.
#pragma once

#include <optional>
#include <string>

#include "core/source_location.h"
#include "frontend/history.h"

namespace sinter {

class Model;

/// "'val_los' is not among the logs; did you mean 'val_loss'? Known: loss, val_loss." and, where
/// the name is that of a validation that did not happen, what fit() needs for it.
std::string missing_log(const std::string& name, const Logs& logs);

class Monitor {
 public:
  /// `mode` "auto" asks the metric of that name in the model, and for other logs the name: losses
  /// and errors fall, accuracies rise. Texts begin with `callback` and the line of `where`. Raises
  /// NameError for an unknown mode.
  Monitor(std::string callback, std::string name, std::string mode, double min_delta,
          SourceLocation where);

  const std::string& name() const { return name_; }
  /// The number of this epoch. None when it is absent: then a warning says once what there is, and
  /// what may be meant; not of an epoch without validation where others have one (`validated`).
  std::optional<double> read(const Logs& logs, bool validated);
  /// min: value + |min_delta| < reference; max: value - |min_delta| > reference. Every number is
  /// better than nothing; NaN is never better. Raises Error when mode "auto" cannot tell.
  bool improved(double value, std::optional<double> reference, const Model& model);

 private:
  void decide_direction(const Model& model);

  std::string title_, name_, mode_;  // "EarlyStopping (train.cc:23)"
  double min_delta_;
  bool warned_ = false;
};

}  // namespace sinter
