// Pictures of training: the history as curves, SVG or PNG by the file's name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/source_location.h"
#include "frontend/list.h"

namespace sinter {

struct PlotOptions {
  std::string title = "";
  int width = 0;   // pixels; 0 chooses by the number of panels
  int height = 0;  // PNG files have twice as many in each direction, for sharp text
  int first_epoch = 1;
};

/// Draws a panel for each metric ("loss" first), with its "val_" curve in the same panel. `path`
/// ends in .svg or .png. Values that are not finite leave a gap. Raises Error or FileError.
void plot_history(const std::map<std::string, List<double>>& history, const std::string& path,
                  const PlotOptions& options = {},
                  SourceLocation where = SourceLocation::current());

/// Round numbers (1, 2 or 5 times a power of ten apart) from at or below `low` to at or above
/// `high`, about `count` of them.
std::vector<double> nice_ticks(double low, double high, int count);

}  // namespace sinter
