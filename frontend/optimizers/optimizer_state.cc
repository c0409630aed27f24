// The state of an optimizer: made for weights, kept for them, refused to others.
#include "frontend/optimizers/optimizer_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/optimizers/check_rate.h"
#include "frontend/session.h"
#include "frontend/weights_lock.h"

namespace sinter {

VariablePtr OptimizerImpl::new_variable(const std::string& name, Tensor initial) const {
  auto variable =
      std::make_shared<Variable>(name, options_.name + "/" + name, std::move(initial), false);
  if (!state_->weights.empty()) variable->lock = state_->weights.front()->lock;
  return variable;
}

DType OptimizerImpl::scalar_dtype() const {
  if (state_->weights.empty()) return floatx();
  const bool all_wide = std::ranges::all_of(
      state_->weights, [](const VariablePtr& w) { return w->value.dtype() == DType::kFloat64; });
  return all_wide ? DType::kFloat64 : DType::kFloat32;
}

bool OptimizerImpl::is_made_for(const std::vector<VariablePtr>& weights) const {
  return iterations_ != nullptr && std::ranges::all_of(weights, [&](const VariablePtr& w) {
           return state_->made.contains(w.get());
         });
}

bool OptimizerImpl::knows(const std::vector<VariablePtr>& weights) const {
  const std::lock_guard lock(state_->mutex);
  return is_made_for(weights);
}

bool OptimizerImpl::trains(const std::vector<VariablePtr>& weights) const {
  const std::lock_guard lock(state_->mutex);
  return in_use_ && weights == state_->weights;
}

void OptimizerImpl::build(const std::vector<VariablePtr>& weights) {
  const std::lock_guard lock(state_->mutex);
  build_locked(weights);
}

void OptimizerImpl::build_for_steps(const std::vector<VariablePtr>& weights) {
  const std::lock_guard lock(state_->mutex);
  build_locked(weights);
  check_paths();
  in_use_ = true;
}

void OptimizerImpl::build_locked(const std::vector<VariablePtr>& weights) {
  for (const VariablePtr& w : weights) checked_variable(w);
  if (iterations_ != nullptr && weights == state_->weights) return;
  if (is_made_for(weights)) return choose(weights);
  if (in_use_ || (iterations_ != nullptr && iterations_->value.at(0) > 0)) {
    const auto unknown = std::ranges::find_if(
        weights, [&](const VariablePtr& w) { return !state_->made.contains(w.get()); });
    throw Error(fmt::format(
        "optimizer '{}' trains other weights and has no state for '{}': give each model an "
        "optimizer of its own, and a new one to a model of which more weights are trainable now",
        options_.name, (*unknown)->path));
  }
  make(weights);
  choose(weights);
}

void OptimizerImpl::make(const std::vector<VariablePtr>& weights) {
  State& s = *state_;
  const double rate = rate_now();
  for (const int64_t place : std::exchange(state_->undecayed_places, {})) {
    if (place < 0 || place >= static_cast<int64_t>(weights.size())) {
      throw Error(
          fmt::format("optimizer '{}': exclude_from_weight_decay names weight {}, there are {}",
                      options_.name, place, weights.size()));
    }
    state_->undecayed_weights.push_back(weights[static_cast<size_t>(place)]);
  }
  s.weights = weights;
  s.made.clear();
  s.globals.clear();
  rate_ = nullptr;
  iterations_ = new_variable("iteration", Tensor(DType::kInt64, {}));
  if (!learning_rate_.is_scheduled())
    rate_ = new_variable("learning_rate", Tensor::full(scalar_dtype(), Shape{}, rate));
  const auto new_slot = [&](const Variable& w, const std::string& slot, const auto& initial) {
    std::string name = w.path;
    std::ranges::replace(name, '/', '_');
    const ValueType type = w.value.type();
    return new_variable(name + "_" + slot, WithoutInitialValues::is_active()
                                               ? Tensor::placeholder(type.dtype, type.shape)
                                               : initial(type));
  };
  for (const VariablePtr& w : weights) {
    State::OfWeight& made = s.made[w.get()];
    made.weight = w;
    if (options_.use_ema) {
      // The average starts as the weight itself.
      made.average = new_slot(*w, "average", [&](const ValueType&) { return w->value.clone(); });
    }
    if (options_.gradient_accumulation_steps) {
      made.accumulator = new_slot(*w, "gradient_accumulator", [](const ValueType& type) {
        return Tensor(type.dtype, type.shape);
      });
    }
    for (const std::vector<Slot>& run : slots()) {
      for (const Slot& slot : run) {
        made.slots[slot.name] = new_slot(*w, slot.name, [&](const ValueType& type) {
          return Tensor::full(type.dtype, type.shape, slot.initial);
        });
      }
    }
  }
  for (const Slot& global : globals())
    s.globals[global.name] =
        new_variable(global.name, Tensor::full(scalar_dtype(), Shape{}, global.initial));
}

void OptimizerImpl::choose(const std::vector<VariablePtr>& weights) {
  State& s = *state_;
  s.weights = weights;
  s.of_weights.clear();
  for (const VariablePtr& w : weights) s.of_weights.push_back(&s.made.at(w.get()));
  s.variables = variables_of(weights);
}

std::vector<VariablePtr> OptimizerImpl::variables_of(
    const std::vector<VariablePtr>& weights) const {
  const State& s = *state_;
  std::vector<const State::OfWeight*> all;
  for (const VariablePtr& w : weights) all.push_back(&s.made.at(w.get()));
  std::vector<VariablePtr> result = {iterations_};
  if (rate_ != nullptr) result.push_back(rate_);
  for (const State::OfWeight* of : all) {
    if (of->average != nullptr) result.push_back(of->average);
  }
  for (const State::OfWeight* of : all) {
    if (of->accumulator != nullptr) result.push_back(of->accumulator);
  }
  for (const std::vector<Slot>& run : slots()) {
    for (const State::OfWeight* of : all) {
      for (const Slot& slot : run) result.push_back(of->slots.at(slot.name));
    }
  }
  for (const Slot& global : globals()) result.push_back(s.globals.at(global.name));
  return result;
}

std::vector<Slot> OptimizerImpl::globals() const { return {}; }

std::vector<VariablePtr> OptimizerImpl::variables() const {
  const std::lock_guard lock(state_->mutex);
  return state_->variables;
}

std::vector<VariablePtr> OptimizerImpl::variables_for(
    const std::vector<VariablePtr>& weights) const {
  const std::lock_guard lock(state_->mutex);
  return variables_of(weights);
}

VariablePtr OptimizerImpl::iterations() const {
  const std::lock_guard lock(state_->mutex);
  return iterations_;
}

double OptimizerImpl::learning_rate() const {
  const VariablePtr steps = iterations();
  std::optional<VariableGuard> guard;  // a schedule reads what training counts
  if (steps != nullptr && is_scheduled()) guard.emplace(*steps);
  const std::lock_guard lock(state_->mutex);
  return rate_now();
}

double OptimizerImpl::rate_now() const {
  if (rate_ != nullptr) return rate_->value.at(0);
  if (!learning_rate_.is_scheduled()) return learning_rate_.value();
  return learning_rate_.at(iterations_ == nullptr ? 0
                                                  : static_cast<int64_t>(iterations_->value.at(0)));
}

void OptimizerImpl::set_learning_rate(RealNumber value) {
  if (learning_rate_.is_scheduled())
    throw Error(fmt::format(
        "{}: the learning rate follows a schedule, which cannot be changed: give the optimizer a "
        "number as its learning_rate to set it",
        class_name_));
  check_rate(class_name_, "learning_rate", value);
  const auto held = [&] {
    const std::lock_guard lock(state_->mutex);
    return rate_;
  };
  // Another thread may save. Who trains holds the weights when it asks for more here.
  const VariablePtr rate = held();
  std::optional<WeightsGuard> guard;
  if (rate != nullptr && rate->lock != nullptr) guard.emplace(std::span(&rate, 1));
  const std::lock_guard lock(state_->mutex);
  learning_rate_ = double{value};
  if (rate_ != nullptr) {
    rate_->value.set(0, value);
    rate_->touch();
  }
}

void OptimizerImpl::finish_training(const std::vector<VariablePtr>& weights) {
  if (!options_.use_ema) return;
  const std::lock_guard lock(state_->mutex);
  for (const VariablePtr& w : weights) {
    const auto found = state_->made.find(w.get());
    if (found != state_->made.end()) w->put(found->second.average->value);
  }
}

}  // namespace sinter
