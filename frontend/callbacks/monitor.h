// When a monitored number has improved: shared by the callbacks that watch one.
#pragma once

#include <optional>
#include <string>

#include "frontend/history.h"

namespace sinter {

class Model;

class Monitor {
 public:
  /// `mode` "auto" asks the metric of that name in the model, and for other logs the name: losses
  /// and errors fall, accuracies rise. Raises NameError naming `callback` for an unknown mode.
  Monitor(std::string callback, std::string name, std::string mode, double min_delta);

  const std::string& name() const { return name_; }
  /// The number of this epoch. None when it is absent: then a warning is printed once.
  std::optional<double> read(const Logs& logs);
  /// min: value + |min_delta| < reference; max: value - |min_delta| > reference. Every number is
  /// better than nothing; NaN is never better. Raises Error when mode "auto" cannot tell.
  bool improved(double value, std::optional<double> reference, const Model& model);

 private:
  void decide_direction(const Model& model);

  std::string callback_, name_, mode_;
  double min_delta_;
  bool warned_ = false;
};

}  // namespace sinter
