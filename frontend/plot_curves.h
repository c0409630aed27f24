// Histories whose curves have epochs of their own.
#pragma once

#include <map>
#include <string>

#include "frontend/plot.h"

namespace sinter {

/// As the other plot_history(); value i of a curve stands at epochs.at(name)[i] plus the first
/// epoch of the options, where the curve is named there.
void plot_history(const std::map<std::string, List<double>>& history,
                  const std::map<std::string, List<double>>& epochs, const std::string& path,
                  const PlotOptions& options);

}  // namespace sinter
