// Early stopping, in Keras's exact order of decisions.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/callbacks/callbacks.h"
#include "frontend/callbacks/monitor.h"
#include "frontend/model.h"

namespace sinter {

struct EarlyStopping::State {
  State(const EarlyStoppingOptions& o, SourceLocation where)
      : options(o), monitor("EarlyStopping", o.monitor, o.mode, o.min_delta, where) {}
  EarlyStoppingOptions options;
  Monitor monitor;
  int wait = 0;
  int stopped_epoch = 0;
  int best_epoch = 0;
  std::optional<double> best;
  std::optional<std::vector<Tensor>> best_weights;
  std::weak_ptr<ModelState> of_model;

  void start(const Model& model) {
    of_model = model.state();
    wait = stopped_epoch = best_epoch = 0;
    best.reset();
    best_weights.reset();
  }
  // A fit() of another model may have been in between: its numbers and weights are not of this one.
  void follow(const Model& model) {
    if (of_model.lock() != model.state()) start(model);
  }
};

EarlyStopping::EarlyStopping(EarlyStoppingOptions options, SourceLocation where)
    : state_(std::make_shared<State>(options, where)) {
  at_line(where, [&] {
    constexpr const char* kOwner = "EarlyStopping";
    check_number(kOwner, "min_delta", options.min_delta, kFinite);
    check_at_least(kOwner, "patience", options.patience, 0);
    check_verbose(kOwner, options.verbose);
    if (options.baseline) check_number(kOwner, "baseline", *options.baseline, kFinite);
    check_at_least(kOwner, "start_from_epoch", options.start_from_epoch, 0);
  });
}

int EarlyStopping::stopped_epoch() const { return state_->stopped_epoch; }
int EarlyStopping::best_epoch() const { return state_->best_epoch; }
std::optional<double> EarlyStopping::best() const { return state_->best; }

void EarlyStopping::on_train_begin(Logs&) { state_->start(model({})); }

void EarlyStopping::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  s.follow(model({}));
  const std::optional<double> current = s.monitor.read(logs, is_validated());
  if (!current || epoch < s.options.start_from_epoch) return;
  const bool restore = s.options.restore_best_weights;
  if (restore && !s.best_weights) {
    s.best_weights = model({}).get_weights({});
    s.best_epoch = epoch;
  }
  ++s.wait;
  if (s.monitor.improved(*current, s.best, model({}))) {
    s.best = current;
    s.best_epoch = epoch;
    if (restore) s.best_weights = model({}).get_weights({});
    if (!s.options.baseline || s.monitor.improved(*current, s.options.baseline, model({})))
      s.wait = 0;
    return;
  }
  if (s.wait >= s.options.patience && epoch > 0) {
    s.stopped_epoch = epoch;
    model({}).set_stop_training(true);
  }
}

void EarlyStopping::on_train_end(Logs&) {
  State& s = *state_;
  s.follow(model({}));
  if (s.stopped_epoch > 0 && s.options.verbose > 0)
    fmt::print("Epoch {}: early stopping\n", s.stopped_epoch + 1);
  if (!s.options.restore_best_weights || !s.best_weights) return;
  if (s.options.verbose > 0)
    fmt::print("Restoring model weights from the end of the best epoch: {}.\n", s.best_epoch + 1);
  model({}).set_weights(*s.best_weights, {});
}

}  // namespace sinter
