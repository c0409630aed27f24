// When a monitored number has improved: shared by the callbacks that watch one.
#pragma once

#include <optional>
#include <string>

#include "frontend/history.h"

namespace sinter {

class Monitor {
 public:
  /// `mode` "auto" decides by the name: losses and errors fall, accuracies rise. Raises Error
  /// naming `callback` for an unknown mode, and for a name that does not tell.
  Monitor(std::string callback, std::string name, std::string mode, double min_delta);

  const std::string& name() const { return name_; }
  /// The number of this epoch. None when it is absent: then a warning is printed once.
  std::optional<double> read(const Logs& logs);
  /// min: value + |min_delta| < reference; max: value - |min_delta| > reference. Everything is
  /// better than nothing.
  bool improved(double value, std::optional<double> reference);

 private:
  void decide_direction();

  std::string callback_, name_, mode_;
  double min_delta_;
  bool warned_ = false;
};

}  // namespace sinter
