// The numbers of training by name.
#include "frontend/history.h"

#include "frontend/origin.h"
#include "frontend/plot_curves.h"

namespace sinter {

const std::vector<double>& History::operator[](const LogName& key) const {
  const auto it = history.find(key.name);
  if (it != history.end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [name, values] : history) known.push_back(name);
  raise_unknown_name("entry of the history", key.name, known, key.where);
}

void History::plot(const std::string& path, const PlotOptions& options,
                   SourceLocation where) const {
  at_line(where, [&] {
    std::map<std::string, std::vector<double>> epochs = epochs_of;
    for (const auto& [name, values] : history) epochs.try_emplace(name, epoch.begin(), epoch.end());
    plot_history(history, epochs, path, options);
  });
}

}  // namespace sinter
