// What all optimizers share.
#include "frontend/optimizers/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

#include "core/error.h"
#include "core/graph.h"
#include "frontend/argument_checks.h"
#include "frontend/optimizers/check_rate.h"
#include "frontend/optimizers/optimizer_state.h"
#include "frontend/origin.h"
#include "frontend/own_names.h"
#include "frontend/session.h"

namespace sinter {

struct StepContext::Shared {
  std::map<std::string, Symbol> symbols;
};

StepContext::StepContext(CallContext& call_context, Symbol learning_rate, Symbol number,
                         Symbol updates)
    : lr(learning_rate),
      t(number),
      update(updates),
      context_(call_context),
      shared_(std::make_shared<Shared>()) {}

Symbol StepContext::once(const std::string& key, const Callable<Symbol()>& make) {
  const auto it = shared_->symbols.find(key);
  if (it != shared_->symbols.end()) return it->second;
  return shared_->symbols.emplace(key, make()).first->second;
}

Symbol StepContext::kept(Symbol value, Symbol old) const {
  return update.valid() ? select(update, value, old) : value;
}

OptimizerImpl::OptimizerImpl(std::string class_name, LearningRate learning_rate,
                             OptimizerOptions options)
    : class_name_(std::move(class_name)),
      learning_rate_(std::move(learning_rate)),
      options_(std::move(options)),
      state_(std::make_shared<State>()) {
  register_ops();
  if (options_.name.empty()) options_.name = to_snake_case(class_name_);
  const int clips = options_.clipnorm.has_value() + options_.clipvalue.has_value() +
                    options_.global_clipnorm.has_value();
  if (clips > 1)
    throw Error(fmt::format("{}: only one of clipnorm, clipvalue and global_clipnorm can be set",
                            class_name_));
  if (options_.gradient_accumulation_steps)
    check_at_least(class_name_, "gradient_accumulation_steps",
                   *options_.gradient_accumulation_steps, 2);
  check_rate(class_name_, learning_rate_);
  const auto refuse = [&](const char* setting, const std::optional<double>& value) {
    if (value && std::isnan(*value))
      throw Error(fmt::format("{}: {} is not a number", class_name_, setting));
  };
  refuse("clipnorm", options_.clipnorm);
  refuse("clipvalue", options_.clipvalue);
  refuse("global_clipnorm", options_.global_clipnorm);
  if (options_.weight_decay)
    check_number(class_name_, "weight_decay", *options_.weight_decay, kNotNegative);
  if (options_.loss_scale_factor)
    check_number(class_name_, "loss_scale_factor", *options_.loss_scale_factor, kPositive);
  check_number(class_name_, "ema_momentum", options_.ema_momentum, kZeroToOne);
  if (options_.ema_overwrite_frequency)
    check_at_least(class_name_, "ema_overwrite_frequency", *options_.ema_overwrite_frequency, 1);
}

void OptimizerImpl::check_own_settings() const {
  Config own;
  own_config(own);
  refuse_nan(class_name_, own);
}

OptimizerImpl::~OptimizerImpl() = default;

namespace {

/// The path of a weight; its place in the list where another one there has that path.
ConfigValue told_among(const Variable& weight, const std::vector<VariablePtr>& all) {
  int64_t place = -1;
  bool is_shared = false;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].get() == &weight)
      place = static_cast<int64_t>(i);
    else
      is_shared = is_shared || all[i]->path == weight.path;
  }
  return is_shared && place >= 0 ? ConfigValue(place) : ConfigValue(weight.path);
}

}  // namespace

Config OptimizerImpl::config() const {
  const auto number = [](const auto& v) { return v ? ConfigValue(*v) : ConfigValue(nullptr); };
  LearningRate rate = learning_rate_;
  {
    const std::lock_guard lock(state_->mutex);
    if (rate_ != nullptr) rate = rate_now();
  }
  Config c = {{"name", options_.name},
              {"learning_rate", rate.to_config()},
              {"weight_decay", number(options_.weight_decay)},
              {"clipnorm", number(options_.clipnorm)},
              {"global_clipnorm", number(options_.global_clipnorm)},
              {"clipvalue", number(options_.clipvalue)},
              {"use_ema", options_.use_ema},
              {"ema_momentum", options_.ema_momentum},
              {"ema_overwrite_frequency", number(options_.ema_overwrite_frequency)},
              {"loss_scale_factor", number(options_.loss_scale_factor)},
              {"gradient_accumulation_steps", number(options_.gradient_accumulation_steps)}};
  // Sinter's own; Keras forgets what is excluded.
  const auto texts = [](const std::vector<std::string>& list) {
    ConfigList result;
    for (const std::string& text : list) result.emplace_back(text);
    return result;
  };
  {
    const std::lock_guard lock(state_->mutex);
    ConfigList weights;
    const auto add = [&](const ConfigValue& told, const VariablePtr& w) {
      weights.push_back(w == nullptr ? told : told.told_of(std::make_shared<NamedWeight>(w)));
    };
    for (const State::Named& named : state_->undecayed) add(named.path, named.weight);
    for (const VariablePtr& w : state_->undecayed_weights) add(told_among(*w, state_->weights), w);
    for (const int64_t place : state_->undecayed_places) weights.emplace_back(place);
    if (!weights.empty() || !state_->undecayed_names.empty()) {
      c.set("exclude_from_weight_decay",
            Config{{"weights", std::move(weights)}, {"names", texts(state_->undecayed_names)}});
    }
  }
  own_config(c);
  return c;
}

Symbol OptimizerImpl::slot(StepContext& step, size_t weight, const std::string& name) {
  return step.context().variable(state_->of_weights.at(weight)->slots.at(name));
}

void OptimizerImpl::set_slot(StepContext& step, size_t weight, const std::string& name,
                             Symbol value) {
  step.context().assign(state_->of_weights.at(weight)->slots.at(name),
                        step.kept(value, slot(step, weight, name)));
}

Symbol OptimizerImpl::global(StepContext& step, const std::string& name) {
  return step.context().variable(state_->globals.at(name));
}

void OptimizerImpl::set_global(StepContext& step, const std::string& name, Symbol value) {
  step.context().assign(state_->globals.at(name), step.kept(value, global(step, name)));
}

namespace {

/// A bound that clips: as in Keras, 0 and below stand for none; so does infinity.
bool clips(const std::optional<double>& bound) {
  return bound && *bound > 0 && std::isfinite(*bound);
}

/// The number of steps as float64, which counts to 2^53; float32 stands still at 2^24.
Symbol exact(Symbol iterations) { return cast(iterations, DType::kFloat64); }

/// min(1, c / norm), and NaN where the norm is not finite: a step that is lost must be seen.
Symbol scale_to_norm(Symbol norm, double c) {
  const Symbol scale = c / maximum(norm, c);
  return select(less(norm, std::numeric_limits<double>::infinity()), scale,
                std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

Symbol OptimizerImpl::scaled_loss(Symbol loss) const {
  return options_.loss_scale_factor ? loss * *options_.loss_scale_factor : loss;
}

// clipnorm c: g min(1, c / |g|) for each weight. global_clipnorm c: the same with the norm of all
// gradients together. clipvalue v: to [-v, v].
std::vector<Symbol> OptimizerImpl::clipped(std::span<const Symbol> gradients) const {
  std::vector<Symbol> result(gradients.begin(), gradients.end());
  const bool global = clips(options_.global_clipnorm);
  Symbol total;
  for (Symbol& g : result) {
    if (!g.valid()) continue;
    if (clips(options_.clipvalue)) g = clip(g, -*options_.clipvalue, *options_.clipvalue);
    if (clips(options_.clipnorm)) g = g * scale_to_norm(sqrt(sum(square(g))), *options_.clipnorm);
    if (global) total = total.valid() ? total + sum(square(g)) : sum(square(g));
  }
  if (total.valid()) {
    const Symbol scale = scale_to_norm(sqrt(total), *options_.global_clipnorm);
    for (Symbol& g : result) {
      if (g.valid()) g = g * scale;
    }
  }
  return result;
}

// average <- m average + (1 - m) w with m = 0 at the first step; every n steps the weight becomes
// the average. One that stays as it is equals its average sooner or later, which then stays too.
Symbol OptimizerImpl::averaged(StepContext& step, size_t weight, Symbol w, bool stays) {
  const VariablePtr& variable = state_->of_weights[weight]->average;
  const Symbol momentum = step.once("ema_momentum", [&] {
    return select(greater(step.t, 1.5), options_.ema_momentum, scalar_like(step.t, 0.0));
  });
  const Symbol before = step.context().variable(variable);
  Symbol average = momentum * before + (1.0 - momentum) * w;
  if (stays) average = select(equal(before, w), w, average);
  step.context().assign(variable, average);
  if (!options_.ema_overwrite_frequency) return w;
  const auto n = static_cast<double>(*options_.ema_overwrite_frequency);
  const Symbol take = step.once("ema_take", [&] {
    Symbol done = exact(step.context().variable(iterations_));
    if (const auto& group = options_.gradient_accumulation_steps)
      done = floor(done / static_cast<double>(*group));
    const Symbol t = done + 1.0;
    return cast(equal(t - n * floor(t / n), 0.0), step.t.dtype());
  });
  return take * average + (1.0 - take) * w;
}

// Gradients of n steps are added up; the n-th step takes their mean and starts anew.
std::vector<Symbol> OptimizerImpl::accumulated(StepContext& step,
                                               std::span<const Symbol> gradients) {
  std::vector<Symbol> result(gradients.begin(), gradients.end());
  for (size_t i = 0; i < result.size(); ++i) {
    if (!result[i].valid()) continue;
    if (options_.loss_scale_factor) result[i] = result[i] / *options_.loss_scale_factor;
    if (!options_.gradient_accumulation_steps) continue;
    const VariablePtr& accumulator = state_->of_weights[i]->accumulator;
    const Symbol total = step.context().variable(accumulator) + result[i];
    step.context().assign(accumulator, step.kept(zeros_like(total), total));
    result[i] = total / static_cast<double>(*options_.gradient_accumulation_steps);
  }
  return result;
}

void OptimizerImpl::exclude_from_weight_decay(const std::vector<VariablePtr>& weights,
                                              const std::vector<std::string>& names) {
  const VariablePtr steps = iterations();
  if (steps != nullptr && steps->value.at(0) > 0)
    throw Error(
        fmt::format("{}: exclude_from_weight_decay() must be called before training", class_name_));
  exclude(weights);
  const std::lock_guard lock(state_->mutex);
  state_->undecayed_names.insert(state_->undecayed_names.end(), names.begin(), names.end());
}

void OptimizerImpl::exclude(const std::vector<VariablePtr>& weights) {
  for (const VariablePtr& w : weights) checked_variable(w);
  const std::lock_guard lock(state_->mutex);
  for (const VariablePtr& w : weights) {
    std::vector<VariablePtr>& undecayed = state_->undecayed_weights;
    if (std::ranges::find(undecayed, w) == undecayed.end()) undecayed.push_back(w);
  }
}

void OptimizerImpl::exclude(const Config& settings) {
  const std::lock_guard lock(state_->mutex);
  const auto each = [&](const char* key, const auto& take) {
    if (const ConfigList* list = settings.get(key).as<ConfigList>())
      std::ranges::for_each(*list, take);
  };
  each("weights", [&](const ConfigValue& v) {
    const auto* named = dynamic_cast<const NamedWeight*>(v.told().get());
    if (const std::string* path = v.as<std::string>())
      state_->undecayed.push_back({*path, named == nullptr ? nullptr : named->weight()});
    if (const int64_t* place = v.as<int64_t>()) state_->undecayed_places.push_back(*place);
  });
  each("names", [&](const ConfigValue& v) {
    if (const std::string* name = v.as<std::string>()) state_->undecayed_names.push_back(*name);
  });
}

bool OptimizerImpl::excludes(const Variable& weight) const {
  const std::lock_guard lock(state_->mutex);
  return is_excluded(weight);
}

void OptimizerImpl::forget_paths() {
  const std::lock_guard lock(state_->mutex);
  state_->undecayed.clear();
}

bool OptimizerImpl::excludes_path(const std::string& path) const {
  const std::lock_guard lock(state_->mutex);
  return std::ranges::find(state_->undecayed, path, &State::Named::path) != state_->undecayed.end();
}

// A path is that of its weight where that is one of these, else that of any.
bool OptimizerImpl::is_excluded(const Variable& weight) const {
  const auto is_weight = [&](const VariablePtr& w) { return w.get() == &weight; };
  return std::ranges::any_of(state_->undecayed_weights, is_weight) ||
         std::ranges::any_of(state_->undecayed, [&](const State::Named& named) {
           return state_->made.contains(named.weight.get()) ? is_weight(named.weight)
                                                            : named.path == weight.path;
         });
}

void OptimizerImpl::check_paths() const {
  for (const State::Named& named : state_->undecayed) {
    if (state_->made.contains(named.weight.get())) continue;
    const auto count = std::ranges::count_if(
        state_->weights, [&](const VariablePtr& w) { return w->path == named.path; });
    if (count > 1) {
      throw Error(
          fmt::format("optimizer '{}': exclude_from_weight_decay names '{}', which {} weights of "
                      "this model are "
                      "called: exclude the weight itself",
                      options_.name, named.path, count));
    }
  }
}

bool OptimizerImpl::decays(const Variable& weight) const {
  if (is_excluded(weight)) return false;
  return std::ranges::none_of(state_->undecayed_names, [&](const std::string& name) {
    return weight.name.find(name) != std::string::npos;
  });
}

void OptimizerImpl::apply(CallContext& context, std::span<const Symbol> gradients) {
  const std::vector<VariablePtr>& weights = state_->weights;
  SINTER_CHECK(iterations_ != nullptr && gradients.size() == weights.size());
  Graph& graph = context.graph();
  const OriginScope scope(graph, std::make_shared<const Origin>(Origin{options_.name, "", 0}));
  const Symbol iterations = context.variable(iterations_);
  const Symbol rate = rate_ != nullptr ? context.variable(rate_)
                                       : cast(learning_rate_.at(exact(iterations)), scalar_dtype());
  // Where gradients accumulate, rules count updates, and schedules steps.
  Symbol t = cast(iterations, scalar_dtype()) + 1.0, update;
  if (options_.gradient_accumulation_steps) {
    const auto n = static_cast<double>(*options_.gradient_accumulation_steps);
    const Symbol steps = exact(iterations);
    t = cast(floor(steps / n) + 1.0, scalar_dtype());
    update = equal(steps + 1.0, n * floor((steps + 1.0) / n));
  }
  StepContext step(context, rate, t, update);
  const std::vector<Symbol> g = clipped(accumulated(step, gradients));
  begin(step);
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool stays = !g[i].valid();
    if (stays && !options_.use_ema) continue;
    const Symbol old = context.variable(weights[i]);
    Symbol w = old;
    if (!stays) {
      if (options_.weight_decay && *options_.weight_decay != 0 && decays(*weights[i]))
        w = w - w * (*options_.weight_decay * step.lr);
      w = step.kept(rule(step, i, w, g[i]), old);
    }
    if (options_.use_ema) w = averaged(step, i, w, stays);
    if (!stays && weights[i]->constraint) w = weights[i]->constraint(w);
    context.assign(weights[i], w);
  }
  context.assign(iterations_, iterations + 1);
}

}  // namespace sinter
