// One step, one epoch, and the means that are logged.
#include "frontend/training/loop.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"

namespace sinter {

void RunningLogs::add(const StepProgram& program, int64_t samples) {
  const StepGraph& step = program.step;
  if (losses_.empty()) {
    loss_names_ = step.loss_names;
    metrics_.clear();
    for (const LoggedMetric& m : step.metrics) metrics_.emplace_back(m.name, m.metric.result());
    losses_.assign(loss_names_.size(), 0);
    totals_.assign(metrics_.size(), 0);
    counts_.assign(metrics_.size(), 0);
  }
  const auto n = static_cast<double>(samples);
  samples_ += n;
  size_t next = 0;
  for (double& loss : losses_) loss += program.outputs[next++].at(0) * n;
  for (size_t m = 0; m < metrics_.size(); ++m) {
    totals_[m] += program.outputs[next++].at(0);
    counts_[m] += program.outputs[next++].at(0);
  }
}

Evaluation RunningLogs::evaluation() const {
  Evaluation result;
  for (size_t i = 0; i < losses_.size(); ++i)
    result.values.emplace_back(loss_names_[i], losses_[i] / samples_);
  for (size_t m = 0; m < metrics_.size(); ++m) {
    double mean = counts_[m] == 0 ? 0 : totals_[m] / counts_[m];
    const auto& [name, kind] = metrics_[m];
    if (kind == Metric::Result::kRootMean) mean = std::sqrt(mean);
    result.values.emplace_back(name, mean);
  }
  return result;
}

void run_step(ModelState& state, StepProgram& program, const std::vector<const void*>& pointers) {
  const WeightsGuard guard(program.locks);
  state.refresh_version();
  program.targets.clear();
  for (Tensor& t : program.outputs) program.targets.push_back(t.raw());
  program.executable->run(pointers, program.targets);
  for (const VariablePtr& v : program.step.updated) v->touch();
}

Evaluation evaluate_rows(ModelState& state, const PreparedData& data, int64_t batch_size,
                         std::optional<int64_t> steps,
                         const std::function<void(int64_t, const RunningLogs&)>& on_batch) {
  const std::vector<int64_t> in_order;
  Batches batches(data, batch_size, in_order);
  const int64_t count = steps ? std::min(*steps, batches.count()) : batches.count();
  RunningLogs logs;
  Programs programs([&](int64_t batch) { return evaluation_program(state, data.inputs, batch); });
  for (int64_t b = 0; b < count; ++b) {
    StepProgram& program = programs.of_size(batches.size(b));
    run_step(state, program, batches.pointers(b));
    logs.add(program, batches.size(b));
    if (on_batch) on_batch(b + 1, logs);
  }
  return logs.evaluation();
}

void check_steps(const char* call, const char* argument, std::optional<int64_t> steps) {
  if (steps && *steps <= 0)
    throw Error(fmt::format("{}: {} must be at least 1, found {}", call, argument, *steps));
}

void check_batch_size(const char* call, int64_t batch_size) {
  if (batch_size <= 0)
    throw Error(fmt::format("{}: batch_size must be at least 1, found {}", call, batch_size));
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
