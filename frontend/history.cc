// The numbers of training by name.
#include "frontend/history.h"

#include "core/error.h"

namespace sinter {

const std::vector<double>& History::operator[](const std::string& key) const {
  const auto it = history.find(key);
  if (it != history.end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [name, values] : history) known.push_back(name);
  raise_unknown_name("entry of the history", key, known);
}

void History::plot(const std::string& path, const PlotOptions& options) const {
  plot_history(history, path, options);
}

}  // namespace sinter
