// The numbers of training by name.
#include "frontend/history.h"

#include "frontend/origin.h"
#include "frontend/plot_curves.h"

namespace sinter {

namespace {

template <typename Value>
const Value& find_logged(const std::map<std::string, Value>& entries, const LogName& key,
                         const char* kind) {
  const auto it = entries.find(key.name);
  if (it != entries.end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [name, value] : entries) known.push_back(name);
  raise_unknown_name(kind, key.name, known, key.where);
}

}  // namespace

double Logs::at(const LogName& key) const {
  return find_logged<double>(*this, key, "entry of the logs");
}

Logs::Entry& Logs::Entry::operator=(double value) {
  logs_.insert_or_assign(key_.name, value);
  return *this;
}

const List<double>& LoggedValues::at(const LogName& key) const {
  return find_logged<List<double>>(*this, key, "entry of the history");
}

const List<double>& History::operator[](const LogName& key) const { return history.at(key); }

void History::plot(const std::string& path, const PlotOptions& options,
                   SourceLocation where) const {
  at_line(where, [&] {
    std::map<std::string, List<double>> epochs = epochs_of;
    for (const auto& [name, values] : history) epochs.try_emplace(name, epoch.begin(), epoch.end());
    plot_history(history, epochs, path, options);
  });
}

}  // namespace sinter
