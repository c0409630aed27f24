// Saves the model while it trains, in Keras's order of decisions.
#include <fmt/args.h>
#include <fmt/format.h>

#include "core/error.h"
#include "frontend/callbacks/callbacks.h"
#include "frontend/callbacks/monitor.h"
#include "frontend/model.h"

namespace sinter {
namespace {

/// "{epoch:02d}-{val_loss:.2f}.sinter" with the epoch from 1 and the logs by name.
std::string path_of(const std::string& pattern, int epoch, const Logs& logs) {
  fmt::dynamic_format_arg_store<fmt::format_context> values;
  values.push_back(fmt::arg("epoch", epoch + 1));
  for (const auto& [name, value] : logs) values.push_back(fmt::arg(name.c_str(), value));
  try {
    return fmt::vformat(pattern, values);
  } catch (const fmt::format_error& error) {
    std::string known = "epoch";
    for (const auto& [name, value] : logs) known += ", " + name;
    throw Error(fmt::format("ModelCheckpoint: the path '{}' cannot be filled in: {} (known: {})",
                            pattern, error.what(), known));
  }
}

}  // namespace

struct ModelCheckpoint::State {
  State(std::string path_pattern, const ModelCheckpointOptions& o)
      : pattern(std::move(path_pattern)),
        options(o),
        monitor("ModelCheckpoint", o.monitor, o.mode, 0.0),
        best(o.initial_value_threshold) {}
  std::string pattern;
  ModelCheckpointOptions options;
  Monitor monitor;
  std::optional<double> best;
  int epoch = 0;
  int64_t batches = 0;  // since the last save
};

ModelCheckpoint::ModelCheckpoint(std::string path, ModelCheckpointOptions options)
    : state_(std::make_shared<State>(std::move(path), options)) {
  const char* ending = options.save_weights_only ? ".weights.sinter" : ".sinter";
  if (!state_->pattern.ends_with(ending)) {
    throw Error(fmt::format("ModelCheckpoint: the path must end in {}, found '{}'", ending,
                            state_->pattern));
  }
  if (options.save_freq && *options.save_freq < 1) {
    throw Error(fmt::format("ModelCheckpoint: save_freq must be at least 1 batch, found {}",
                            *options.save_freq));
  }
}

bool ModelCheckpoint::wants_batch_logs() const { return state_->options.save_freq.has_value(); }

void ModelCheckpoint::on_train_begin(Logs&) {
  state_->batches = 0;
  state_->best = state_->options.initial_value_threshold;
}

void ModelCheckpoint::on_epoch_begin(int epoch, Logs&) { state_->epoch = epoch; }

void ModelCheckpoint::on_train_batch_end(int64_t, Logs& logs) {
  State& s = *state_;
  if (!s.options.save_freq || ++s.batches < *s.options.save_freq) return;
  s.batches = 0;
  save(s.epoch, logs);
}

void ModelCheckpoint::on_epoch_end(int epoch, Logs& logs) {
  if (!state_->options.save_freq) save(epoch, logs);
}

void ModelCheckpoint::save(int epoch, const Logs& logs) {
  State& s = *state_;
  const std::string path = path_of(s.pattern, epoch, logs);
  const auto say = [&](const std::string& what) {
    if (s.options.verbose > 0) fmt::print("Epoch {}: {}\n", epoch + 1, what);
  };
  if (s.options.save_best_only) {
    const std::optional<double> current = s.monitor.read(logs);
    if (!current) return;
    if (!s.monitor.improved(*current, s.best)) {
      say(fmt::format("{} did not improve from {:.5f}", s.monitor.name(), s.best.value_or(0)));
      return;
    }
    say(fmt::format("{} improved to {:.5f}, saving to {}", s.monitor.name(), *current, path));
    s.best = current;
  } else {
    say(fmt::format("saving to {}", path));
  }
  if (s.options.save_weights_only) {
    model().save_weights(path);
  } else {
    model().save(path);
  }
}

}  // namespace sinter
