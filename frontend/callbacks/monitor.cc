// Direction and comparison of a monitored number.
#include "frontend/callbacks/monitor.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "frontend/metrics.h"
#include "frontend/model_state.h"

namespace sinter {

Monitor::Monitor(std::string callback, std::string name, std::string mode, double min_delta)
    : callback_(std::move(callback)),
      name_(std::move(name)),
      mode_(std::move(mode)),
      min_delta_(std::abs(min_delta)) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max")
    raise_unknown_name(callback_ + " mode", mode_, {"auto", "min", "max"});
}

std::optional<double> Monitor::read(const Logs& logs) {
  const auto it = logs.find(name_);
  if (it != logs.end()) return it->second;
  if (!warned_) {
    std::string known;
    for (const auto& [key, value] : logs) known += (known.empty() ? "" : ", ") + key;
    fmt::print(stderr, "{}: '{}' is not among the logs ({}), so nothing is done\n", callback_,
               name_, known);
    warned_ = true;
  }
  return std::nullopt;
}

void Monitor::decide_direction(const Model& model) {
  if (mode_ != "auto") return;
  const std::string plain = name_.starts_with("val_") ? name_.substr(4) : name_;
  std::optional<std::string> direction;
  for (const LoggedMetric& m : logged_metrics(model.state()->settings("monitor").outputs)) {
    if (m.name == plain) direction = m.metric.direction();
  }
  if (!direction) direction = metric_direction(plain);
  if (direction->empty()) {
    throw Error(fmt::format(
        "{}: cannot tell whether '{}' should rise or fall; set .mode to \"min\" or \"max\"",
        callback_, name_));
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
