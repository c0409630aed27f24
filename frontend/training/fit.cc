// Model::fit: epochs of shuffled batches, validation, callbacks, history.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/counted.h"
#include "core/error.h"
#include "core/float_environment.h"
#include "core/warning.h"
#include "frontend/argument_checks.h"
#include "frontend/callbacks/callbacks_in_training.h"
#include "frontend/map_argument_members.h"
#include "frontend/origin.h"
#include "frontend/progress.h"
#include "frontend/training/feed.h"
#include "frontend/training/loop.h"
#include "frontend/training/numerics_guard.h"

namespace sinter {
namespace {

struct SplitData {
  PreparedData train;
  std::optional<PreparedData> validation;
};

// The last rows validate; split before any shuffling, as Keras does. Validation data of their own
// come before.
SplitData split(PreparedData all, const FitOptions& options) {
  const double part = options.validation_split;
  if (part == 0 || !options.validation_data.empty()) return {std::move(all), std::nullopt};
  const auto kept = static_cast<int64_t>(std::floor(static_cast<double>(all.rows) * (1.0 - part)));
  if (kept == 0 || kept == all.rows) {
    throw Error(
        fmt::format("fit: validation_split {} of {} leaves {} to train on and {} to validate with",
                    part, counted(all.rows, "row"), counted(kept, "row"), all.rows - kept));
  }
  return {all.slice(0, kept), all.slice(kept, all.rows)};
}

class Fit {
 public:
  Fit(Model model, const FitOptions& options, SourceLocation where)
      : model_(std::move(model)), state_(*model_.state()), options_(options), where_(where) {
    check_batch_size("fit", options.batch_size);
    if (options.validation_batch_size)
      check_batch_size("fit (validation)", *options.validation_batch_size);
    check_at_least("fit", "epochs", options.epochs, 0);
    check_verbose("fit", options.verbose);
    check_number("fit", "validation_split", options.validation_split, kZeroToBelowOne);
    warn_of_whole_zero(named_with_line("fit", where), "validation_split",
                       options.validation_split.is_whole_zero());
    check_at_least("fit", "initial_epoch", options.initial_epoch, 0);
    check_steps("fit", "steps_per_epoch", options.steps_per_epoch);
    check_steps("fit", "validation_steps", options.validation_steps);
    check_at_least("fit", "validation_freq", options.validation_freq, 1);
  }

  History run(const Data& x, const Data& y) {
    const std::shared_ptr<const Compiled> settled = state_.settings("fit");
    const Compiled& c = *settled;
    SplitData data =
        split(prepare_data("fit", state_.net(), c.outputs, x, y, options_.sample_weight), options_);
    apply_class_weight(data.train, state_.net(), c.outputs, options_.class_weight);
    refuse_nan("fit", state_, data.train, use());
    if (data.validation) refuse_nan("fit", state_, *data.validation, NaNUse::kEvaluation);
    warn_of_labels(data.train, c.outputs);
    TensorFeed feed(data.train, options_.batch_size, options_.steps_per_epoch,
                    [&] { return next_order(data.train.rows); });
    all_rows_ = &data.train;
    return train(feed, c, std::move(data.validation));
  }

  History run(DatasetReader& reader) {
    const std::shared_ptr<const Compiled> settled = state_.settings("fit");
    DatasetFeed feed(reader, state_, settled->outputs, use(), options_.class_weight);
    return train(feed, *settled, std::nullopt);
  }

 private:
  NaNUse use() const { return options_.check_numerics ? NaNUse::kWatched : NaNUse::kTraining; }

  template <typename F>
  void each(F f) {
    for (const CallbackItem& callback : options_.callbacks) f(*callback);
  }

  // Of the rows, in this pass over them.
  std::vector<int64_t> next_order(int64_t rows) {
    const WeightsGuard guard(state_.locks());
    std::vector<int64_t> order;
    if (options_.shuffle) order = permutation(rows, state_.shuffle_seed, state_.epochs_done);
    // A count from a file may be anything.
    state_.epochs_done = static_cast<int64_t>(static_cast<uint64_t>(state_.epochs_done) + 1);
    return order;
  }

  /// What validates: data of its own come before a split of the rows.
  struct Validation {
    std::optional<PreparedData> rows;
    std::optional<DatasetReader> reader;
    std::unique_ptr<Feed> feed;
  };

  void prepare(Validation& v, const Compiled& c, std::optional<PreparedData> split) {
    constexpr const char* kCall = "fit (validation_data)";
    const ValidationData& given = options_.validation_data;
    if (given.dataset != nullptr) {
      if (options_.validation_batch_size)
        throw Error("fit: validation_batch_size is for tensors; a Dataset makes its own batches");
      v.reader.emplace(kCall, *given.dataset, options_.validation_steps, "validation_steps");
      v.reader->from_start();
      v.reader->first();
      v.feed = std::make_unique<DatasetFeed>(*v.reader, state_, c.outputs, NaNUse::kEvaluation);
      return;
    }
    v.rows = std::move(split);
    if (!given.empty()) {
      v.rows = prepare_data(kCall, state_.net(), c.outputs, given.x, given.y, given.sample_weight);
      refuse_nan(kCall, state_, *v.rows, NaNUse::kEvaluation);
    }
    if (v.rows) {
      const int64_t batch_size = options_.validation_batch_size.value_or(options_.batch_size);
      v.feed = std::make_unique<TensorFeed>(*v.rows, batch_size, options_.validation_steps);
    }
  }

  History train(Feed& feed, const Compiled& c, std::optional<PreparedData> split) {
    Validation validation;
    prepare(validation, c, std::move(split));
    if (options_.check_numerics) guard_.emplace(state_, feed, options_.replay_file, where_);
    plans_ = &c.outputs;
    const int freq = options_.validation_freq;
    const bool validated =
        validation.feed != nullptr &&
        options_.epochs / freq > std::min(options_.initial_epoch, options_.epochs) / freq;
    const CallbacksInTraining in_training(options_.callbacks, model_, validated);
    for (const CallbackItem& callback : options_.callbacks)
      wants_batch_logs_ |= callback->wants_batch_logs();
    state_.stop_training = false;
    Logs logs;
    each([&](Callback& callback) { callback.on_train_begin(logs); });
    for (int epoch = options_.initial_epoch; epoch < options_.epochs && !state_.stop_training;
         ++epoch) {
      logs = run_epoch(epoch, feed, validation.feed.get());
    }
    {
      const WeightsGuard guard(state_.locks());
      c.arguments.optimizer.impl().finish_training(c.trainable);
    }
    each([&](Callback& callback) { callback.on_train_end(logs); });
    return std::move(history_);
  }

  Logs run_epoch(int epoch, Feed& feed, Feed* validation) {
    Logs begin_logs;
    each([&](Callback& callback) { callback.on_epoch_begin(epoch, begin_logs); });
    is_first_epoch_ = epoch == options_.initial_epoch;
    const int64_t count = feed.begin();
    EpochProgress progress(options_.verbose, fmt::format("Epoch {}/{}", epoch + 1, options_.epochs),
                           count);
    RunningLogs running;
    Programs programs(
        [&](int64_t batch) { return training_program(state_, feed.inputs(), batch); });
    int64_t done = 0;
    for (; !state_.stop_training && feed.next(); ++done)
      train_batch(programs, feed, epoch, done, running, progress);
    if (guard_) guard_->settle();
    if (options_.steps_per_epoch && done < *options_.steps_per_epoch && !state_.stop_training)
      warn_of_short_epoch(epoch, done, feed);
    Logs logs;
    if (!running.empty()) logs = running.evaluation().logs();
    if (is_first_epoch_ && all_rows_ != nullptr && !running.empty())
      warn_of_infinities(*all_rows_, running.loss());
    if (validation != nullptr && (epoch + 1) % options_.validation_freq == 0)
      validate(*validation, logs);
    each([&](Callback& callback) { callback.on_epoch_end(epoch, logs); });
    history_.epoch.push_back(epoch);
    for (const auto& [name, value] : logs) note(name, value, epoch);
    progress.close(done, shown(logs));
    return logs;
  }

  void note(const std::string& name, double value, int epoch) {
    List<double>& values = history_.history.try_emplace(name).first->second;
    values.push_back(value);
    auto some = history_.epochs_of.find(name);
    if (some == history_.epochs_of.end()) {
      if (values.size() == history_.epoch.size()) return;  // one in each epoch so far
      // The epochs that had one are the first, or those that did not are.
      const auto all = history_.epoch.begin();
      some = history_.epochs_of
                 .emplace(name, List<double>(all, all + static_cast<int64_t>(values.size()) - 1))
                 .first;
    }
    some->second.push_back(epoch);
  }

  void train_batch(Programs& programs, Feed& feed, int epoch, int64_t step, RunningLogs& running,
                   EpochProgress& progress) {
    Logs logs;
    each([&](Callback& callback) { callback.on_train_batch_begin(step, logs); });
    const PreparedData* looked_at = is_first_epoch_ ? feed.checked() : nullptr;
    if (looked_at != nullptr) warn_of_labels(*looked_at, *plans_);
    StepProgram& program = programs.of_size(feed.rows(), feed.kind());
    if (guard_) guard_->before(programs.last(), int64_t{epoch} + 1, step + 1);
    running.run(state_, program, feed.pointers(), feed.rows());
    if (guard_) guard_->after();
    if (looked_at != nullptr) warn_of_infinities(*looked_at, running.loss());
    const bool due = progress.due();
    if (wants_batch_logs_ || due) logs = running.evaluation().logs();
    each([&](Callback& callback) { callback.on_train_batch_end(step, logs); });
    if (due) progress.update(step + 1, shown(logs));
  }

  void warn_of_short_epoch(int epoch, int64_t taken, const Feed& feed) const {
    const std::string text = fmt::format(
        "fit: the data ran out after {} of the {} batches of epoch {} ({}), which ends early; the "
        "next one starts anew. {}",
        taken, *options_.steps_per_epoch, epoch + 1, feed.shortage(), feed.remedy());
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
    if (std::isfinite(loss)) return;
    const std::string place = first_infinity(data);
    if (place.empty()) return;
    const std::string text = fmt::format(
        "fit: the loss of the first epoch is {}, and {}; clip or remove such values", loss, place);
    warn_once(with_line(where_, "fit: infinities"), with_line(where_, text));
  }

  void validate(Feed& feed, Logs& logs) {
    Logs empty;
    each([&](Callback& callback) { callback.on_test_begin(empty); });
    int64_t taken = 0;
    Logs found =
        evaluate_feed(state_, feed, [&](int64_t done, const RunningLogs&) { taken = done; }).logs();
    if (options_.validation_steps)
      warn_of_missing_batches("fit: validation_steps", *options_.validation_steps, taken, feed,
                              where_);
    for (const auto& [name, value] : found) logs["val_" + name] = value;
    each([&](Callback& callback) { callback.on_test_end(found); });
  }

  Model model_;
  ModelState& state_;
  const FitOptions& options_;
  SourceLocation where_;
  std::optional<NumericsGuard> guard_;
  bool wants_batch_logs_ = false;
  bool is_first_epoch_ = false;
  const PreparedData* all_rows_ = nullptr;  // where training is on tensors
  const std::vector<OutputPlan>* plans_ = nullptr;
  History history_;
};

}  // namespace

template class MapArgument<int, double>;

ValidationData::ValidationData(const Dataset& batches)
    : dataset(std::make_shared<Dataset>(batches)) {}

namespace {

// `run(fit)` while no other thread trains the model.
template <typename F>
History alone(const Model& model, const FitOptions& options, SourceLocation where, const F& run) {
  ModelState& state = *model.state();
  const std::lock_guard lock(state.fit_mutex);
  struct Running {
    int& fits;
    explicit Running(int& count) : fits(count) { ++fits; }
    ~Running() { --fits; }
  } const running(state.fits);
  Fit fit(model, options, where);
  return run(fit);
}

}  // namespace

History Model::fit(const Data& x, const Data& y, const FitOptions& options,
                   SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    build_for(x);
    return alone(*this, options, where, [&](Fit& fit) { return fit.run(x, y); });
  });
}

History Model::fit(const Dataset& batches, const FitOptions& options, SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    refuse_for_dataset("fit", options.batch_size, options.sample_weight);
    if (options.validation_split != 0)
      throw Error(
          "fit: validation_split is for tensors; with a Dataset, take() and skip() split it");
    check_steps("fit", "steps_per_epoch", options.steps_per_epoch);
    DatasetReader reader("fit", batches, options.steps_per_epoch, "steps_per_epoch");
    build_for(reader.first().part(0));
    return alone(*this, options, where, [&](Fit& fit) { return fit.run(reader); });
  });
}

}  // namespace sinter
