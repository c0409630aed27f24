// Callbacks that change the learning rate, and the one that stops at NaN.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "core/error.h"
#include "frontend/argument_checks.h"
#include "frontend/callbacks/callbacks.h"
#include "frontend/callbacks/monitor.h"
#include "frontend/given_function.h"
#include "frontend/model.h"
#include "frontend/origin.h"

namespace sinter {

namespace {

/// Before the first epoch, not after it.
void refuse_schedule(const char* callback, SourceLocation where, const Optimizer& optimizer) {
  if (!optimizer.impl().is_scheduled()) return;
  throw Error(fmt::format(
      "{}: the learning rate of optimizer '{}' follows a schedule, which no callback can change: "
      "leave out the callback, or give the optimizer a number as its learning_rate",
      named_with_line(callback, where), optimizer.name()));
}

}  // namespace

struct ReduceLROnPlateau::State {
  State(const ReduceLROnPlateauOptions& o, SourceLocation line)
      : options(o),
        monitor("ReduceLROnPlateau", o.monitor, o.mode, o.min_delta, line),
        where(line) {}
  ReduceLROnPlateauOptions options;
  Monitor monitor;
  SourceLocation where;
  int wait = 0;
  int cooldown = 0;
  std::optional<double> best;
  std::weak_ptr<ModelState> of_model;

  void start(const Model& model) {
    of_model = model.state();
    wait = cooldown = 0;
    best.reset();
  }
};

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options, SourceLocation where)
    : state_(std::make_shared<State>(options, where)) {
  at_line(where, [&] {
    constexpr const char* kOwner = "ReduceLROnPlateau";
    check_number(kOwner, "factor", options.factor, kWithinZeroToOne);
    check_at_least(kOwner, "patience", options.patience, 0);
    check_verbose(kOwner, options.verbose);
    check_number(kOwner, "min_delta", options.min_delta, kFinite);
    check_at_least(kOwner, "cooldown", options.cooldown, 0);
    check_number(kOwner, "min_lr", options.min_lr, kNotNegative);
  });
}

void ReduceLROnPlateau::on_train_begin(Logs&) {
  refuse_schedule("ReduceLROnPlateau", state_->where, model({}).optimizer());
  state_->start(model({}));
}

void ReduceLROnPlateau::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  // A fit() of another model may have been in between.
  if (s.of_model.lock() != model({}).state()) s.start(model({}));
  const Optimizer optimizer = model({}).optimizer();
  const double rate = optimizer.learning_rate();
  logs["learning_rate"] = rate;
  const std::optional<double> current = s.monitor.read(logs, is_validated());
  if (!current) return;
  if (s.cooldown > 0) {
    --s.cooldown;
    s.wait = 0;
  }
  if (s.monitor.improved(*current, s.best, model({}))) {
    s.best = current;
    s.wait = 0;
    return;
  }
  if (s.cooldown > 0 || ++s.wait < s.options.patience || rate <= s.options.min_lr) return;
  const double lower = std::max(rate * s.options.factor, s.options.min_lr);
  optimizer.set_learning_rate(lower);
  if (s.options.verbose > 0)
    fmt::print("\nEpoch {}: ReduceLROnPlateau reducing learning rate to {}.\n", epoch + 1, lower);
  s.cooldown = s.options.cooldown;
  s.wait = 0;
}

LearningRateScheduler::LearningRateScheduler(Callable<double(int, double)> schedule, int verbose,
                                             SourceLocation where)
    : schedule_(given(std::move(schedule), "the schedule of a LearningRateScheduler", where)),
      verbose_(verbose),
      where_(where) {}

void LearningRateScheduler::on_train_begin(Logs&) {
  refuse_schedule("LearningRateScheduler", where_, model({}).optimizer());
}

void LearningRateScheduler::on_epoch_begin(int epoch, Logs&) {
  const Optimizer optimizer = model({}).optimizer();
  const double rate = schedule_(epoch, optimizer.learning_rate());
  if (!(rate >= 0)) {
    throw Error(fmt::format("{}: the schedule gives {} for epoch {} (from 0), which is no rate",
                            named_with_line("LearningRateScheduler", where_), rate, epoch));
  }
  optimizer.set_learning_rate(rate);
  if (verbose_ > 0)
    fmt::print("\nEpoch {}: LearningRateScheduler setting learning rate to {}.\n", epoch + 1, rate);
}

void LearningRateScheduler::on_epoch_end(int, Logs& logs) {
  logs["learning_rate"] = model({}).optimizer().learning_rate();
}

void TerminateOnNaN::on_train_batch_end(int64_t batch, Logs& logs) {
  const auto loss = logs.find("loss");
  if (loss == logs.end() || std::isfinite(loss->second)) return;
  fmt::print("Batch {}: Invalid loss, terminating training\n", batch);
  model({}).set_stop_training(true);
}

}  // namespace sinter
