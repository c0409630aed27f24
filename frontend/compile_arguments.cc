// What braces in the arguments of compile() mean.
#include "frontend/compile_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "frontend/origin.h"

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
    raise_unknown_name("output or metric in compile(metrics = ...)", name, known,
                       entry.items()[0].where());
  }
}

}  // namespace

LossEntry::LossEntry(Loss loss, Only) : loss_(std::move(loss)) {}
LossEntry::LossEntry(const char* name, SourceLocation where) : loss_(name, where) {}
LossEntry::LossEntry(const std::string& name, SourceLocation where) : loss_(name, where) {}
LossEntry::LossEntry(const char* output, Loss loss)
    : LossEntry(std::string(output), std::move(loss)) {}
LossEntry::LossEntry(std::string output, Loss loss)
    : named_(true), output_(std::move(output)), loss_(std::move(loss)) {}

LossArgument::LossArgument() = default;
LossArgument::LossArgument(const LossArgument&) = default;
LossArgument::LossArgument(LossArgument&&) noexcept = default;
LossArgument& LossArgument::operator=(const LossArgument&) = default;
LossArgument& LossArgument::operator=(LossArgument&&) noexcept = default;
LossArgument::~LossArgument() = default;
LossArgument::LossArgument(Loss loss, Only) { list_.change().push_back(std::move(loss)); }
LossArgument::LossArgument(const char* name, SourceLocation where)
    : LossArgument(Loss(name, where), Only()) {}
LossArgument::LossArgument(const std::string& name, SourceLocation where)
    : LossArgument(Loss(name, where), Only()) {}
LossArgument::LossArgument(std::vector<Loss> losses) { list_.change() = std::move(losses); }
LossArgument::LossArgument(std::map<std::string, Loss> losses) {
  named_.change() = std::move(losses);
}

LossArgument::LossArgument(std::initializer_list<LossEntry> losses) {
  for (const LossEntry& entry : losses) {
    if (!entry.output()) {
      list_.change().push_back(entry.loss());
    } else if (!named_.change().emplace(*entry.output(), entry.loss()).second) {
      throw Error(fmt::format("compile: output '{}' is given two losses", *entry.output()));
    }
  }
  if (!list_->empty() && !named_->empty())
    throw Error("compile: losses are a list in the order of the outputs or by name, not both");
}

MetricItem::MetricItem(const MetricItem&) = default;
MetricItem::MetricItem(MetricItem&&) noexcept = default;
MetricItem& MetricItem::operator=(const MetricItem&) = default;
MetricItem& MetricItem::operator=(MetricItem&&) noexcept = default;
MetricItem::~MetricItem() = default;
MetricItem::MetricItem(const char* name, SourceLocation where) : name_(name), where_(where) {}
MetricItem::MetricItem(std::string name, SourceLocation where)
    : name_(std::move(name)), where_(where) {}
MetricItem::MetricItem(Metric metric, Only) { metric_.change().push_back(std::move(metric)); }
Metric MetricItem::metric() const {
  return metric_->empty() ? Metric(name_, where_) : metric_->front();
}

MetricEntry::MetricEntry(const MetricEntry&) = default;
MetricEntry::MetricEntry(MetricEntry&&) noexcept = default;
MetricEntry& MetricEntry::operator=(const MetricEntry&) = default;
MetricEntry& MetricEntry::operator=(MetricEntry&&) noexcept = default;
MetricEntry::~MetricEntry() = default;
MetricEntry::MetricEntry() : braced_(true) {}
MetricEntry::MetricEntry(MetricItem metric, Only) { items_.change().push_back(std::move(metric)); }
MetricEntry::MetricEntry(const char* name, SourceLocation where)
    : MetricEntry(MetricItem(name, where), Only()) {}
MetricEntry::MetricEntry(const std::string& name, SourceLocation where)
    : MetricEntry(MetricItem(name, where), Only()) {}
MetricEntry::MetricEntry(std::initializer_list<MetricItem> metrics) : braced_(true) {
  items_.change() = metrics;
}
MetricEntry::MetricEntry(std::string output, std::initializer_list<MetricItem> metrics)
    : MetricEntry(metrics) {
  named_ = true;
  output_ = std::move(output);
}

MetricsArgument::MetricsArgument() = default;
MetricsArgument::MetricsArgument(const MetricsArgument&) = default;
MetricsArgument::MetricsArgument(MetricsArgument&&) noexcept = default;
MetricsArgument& MetricsArgument::operator=(const MetricsArgument&) = default;
MetricsArgument& MetricsArgument::operator=(MetricsArgument&&) noexcept = default;
MetricsArgument::~MetricsArgument() = default;
MetricsArgument::MetricsArgument(Metric metric, Only) {
  flat_.change().push_back(std::move(metric));
}
MetricsArgument::MetricsArgument(const char* name, SourceLocation where)
    : MetricsArgument(Metric(name, where), Only()) {}
MetricsArgument::MetricsArgument(const std::string& name, SourceLocation where)
    : MetricsArgument(Metric(name, where), Only()) {}
MetricsArgument::MetricsArgument(const std::vector<std::string>& names, SourceLocation where) {
  for (const std::string& name : names) flat_.change().emplace_back(name, where);
}
MetricsArgument::MetricsArgument(std::vector<Metric> metrics) {
  flat_.change() = std::move(metrics);
}
MetricsArgument::MetricsArgument(std::vector<std::vector<Metric>> metrics) {
  lists_.change() = std::move(metrics);
}
MetricsArgument::MetricsArgument(std::map<std::string, std::vector<Metric>> metrics) {
  named_.change() = std::move(metrics);
}

MetricsArgument::MetricsArgument(std::initializer_list<MetricEntry> metrics) {
  if (std::ranges::any_of(metrics, &MetricEntry::braced)) {
    braced_.change() = metrics;
    return;
  }
  for (const MetricEntry& entry : metrics) flat_.change().push_back(entry.items()[0].metric());
}

MetricsArgument MetricsArgument::settled(const std::vector<std::string>& outputs) const {
  if (braced_->empty()) return *this;
  MetricsArgument result;
  const auto named = std::ranges::count_if(
      *braced_, [&](const MetricEntry& entry) { return is_output(entry, outputs); });
  if (named == 0) {
    for (const MetricEntry& entry : *braced_)
      result.lists_.change().push_back(list_of(entry, outputs));
    return result;
  }
  if (named != static_cast<std::ptrdiff_t>(braced_->size()))
    throw Error("compile: metrics are one list for each output or by name, not both");
  for (const MetricEntry& entry : *braced_) {
    const std::string& output = entry.output() ? *entry.output() : entry.items()[0].name();
    const auto items = std::span(entry.items()).subspan(entry.output() ? 0 : 1);
    if (!result.named_.change().emplace(output, metrics_of(items)).second)
      throw Error(fmt::format("compile: output '{}' stands twice in metrics", output));
  }
  return result;
}

LossWeights::LossWeights() = default;
LossWeights::LossWeights(const LossWeights&) = default;
LossWeights::LossWeights(LossWeights&&) noexcept = default;
LossWeights& LossWeights::operator=(const LossWeights&) = default;
LossWeights& LossWeights::operator=(LossWeights&&) noexcept = default;
LossWeights::~LossWeights() = default;
LossWeights::LossWeights(double weight, Only) { list_.change().push_back(weight); }
LossWeights::LossWeights(std::initializer_list<double> weights) { list_.change() = weights; }
LossWeights::LossWeights(std::vector<double> weights) { list_.change() = std::move(weights); }
LossWeights::LossWeights(std::map<std::string, double> weights) {
  named_.change() = std::move(weights);
}
LossWeights::LossWeights(std::initializer_list<std::pair<const std::string, double>> weights) {
  named_.change() = weights;
  if (named_->size() == weights.size()) return;
  for (const auto& [output, weight] : weights) {
    const auto same = [&](const auto& entry) { return entry.first == output; };
    if (std::ranges::count_if(weights, same) > 1)
      throw Error(fmt::format("compile: output '{}' stands twice in loss_weights", output));
  }
}

const std::vector<Loss>& LossArgument::list() const& { return *list_; }
std::vector<Loss> LossArgument::list() && { return std::move(list_.change()); }
const std::map<std::string, Loss>& LossArgument::named() const& { return *named_; }
std::map<std::string, Loss> LossArgument::named() && { return std::move(named_.change()); }
const std::vector<MetricItem>& MetricEntry::items() const { return *items_; }
const std::vector<Metric>& MetricsArgument::flat() const& { return *flat_; }
std::vector<Metric> MetricsArgument::flat() && { return std::move(flat_.change()); }
const std::vector<std::vector<Metric>>& MetricsArgument::lists() const& { return *lists_; }
std::vector<std::vector<Metric>> MetricsArgument::lists() && { return std::move(lists_.change()); }
const std::map<std::string, std::vector<Metric>>& MetricsArgument::named() const& {
  return *named_;
}
std::map<std::string, std::vector<Metric>> MetricsArgument::named() && {
  return std::move(named_.change());
}
const std::vector<double>& LossWeights::list() const& { return *list_; }
std::vector<double> LossWeights::list() && { return std::move(list_.change()); }
const std::map<std::string, double>& LossWeights::named() const& { return *named_; }
std::map<std::string, double> LossWeights::named() && { return std::move(named_.change()); }

}  // namespace sinter
