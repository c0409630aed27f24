#include "frontend/training/numerics_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/line.h"
#include "frontend/training/find_fault.h"

namespace sinter {

// What is watched, and what of `program` is not yet. States of metrics are no part of it: nothing
// that trains follows from them.
std::vector<VariablePtr> NumericsGuard::to_watch(const StepProgram& program) const {
  std::vector<VariablePtr> known = state_.net().variables();
  const std::vector<VariablePtr> slots =
      state_.settings("fit")->arguments.optimizer.impl().variables();
  known.insert(known.end(), slots.begin(), slots.end());
  known.push_back(state_.random_state);
  std::vector<VariablePtr> all = watched_;
  for (const VariablePtr& v : program.step.variables) {
    if (std::ranges::find(known, v) != known.end() && std::ranges::find(all, v) == all.end())
      all.push_back(v);
  }
  return all;
}

uint64_t NumericsGuard::changes() const {
  uint64_t sum = 0;
  for (const VariablePtr& v : watched_) sum += v->changes();
  return sum;
}

void NumericsGuard::take_copy() {
  const WeightsGuard guard(state_.locks());
  copy_.resize(watched_.size());
  was_finite_.resize(watched_.size());
  for (size_t i = 0; i < watched_.size(); ++i) {
    const Tensor& value = watched_[i]->value;
    if (copy_[i].type() != value.type())
      copy_[i] = Tensor::placeholder(value.dtype(), value.shape());
    copy_[i].copy_from(value);
    was_finite_[i] = is_finite(value);
  }
  expected_changes_ = changes();
}

void NumericsGuard::before(const std::shared_ptr<StepProgram>& program, int64_t epoch,
                           int64_t step) {
  if (counted_ != program.get()) {
    std::vector<VariablePtr> all = to_watch(*program);
    if (all.size() != watched_.size()) settle();  // the copy is of those before
    watched_ = std::move(all);
    const std::vector<VariablePtr>& updated = program->step.updated;
    changes_of_step_ = static_cast<uint64_t>(std::ranges::count_if(
        updated, [&](const auto& v) { return std::ranges::find(watched_, v) != watched_.end(); }));
    counted_ = program.get();
  }
  // A callback, or another thread, may have set weights or the learning rate.
  if (!steps_.empty() && changes() != expected_changes_) settle();
  if (steps_.empty()) take_copy();
  steps_.push_back({program, feed_.keep(), feed_.rows(), epoch, step});
}

void NumericsGuard::after() {
  expected_changes_ += changes_of_step_;
  if (!std::ranges::all_of(steps_.back().program->outputs, is_finite)) search();
  if (steps_.size() == kSteps) settle();
}

void NumericsGuard::settle() {
  if (steps_.empty()) return;
  if (!all_finite(*steps_.back().program)) search();
  steps_.clear();
  feed_.forget();
}

bool NumericsGuard::all_finite(const StepProgram& program) const {
  if (!std::ranges::all_of(program.outputs, is_finite)) return false;
  for (size_t i = 0; i < watched_.size(); ++i) {
    if (was_finite_[i] && !is_finite(watched_[i]->value)) return false;
  }
  return true;
}

void NumericsGuard::put_back(const std::vector<Tensor>& values) {
  for (size_t i = 0; i < watched_.size(); ++i) watched_[i]->put(values[i]);
}

void NumericsGuard::search() {
  const WeightsGuard guard(state_.locks());
  put_back(copy_);
  for (const Step& step : steps_) {
    std::vector<Tensor> before;
    for (const VariablePtr& v : watched_) before.push_back(v->value.clone());
    StepProgram& program = *step.program;
    state_.refresh_version();
    program.targets.clear();
    for (Tensor& t : program.outputs) program.targets.push_back(t.raw());
    program.executable->run(feed_.kept(step.batch), program.targets);
    for (const VariablePtr& v : program.step.updated) v->touch();
    if (all_finite(program)) continue;
    put_back(before);
    report(step);
  }
  throw Error(
      with_line(where_,
                "fit: a loss, metric or weight was not finite, and is when the steps before "
                "are repeated: does another thread change weights?"));
}

void NumericsGuard::report(const Step& step) {
  RecordedStep recorded;
  const StepGraph& made = step.program->step;
  recorded.graph = made.graph;
  recorded.rows = step.rows;
  const std::vector<const void*>& inputs = feed_.kept(step.batch);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueType& type = made.graph.type({made.graph.inputs()[i], 0});
    Tensor& input = recorded.inputs.emplace_back(type.dtype, type.shape.specialized(step.rows));
    if (input.bytes() > 0) std::memcpy(input.raw(), inputs[i], static_cast<size_t>(input.bytes()));
  }
  for (const VariablePtr& v : made.variables) recorded.variables.push_back(v->value.clone());
  for (int64_t row = 0; row < step.rows; ++row)
    recorded.samples.push_back(feed_.sample(step.batch, row));
  recorded.epoch = step.epoch;
  recorded.step = step.number;
  recorded.backend = state_.backend();
  recorded.mixed_precision = state_.settings("fit")->arguments.mixed_precision;
  std::optional<NumericsFault> fault = find_fault(recorded);
  if (!fault) {
    throw Error(with_line(
        where_,
        fmt::format("fit: epoch {}, step {}: a loss, metric or weight is not finite, though "
                    "op by op all values are: passes round otherwise near the limits of a "
                    "dtype (compile with .disabled_passes = {{\"all\"}})",
                    step.epoch, step.number)));
  }
  save_replay(replay_file_, recorded);
  fault->replay = replay_file_;
  const std::string text = with_line(where_, "fit: " + fault->to_string());
  throw NumericsError(text, *std::move(fault));
}

}  // namespace sinter
