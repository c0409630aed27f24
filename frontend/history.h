// What training reports: the numbers of one epoch, and their history.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/source_location.h"
#include "frontend/plot.h"

namespace sinter {

/// "loss", "accuracy", "val_loss" ... of one batch or epoch. Callbacks may add entries; those of an
/// epoch land in History.
using Logs = std::map<std::string, double>;

/// A name in brackets, with the line where it stands.
struct LogName {
  template <typename T>
  requires std::is_convertible_v<T, std::string> LogName(
      T&& text, SourceLocation line = SourceLocation::current())  // NOLINT
      : name(std::forward<T>(text)), where(line) {}
  std::string name;
  SourceLocation where;
};

struct History {
  std::vector<int> epoch;  // counted from 0
  std::map<std::string, std::vector<double>> history;
  /// The epochs in which there was such a value, where that was not in all of them: validation with
  /// a validation_freq, what a callback adds now and then.
  std::map<std::string, std::vector<double>> epochs_of;

  /// Raises NameError that lists what was logged.
  const std::vector<double>& operator[](const LogName& key) const;
  /// Draws the curves over their epochs, which count from 1 in the picture
  /// (PlotOptions::first_epoch is that of epoch 0); `path` ends in .svg or .png.
  void plot(const std::string& path, const PlotOptions& options = {},
            SourceLocation where = SourceLocation::current()) const;
};

}  // namespace sinter
