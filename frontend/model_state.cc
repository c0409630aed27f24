// Executables by key, and the version of the weights they were prepared for.
#include "frontend/model_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "core/error.h"
#include "core/independent_rows.h"
#include "core/utf8.h"
#include "core/warning.h"
#include "frontend/compile_warnings.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "passes/pass.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

// Batch sizes in use at once: training, its last batch, validation, its last batch, prediction, and
// some room.
constexpr size_t kMaxPrograms = 16;
constexpr std::string_view kPrediction = "predict";

std::string describe(const StepInputs& inputs, StepMode mode) {
  std::string key = mode == StepMode::kTrain      ? "train"
                    : mode == StepMode::kEvaluate ? "evaluate"
                                                  : "gradients";
  for (const ValueType& t : inputs.labels) key += " " + t.to_string();
  for (const auto& weights : inputs.weights) key += weights ? " w" + weights->to_string() : " -";
  return key;
}

std::unique_ptr<StepProgram> make_program(ModelState& state, StepGraph step, const char* pipeline,
                                          int64_t batch) {
  auto program = std::make_unique<StepProgram>();
  program->rows = batch;
  program->executable = compile(step.graph, program_options(state, pipeline, batch));
  std::vector<Tensor> storage;
  for (const VariablePtr& v : variables_in_order(step, program->executable->graph()))
    storage.push_back(v->value);
  program->executable->bind(std::move(storage), state.version);
  program->locks = state.locks();
  program->step = std::move(step);
  return program;
}

void add_scalar_outputs(StepProgram& program) {
  const Graph& graph = program.executable->graph();
  for (const Graph::Output& o : graph.outputs())
    program.outputs.emplace_back(graph.type(o.value).dtype, graph.type(o.value).shape);
}

std::shared_ptr<StepProgram> step_program(ModelState& state, const StepInputs& inputs,
                                          int64_t batch, StepMode mode) {
  const bool training = mode != StepMode::kEvaluate;
  const std::string kind = describe(inputs, mode);
  if (training) state.settle_trainable();
  // Each time: another model may have been given the optimizer meanwhile.
  if (mode == StepMode::kTrain) state.claim_optimizer();
  return state.program(fmt::format("{} {}", kind, batch), [&] {
    const std::shared_ptr<const Compiled> compiled = state.settings("a step");
    const Compiled& c = *compiled;
    OptimizerImpl& optimizer = c.arguments.optimizer.impl();
    StepGraph step = state.step_graph(kind, [&] {
      return build_step(state.name, state.net(), c.outputs, inputs, mode, state.random_state,
                        &optimizer, c.trainable, c.arguments.disabled_passes, *c.metric_results);
    });
    if (mode == StepMode::kTrain && c.trainable.empty()) warn_of_frozen_model(state.name, c.where);
    for (const std::string& loss : step.without_gradient) {
      const std::string text = fmt::format(
          "{}: loss '{}' has no gradient with respect to any weight (comparisons, "
          "argmax, rounding and stop_gradient have none), so it trains nothing",
          line_of(c.where), loss);
      warn_once(text, text);
    }
    // Where no weight has a gradient, the warnings above say it.
    if (step.without_gradient.empty() || step.unused.size() < c.trainable.size())
      warn_of_unused_weights(step.unused, c.where);
    auto program = make_program(state, std::move(step), training ? "training" : "inference", batch);
    add_scalar_outputs(*program);
    return program;
  });
}

}  // namespace

CompileOptions program_options(const ModelState& state, const char* pipeline, int64_t batch) {
  CompileOptions options;
  options.backend = state.backend();
  options.pipeline = pipeline;
  options.batch = batch;
  options.cache = code_cache();
  options.tune = tuning();
  if (const std::shared_ptr<const Compiled> c = state.compiled()) {
    options.disabled_passes = c->arguments.disabled_passes;
    options.mixed_precision = c->arguments.mixed_precision;
    options.strict_precision = c->arguments.strict_precision;
    options.memory_budget = c->arguments.memory_budget;
  }
  return options;
}

// Passes keep the variables, but rely on names rather than on their order.
std::vector<VariablePtr> variables_in_order(const StepGraph& step, const Graph& lowered) {
  std::map<std::string_view, VariablePtr> by_name;
  for (size_t i = 0; i < step.variables.size(); ++i)
    by_name.emplace(step.graph.node(step.graph.variables()[i]).name, step.variables[i]);
  std::vector<VariablePtr> result;
  for (const int32_t index : lowered.variables()) {
    const auto found = by_name.find(lowered.node(index).name);
    SINTER_CHECK(found != by_name.end(), lowered.node(index).name);
    result.push_back(found->second);
  }
  return result;
}

ModelState::ModelState(std::string model_name) : name(std::move(model_name)) {
  check_name("Model", name);
  random_state = make_random_state();
  random_state->value.data<int64_t>()[0] = static_cast<int64_t>(next_random_key() >> 1);
  shuffle_seed = static_cast<int64_t>(next_random_key() >> 1);
}

std::shared_ptr<ModelState> ModelState::named(std::string given, const char* base) {
  const bool automatic = given.empty();
  auto state = std::make_shared<ModelState>(automatic ? automatic_name(base) : std::move(given));
  state->has_automatic_name = automatic;
  return state;
}

const Network& ModelState::net() const {
  if (!network)
    throw Error(
        fmt::format("model '{}' has no input yet: add an Input, or call build() or fit()", name));
  return *network;
}

std::shared_ptr<const Compiled> ModelState::compiled() const {
  const std::lock_guard lock(compiled_mutex_);
  return compiled_;
}

void ModelState::set_compiled(std::shared_ptr<const Compiled> settled) {
  const std::lock_guard lock(compiled_mutex_);
  compiled_.swap(settled);
}

std::shared_ptr<const Compiled> ModelState::settings(const char* what) const {
  std::shared_ptr<const Compiled> settled = compiled();
  if (settled == nullptr)
    throw Error(
        fmt::format("{}: model '{}' must be compiled first: model.compile({{.optimizer = \"adam\", "
                    ".loss = ...}})",
                    what, name));
  return settled;
}

std::string ModelState::backend() const {
  const std::shared_ptr<const Compiled> c = compiled();
  return c != nullptr && !c->arguments.backend.empty() ? c->arguments.backend : default_backend();
}

template <typename Make>
auto ModelState::once(const std::string& key, const Make& make) {
  if (std::ranges::find(making_, key) != making_.end()) {
    throw Error(fmt::format(
        "model '{}': a layer, loss or metric asks for what it is part of while it is traced",
        name));
  }
  struct Making {
    std::vector<std::string>& keys;
    ~Making() { keys.pop_back(); }
  };
  making_.push_back(key);
  const Making making{making_};
  return make();
}

std::unique_lock<TraceMutex> ModelState::hold_programs() {
  std::unique_lock lock(mutex_);
  if (mutex_.was_cut_off()) {
    // Begun anew. What the other thread was in the middle of stays as it is, for nothing may look
    // at it.
    std::construct_at(&making_);
    std::construct_at(&programs_);
    std::construct_at(&step_graphs_);
    independent_rows_.reset();
  }
  return lock;
}

std::shared_ptr<StepProgram> ModelState::program(const std::string& key, const Maker& make) {
  const auto lock = hold_programs();
  for (auto it = programs_.begin(); it != programs_.end(); ++it) {
    if (it->key != key) continue;
    programs_.splice(programs_.begin(), programs_, it);
    return programs_.front().program;
  }
  programs_.push_front({key, std::shared_ptr<StepProgram>(once(key, make))});
  const bool predicts = key.starts_with(kPrediction);
  const size_t limit = predicts ? static_cast<size_t>(prediction_programs()) : kMaxPrograms;
  size_t kept = 0;
  std::erase_if(programs_, [&](const Entry& entry) {
    return entry.key.starts_with(kPrediction) == predicts && ++kept > limit;
  });
  return programs_.front().program;
}

void ModelState::refuse_in_fit(const char* call) const {
  if (fits == 0) return;
  throw Error(fmt::format(
      "{}: model '{}' is in fit(), whose callbacks may set its weights and the learning rate, but "
      "not change what is trained",
      call, name));
}

void ModelState::forget_settings() {
  set_compiled(nullptr);
  forget_programs();
}

void ModelState::forget_programs() {
  const auto lock = hold_programs();
  programs_.clear();
  step_graphs_.clear();
  independent_rows_.reset();
}

bool ModelState::has_independent_rows() {
  const auto lock = hold_programs();
  if (!independent_rows_) {
    independent_rows_ = once("rows", [&] {
      const Graph forward = build_forward(name, net(), random_state).graph;
      return sinter::has_independent_rows(in_kernel_ops(forward, "inference"),
                                          RowNumbers::kAllowed);
    });
  }
  return *independent_rows_;
}

StepGraph ModelState::step_graph(const std::string& key, const std::function<StepGraph()>& build) {
  const auto known = step_graphs_.find(key);  // program() holds the lock
  return known != step_graphs_.end() ? known->second
                                     : step_graphs_.emplace(key, build()).first->second;
}

WeightsLocks ModelState::locks() const {
  std::vector<VariablePtr> all = {random_state};
  if (network) {
    for (const VariablePtr& v : network->variables()) all.push_back(v);
  }
  return locks_of(all);
}

void ModelState::refresh_version() {
  uint64_t changes = 0;
  for (const VariablePtr& v : net().variables()) changes += v->changes();
  const auto lock = hold_programs();
  if (changes == seen_changes_) return;
  seen_changes_ = changes;
  version->fetch_add(1);
}

std::shared_ptr<StepProgram> training_program(ModelState& state, const StepInputs& inputs,
                                              int64_t batch) {
  return step_program(state, inputs, batch, StepMode::kTrain);
}

std::shared_ptr<StepProgram> evaluation_program(ModelState& state, const StepInputs& inputs,
                                                int64_t batch) {
  return step_program(state, inputs, batch, StepMode::kEvaluate);
}

std::shared_ptr<StepProgram> gradients_program(ModelState& state, const StepInputs& inputs,
                                               int64_t batch) {
  return step_program(state, inputs, batch, StepMode::kGradients);
}

int64_t prediction_rows(int64_t batch, int64_t programs) {
  int64_t an_octave = 8;  // 2 n + n (14 - log2(2 n)) programs serve all sizes up to 2^14
  for (int64_t needed = 96; an_octave > 1 && programs < needed; an_octave /= 2)
    needed = an_octave == 8 ? 52 : 28;
  if (batch <= 2 * an_octave || batch > int64_t{1} << 60) return batch;
  const auto octave = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(batch)));
  const int64_t step = octave / an_octave;
  return (batch + step - 1) / step * step;
}

std::shared_ptr<StepProgram> prediction_program(ModelState& state, int64_t batch, bool exact) {
  int64_t rows = exact ? batch : prediction_rows(batch, prediction_programs());
  if (rows != batch && !state.has_independent_rows()) rows = batch;
  return state.program(fmt::format("{} {}", kPrediction, rows), [&] {
    ForwardGraph forward = build_forward(state.name, state.net(), state.random_state);
    StepGraph step;
    step.graph = std::move(forward.graph);
    step.variables = std::move(forward.variables);
    return make_program(state, std::move(step), "inference", rows);
  });
}

}  // namespace sinter
