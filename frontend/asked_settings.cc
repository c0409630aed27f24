// Notes of what is asked of settings, and the check of those that nobody asked for.
#include "frontend/asked_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/shorten.h"

namespace sinter {
namespace {

thread_local AskedSettings* innermost = nullptr;

}  // namespace

AskedSettings::AskedSettings(const Config& config, std::set<std::string, std::less<>> known)
    : config_(config), outer_(innermost), known_(std::move(known)) {
  innermost = this;
}

AskedSettings::~AskedSettings() { innermost = outer_; }

void AskedSettings::note(const Config& config, std::string_view key) {
  for (AskedSettings* asked = innermost; asked != nullptr; asked = asked->outer_) {
    if (&asked->config_ == &config && !asked->keys_.contains(key)) asked->keys_.emplace(key);
  }
}

void AskedSettings::refuse_misspelt(const std::string& owner, const Config& given) const {
  const auto has = [&](const std::string& key) {
    return std::ranges::find(given.entries(), key, &ConfigEntry::key) != given.entries().end();
  };
  std::vector<std::string> missing;
  for (const std::string& key : keys_) {
    if (!has(key) && !known_.contains(key)) missing.push_back(key);
  }
  for (const ConfigEntry& entry : given.entries()) {
    if (keys_.contains(entry.key) || known_.contains(entry.key)) continue;
    const std::string nearest = nearest_name(entry.key, missing);
    if (nearest.empty()) continue;
    throw Error(fmt::format("unknown setting '{}' of {}; did you mean '{}'?", shortened(entry.key),
                            owner, nearest));
  }
}

}  // namespace sinter
