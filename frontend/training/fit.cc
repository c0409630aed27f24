// Model::fit: epochs of shuffled batches, validation, callbacks, history.
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/float_environment.h"
#include "core/warning.h"
#include "frontend/origin.h"
#include "frontend/progress.h"
#include "frontend/training/loop.h"

namespace sinter {
namespace {

struct SplitData {
  PreparedData train;
  std::optional<PreparedData> validation;
};

// The last rows validate; split before any shuffling, as Keras does. Validation data of their own
// come before.
SplitData split(PreparedData all, const FitOptions& options) {
  if (!(options.validation_split >= 0 && options.validation_split < 1)) {
    throw Error(fmt::format("fit: validation_split must lie between 0 and 1, found {}",
                            options.validation_split));
  }
  if (options.validation_split == 0 || !options.validation_data.empty())
    return {std::move(all), std::nullopt};
  const auto kept = static_cast<int64_t>(
      std::floor(static_cast<double>(all.rows) * (1.0 - options.validation_split)));
  if (kept == 0 || kept == all.rows) {
    throw Error(fmt::format(
        "fit: validation_split {} of {} rows leaves {} rows to train on and {} to validate with",
        options.validation_split, all.rows, kept, all.rows - kept));
  }
  return {all.slice(0, kept), all.slice(kept, all.rows)};
}

// Turns class weights into sample weights of the training rows.
void apply_class_weight(PreparedData& data, const Network& network, const FitOptions& options) {
  if (options.class_weight.empty()) return;
  if (data.y.size() != 1) throw Error("fit: class_weight is for models of one output");
  if (data.weights[0]) throw Error("fit: give class_weight or sample_weight, not both");
  data.weights[0] = class_weights(data.y[0], options.class_weight);
  data.inputs.weights[0] = {data_dtype(network.outputs()[0].type()), Shape{kBatch}};
}

class Fit {
 public:
  Fit(Model model, const FitOptions& options, SourceLocation where)
      : model_(std::move(model)), state_(*model_.state()), options_(options), where_(where) {
    check_batch_size("fit", options.batch_size);
    if (options.validation_batch_size)
      check_batch_size("fit (validation)", *options.validation_batch_size);
    if (options.epochs < 0)
      throw Error(fmt::format("fit: epochs must not be negative, found {}", options.epochs));
    if (options.initial_epoch < 0)
      throw Error(
          fmt::format("fit: initial_epoch must not be negative, found {}", options.initial_epoch));
    check_steps("fit", "steps_per_epoch", options.steps_per_epoch);
    check_steps("fit", "validation_steps", options.validation_steps);
    if (options.validation_freq < 1)
      throw Error(fmt::format("fit: validation_freq must be at least 1, found {}",
                              options.validation_freq));
  }

  History run(const Data& x, const Data& y) {
    const std::shared_ptr<const Compiled> settled = state_.settings("fit");
    const Compiled& c = *settled;
    SplitData data =
        split(prepare_data("fit", state_.net(), c.outputs, x, y, options_.sample_weight), options_);
    apply_class_weight(data.train, state_.net(), options_);
    refuse_nan("fit", state_, data.train, NaNUse::kTraining);
    if (data.validation) refuse_nan("fit", state_, *data.validation, NaNUse::kEvaluation);
    warn_of_labels(data.train, c.outputs);
    if (!options_.validation_data.empty()) {
      const ValidationData& v = options_.validation_data;
      data.validation =
          prepare_data("fit (validation_data)", state_.net(), c.outputs, v.x, v.y, v.sample_weight);
      refuse_nan("fit (validation_data)", state_, *data.validation, NaNUse::kEvaluation);
    }
    const CallbacksInTraining in_training(options_.callbacks, model_);
    for (const CallbackItem& callback : options_.callbacks)
      wants_batch_logs_ |= callback->wants_batch_logs();
    state_.stop_training = false;
    Logs logs;
    each([&](Callback& callback) { callback.on_train_begin(logs); });
    for (int epoch = options_.initial_epoch; epoch < options_.epochs && !state_.stop_training;
         ++epoch) {
      logs = run_epoch(epoch, data);
    }
    {
      const WeightsGuard guard(state_.locks());
      c.arguments.optimizer.impl().finish_training(c.trainable);
    }
    each([&](Callback& callback) { callback.on_train_end(logs); });
    return std::move(history_);
  }

 private:
  template <typename F>
  void each(F f) {
    for (const CallbackItem& callback : options_.callbacks) f(*callback);
  }

  Logs run_epoch(int epoch, const SplitData& data) {
    Logs begin_logs;
    each([&](Callback& callback) { callback.on_epoch_begin(epoch, begin_logs); });
    if (position_.at_start()) {
      const WeightsGuard guard(state_.locks());
      if (options_.shuffle)
        order_ = permutation(data.train.rows, state_.shuffle_seed, state_.epochs_done);
      // A count from a file may be anything.
      state_.epochs_done = static_cast<int64_t>(static_cast<uint64_t>(state_.epochs_done) + 1);
    }
    Batches batches(data.train, options_.batch_size, order_);
    const int64_t count = position_.steps(batches.count(), options_.steps_per_epoch);
    EpochProgress progress(options_.verbose, fmt::format("Epoch {}/{}", epoch + 1, options_.epochs),
                           count);
    RunningLogs running;
    Programs programs(
        [&](int64_t batch) { return training_program(state_, data.train.inputs, batch); });
    int64_t done = 0;
    for (; done < count && !state_.stop_training; ++done)
      train_batch(programs, batches, position_.next(), done, running, progress);
    position_.end_epoch(batches.count(), options_.steps_per_epoch);
    if (options_.steps_per_epoch && count < *options_.steps_per_epoch && !state_.stop_training)
      warn_of_short_epoch(epoch, count, data.train.rows, batches.count());
    Logs logs;
    if (!running.empty()) logs = running.evaluation().logs();
    if (epoch == options_.initial_epoch && !running.empty() && !std::isfinite(running.loss()))
      warn_of_infinities(data.train, running.loss());
    if (data.validation && (epoch + 1) % options_.validation_freq == 0)
      validate(*data.validation, logs);
    each([&](Callback& callback) { callback.on_epoch_end(epoch, logs); });
    history_.epoch.push_back(epoch);
    for (const auto& [name, value] : logs) note(name, value, epoch);
    progress.close(done, shown(logs));
    return logs;
  }

  void note(const std::string& name, double value, int epoch) {
    std::vector<double>& values = history_.history[name];
    values.push_back(value);
    auto some = history_.epochs_of.find(name);
    if (some == history_.epochs_of.end()) {
      if (values.size() == history_.epoch.size()) return;  // one in each epoch so far
      // The epochs that had one are the first, or those that did not are.
      const auto all = history_.epoch.begin();
      some = history_.epochs_of
                 .emplace(name,
                          std::vector<double>(all, all + static_cast<int64_t>(values.size()) - 1))
                 .first;
    }
    some->second.push_back(epoch);
  }

  void train_batch(Programs& programs, Batches& batches, int64_t batch, int64_t step,
                   RunningLogs& running, EpochProgress& progress) {
    Logs logs;
    each([&](Callback& callback) { callback.on_train_batch_begin(step, logs); });
    StepProgram& program = programs.of_size(batches.size(batch));
    running.run(state_, program, batches.pointers(batch), batches.size(batch));
    const bool due = progress.due();
    if (wants_batch_logs_ || due) logs = running.evaluation().logs();
    each([&](Callback& callback) { callback.on_train_batch_end(step, logs); });
    if (due) progress.update(step + 1, shown(logs));
  }

  void warn_of_short_epoch(int epoch, int64_t taken, int64_t rows, int64_t batches) const {
    const std::string text = fmt::format(
        "fit: the data ran out after {} of the {} batches of epoch {} ({} rows in batches of {} "
        "are {}), which "
        "ends early; the next one starts anew. Leave out steps_per_epoch, or take a number that "
        "divides {}",
        taken, *options_.steps_per_epoch, epoch + 1, rows, options_.batch_size, batches, batches);
    warn_once(with_line(where_, "fit: steps_per_epoch"), with_line(where_, text));
  }

  void warn_of_labels(const PreparedData& data, const std::vector<OutputPlan>& plans) const {
    const std::string place = first_improbable(data, state_.net(), plans);
    if (place.empty()) return;
    const std::string text = fmt::format(
        "fit: {}: 0 and 1 for two classes; hinge losses take -1 and 1, "
        "sparse_categorical_crossentropy more classes",
        place);
    warn_once(with_line(where_, text), with_line(where_, text));
  }

  void warn_of_infinities(const PreparedData& data, double loss) const {
    const std::string place = first_infinity(data);
    if (place.empty()) return;
    const std::string text = fmt::format(
        "fit: the loss of the first epoch is {}, and {}; clip or remove such values", loss, place);
    warn_once(with_line(where_, "fit: infinities"), with_line(where_, text));
  }

  void validate(const PreparedData& data, Logs& logs) {
    Logs empty;
    each([&](Callback& callback) { callback.on_test_begin(empty); });
    const int64_t batch_size = options_.validation_batch_size.value_or(options_.batch_size);
    if (options_.validation_steps)
      warn_of_missing_batches("fit: validation_steps", *options_.validation_steps, data.rows,
                              batch_size, where_);
    Logs found = evaluate_rows(state_, data, batch_size, options_.validation_steps).logs();
    for (const auto& [name, value] : found) logs["val_" + name] = value;
    each([&](Callback& callback) { callback.on_test_end(found); });
  }

  Model model_;
  ModelState& state_;
  const FitOptions& options_;
  SourceLocation where_;
  bool wants_batch_logs_ = false;
  std::vector<int64_t> order_;  // of the rows, in this pass over them
  BatchPosition position_;
  History history_;
};

}  // namespace

History Model::fit(const Data& x, const Data& y, const FitOptions& options,
                   SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    build_for(x);
    const std::lock_guard lock(state_->fit_mutex);
    struct Running {
      int& fits;
      explicit Running(int& count) : fits(count) { ++fits; }
      ~Running() { --fits; }
    } const running(state_->fits);
    return Fit(*this, options, where).run(x, y);
  });
}

}  // namespace sinter
