// What braces in the arguments of compile() mean.
#include "frontend/compile_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace sinter {
namespace {

std::vector<Metric> metrics_of(std::span<const MetricItem> items) {
  std::vector<Metric> result;
  for (const MetricItem& item : items) result.push_back(item.metric());
  return result;
}

bool is_output(const MetricEntry& entry, const std::vector<std::string>& outputs) {
  if (entry.output()) return true;
  return entry.braced() && entry.items().size() > 1 &&
         std::ranges::find(outputs, entry.items()[0].name()) != outputs.end();
}

// Of `{"prbs", "accuracy"}` nobody can say whether the first name should be an output's.
std::vector<Metric> list_of(const MetricEntry& entry, const std::vector<std::string>& outputs) {
  try {
    return metrics_of(entry.items());
  } catch (const NameError&) {
    const std::string& name = entry.items()[0].name();
    std::vector<std::string> known = metric_names();
    if (!entry.braced() || name.empty() || std::ranges::find(known, name) != known.end()) throw;
    known.insert(known.end(), outputs.begin(), outputs.end());
    raise_unknown_name("output or metric in compile(metrics = ...)", name, known);
  }
}

}  // namespace

LossArgument::LossArgument(std::initializer_list<LossEntry> losses) {
  for (const LossEntry& entry : losses) {
    if (!entry.output()) {
      list_.push_back(entry.loss());
    } else if (!named_.emplace(*entry.output(), entry.loss()).second) {
      throw Error(fmt::format("compile: output '{}' is given two losses", *entry.output()));
    }
  }
  if (!list_.empty() && !named_.empty())
    throw Error("compile: losses are a list in the order of the outputs or by name, not both");
}

MetricsArgument::MetricsArgument(std::initializer_list<MetricEntry> metrics) {
  if (std::ranges::any_of(metrics, &MetricEntry::braced)) {
    braced_.assign(metrics.begin(), metrics.end());
    return;
  }
  for (const MetricEntry& entry : metrics) flat_.push_back(entry.items()[0].metric());
}

MetricsArgument MetricsArgument::settled(const std::vector<std::string>& outputs) const {
  if (braced_.empty()) return *this;
  MetricsArgument result;
  const auto named = std::ranges::count_if(
      braced_, [&](const MetricEntry& entry) { return is_output(entry, outputs); });
  if (named == 0) {
    for (const MetricEntry& entry : braced_) result.lists_.push_back(list_of(entry, outputs));
    return result;
  }
  if (named != static_cast<std::ptrdiff_t>(braced_.size()))
    throw Error("compile: metrics are one list for each output or by name, not both");
  for (const MetricEntry& entry : braced_) {
    const std::string& output = entry.output() ? *entry.output() : entry.items()[0].name();
    const auto items = std::span(entry.items()).subspan(entry.output() ? 0 : 1);
    if (!result.named_.emplace(output, metrics_of(items)).second)
      throw Error(fmt::format("compile: output '{}' stands twice in metrics", output));
  }
  return result;
}

}  // namespace sinter
