// What training reports: the numbers of one epoch, and their history.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontend/plot.h"

namespace sinter {

/// "loss", "accuracy", "val_loss" ... of one batch or epoch. Callbacks may add entries; those of an
/// epoch land in History.
using Logs = std::map<std::string, double>;

struct History {
  std::vector<int> epoch;  // counted from 0
  std::map<std::string, std::vector<double>> history;

  /// Raises NameError that lists what was logged.
  const std::vector<double>& operator[](const std::string& key) const;
  /// Draws the curves; `path` ends in .svg or .png.
  void plot(const std::string& path, const PlotOptions& options = {}) const;
};

}  // namespace sinter
