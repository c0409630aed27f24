// Direction and comparison of a monitored number.
#include "frontend/callbacks/monitor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "frontend/metrics.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"

namespace sinter {

namespace {

bool has_validation(const Logs& logs) {
  return std::ranges::any_of(logs, [](const auto& log) { return log.first.starts_with("val_"); });
}

}  // namespace

std::string missing_log(const std::string& name, const Logs& logs) {
  std::vector<std::string> known;
  for (const auto& [key, value] : logs) known.push_back(key);
  const std::string nearest = nearest_name(name, known);
  const std::string suggestion =
      nearest.empty() ? "." : fmt::format("; did you mean '{}'?", nearest);
  const bool misses_validation =
      name.starts_with("val_") && !has_validation(logs) && logs.contains(name.substr(4));
  return fmt::format("'{}' is not among the logs{} Known: {}.{}", name, suggestion,
                     fmt::join(known, ", "),
                     misses_validation ? " This epoch had no validation: give fit() "
                                         ".validation_split or .validation_data, and a "
                                         ".validation_freq that its epochs reach."
                                       : "");
}

Monitor::Monitor(std::string callback, std::string name, std::string mode, double min_delta,
                 SourceLocation where)
    : title_(named_with_line(callback, where)),
      name_(std::move(name)),
      mode_(std::move(mode)),
      min_delta_(std::abs(min_delta)) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max")
    raise_unknown_name(callback + " mode", mode_, {"auto", "min", "max"}, where);
}

std::optional<double> Monitor::read(const Logs& logs, bool validated) {
  const auto it = logs.find(name_);
  if (it != logs.end()) return it->second;
  if (validated && name_.starts_with("val_") && !has_validation(logs)) return std::nullopt;
  if (!warned_)
    fmt::print(stderr, "sinter: {}: {} Nothing is done\n", title_, missing_log(name_, logs));
  warned_ = true;
  return std::nullopt;
}

void Monitor::decide_direction(const Model& model) {
  if (mode_ != "auto") return;
  const std::string plain = name_.starts_with("val_") ? name_.substr(4) : name_;
  std::optional<std::string> direction;
  for (const LoggedMetric& m : logged_metrics(model.state()->settings("monitor")->outputs)) {
    if (m.name == plain) direction = m.metric.direction();
  }
  if (!direction) direction = metric_direction(plain);
  if (direction->empty()) {
    throw Error(fmt::format(
        "{}: cannot tell whether '{}' should rise or fall; set .mode to \"min\" or \"max\"", title_,
        name_));
  }
  mode_ = *direction;
}

bool Monitor::improved(double value, std::optional<double> reference, const Model& model) {
  decide_direction(model);
  if (std::isnan(value)) return false;
  if (!reference) return true;
  return mode_ == "min" ? value + min_delta_ < *reference : value - min_delta_ > *reference;
}

}  // namespace sinter
