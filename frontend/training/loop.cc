// One step, one epoch, and the means that are logged.
#include "frontend/training/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "core/error.h"
#include "core/warning.h"
#include "frontend/argument_checks.h"
#include "frontend/origin.h"
#include "frontend/training/feed.h"
#include "frontend/training/metric_results.h"

namespace sinter {

RunningLogs::~RunningLogs() {
  for (size_t m = 0; m < before_.size(); ++m) {
    if (metrics_[m].state != nullptr) metrics_[m].state->restore(before_[m]);
  }
}

void RunningLogs::begin(const StepGraph& step) {
  loss_names_ = step.loss_names;
  metrics_ = step.metrics;
  losses_.assign(loss_names_.size(), 0);
  totals_.assign(metrics_.size(), 0);
  counts_.assign(metrics_.size(), 0);
  for (const LoggedMetric& m : metrics_) {
    before_.push_back(m.state != nullptr ? m.state->save() : std::vector<Tensor>());
    if (m.state != nullptr) m.state->reset();
  }
}

void RunningLogs::run(ModelState& state, StepProgram& program,
                      const std::vector<const void*>& pointers, int64_t samples) {
  if (losses_.empty()) begin(program.step);
  {
    const WeightsGuard guard(program.locks);
    state.refresh_version();
    program.targets.clear();
    for (Tensor& t : program.outputs) program.targets.push_back(t.raw());
    program.executable->run(pointers, program.targets);
    for (const VariablePtr& v : program.step.updated) v->touch();
  }
  const auto n = static_cast<double>(samples);
  samples_ += n;
  size_t next = 0;
  for (double& loss : losses_) loss += program.outputs[next++].at(0) * n;
  for (size_t m = 0; m < metrics_.size(); ++m) {
    if (metrics_[m].state != nullptr) continue;
    totals_[m] += program.outputs[next++].at(0);
    counts_[m] += program.outputs[next++].at(0);
  }
}

Evaluation RunningLogs::evaluation() const {
  Evaluation result;
  for (size_t i = 0; i < losses_.size(); ++i)
    result.values.emplace_back(loss_names_[i], losses_[i] / samples_);
  for (size_t m = 0; m < metrics_.size(); ++m) {
    const LoggedMetric& metric = metrics_[m];
    if (metric.state != nullptr) {
      result.values.emplace_back(metric.name, metric.state->value());
      continue;
    }
    double mean = counts_[m] == 0 ? 0 : totals_[m] / counts_[m];
    if (metric.metric.result() == Metric::Result::kRootMean) mean = std::sqrt(mean);
    result.values.emplace_back(metric.name, mean);
  }
  // The sign of a NaN says nothing, and would be printed.
  for (auto& [name, value] : result.values) {
    if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  }
  return result;
}

Evaluation evaluate_rows(ModelState& state, const PreparedData& data, int64_t batch_size,
                         std::optional<int64_t> steps) {
  TensorFeed feed(data, batch_size, steps);
  return evaluate_feed(state, feed);
}

void check_steps(const char* call, const char* argument, std::optional<int64_t> steps) {
  if (steps) check_at_least(call, argument, *steps, 1);
}

void warn_of_missing_batches(const char* argument, int64_t steps, int64_t taken, const Feed& feed,
                             SourceLocation where) {
  if (taken >= steps) return;
  const std::string text =
      fmt::format("{} = {}, but the data ran out: {}; leave it out to take all", argument, steps,
                  feed.shortage());
  warn_once(text, with_line(where, text));
}

void check_batch_size(const char* call, int64_t batch_size) {
  check_at_least(call, "batch_size", batch_size, 1);
}

std::vector<std::pair<std::string, double>> shown(const Logs& logs) {
  std::vector<std::pair<std::string, double>> result;
  for (const auto& entry : logs) {
    if (!entry.first.starts_with("val_")) result.push_back(entry);
  }
  for (const auto& entry : logs) {
    if (entry.first.starts_with("val_")) result.push_back(entry);
  }
  return result;
}

}  // namespace sinter
