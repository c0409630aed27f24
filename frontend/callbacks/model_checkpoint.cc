// Saves the model while it trains, in Keras's order of decisions.
#include <fmt/args.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/line.h"
#include "frontend/argument_checks.h"
#include "frontend/callbacks/callbacks.h"
#include "frontend/callbacks/monitor.h"
#include "frontend/model.h"
#include "frontend/origin.h"
#include "frontend/save.h"

namespace sinter {
namespace {

/// The fields of a pattern, checked as far as the formatter does not tell what is wrong: names that
/// are not known; widths and precisions of more than three digits, or that are fields themselves,
/// which would ask for names of gigabytes. Raises NameError and Error.
void check_fields(const std::string& title, const std::string& pattern, const Logs& logs) {
  size_t colon = 0, digits = 0;
  for (size_t open = pattern.find('{'); open != std::string::npos; open = pattern.find('{', open)) {
    if (pattern.compare(open, 2, "{{") == 0) {
      open += 2;
      continue;
    }
    const size_t close = pattern.find_first_of("{}", ++open);
    if (close == std::string::npos) return;  // an error of the formatter
    colon = std::min(pattern.find(':', open), close);
    const std::string name = pattern.substr(open, colon - open);
    if (!logs.contains(name)) {
      throw NameError(fmt::format("{}: the path '{}' cannot be filled in: {}", title, pattern,
                                  missing_log(name, logs)));
    }
    digits = 0;
    for (size_t i = colon; i < close && digits <= 3; ++i)
      digits = pattern[i] >= '0' && pattern[i] <= '9' ? digits + 1 : 0;
    if (digits > 3 || (pattern[close] == '{' && colon < close)) {
      throw Error(
          fmt::format("{}: no file name is as wide as the path '{}' asks for", title, pattern));
    }
    open = close;
  }
}

/// "{epoch:02d}-{val_loss:.2f}.sinter" with the epoch and the batch in it from 1, and the logs by
/// name. At the end of an epoch there is no batch.
std::string path_of(const std::string& title, const std::string& pattern, int epoch,
                    std::optional<int64_t> batch, Logs logs) {
  fmt::dynamic_format_arg_store<fmt::format_context> values;
  const auto count = [&](const char* name, int64_t number) {
    values.push_back(fmt::arg(name, number));
    logs.erase(name);
  };
  count("epoch", epoch + 1);
  if (batch) count("batch", *batch + 1);
  for (const auto& [name, value] : logs) values.push_back(fmt::arg(name.c_str(), value));
  logs["epoch"] = epoch + 1;
  if (batch) logs["batch"] = 0;
  check_fields(title, pattern, logs);
  try {
    return fmt::vformat(pattern, values);
  } catch (const fmt::format_error& error) {
    throw Error(
        fmt::format("{}: the path '{}' cannot be filled in: {}", title, pattern, error.what()));
  }
}

}  // namespace

struct ModelCheckpoint::State {
  State(std::string path_pattern, const ModelCheckpointOptions& o, SourceLocation where)
      : title(named_with_line("ModelCheckpoint", where)),
        pattern(std::move(path_pattern)),
        options(o),
        monitor("ModelCheckpoint", o.monitor, o.mode, 0.0, where),
        best(o.initial_value_threshold) {}
  std::string title, pattern;
  ModelCheckpointOptions options;
  Monitor monitor;
  std::optional<double> best;
  int epoch = 0;
  int64_t batches = 0;  // since the last save
};

ModelCheckpoint::ModelCheckpoint(std::string path, ModelCheckpointOptions options,
                                 SourceLocation where)
    : state_(std::make_shared<State>(path, options, where)) {
  const char* ending = options.save_weights_only ? ".weights.sinter" : ".sinter";
  if (!state_->pattern.ends_with(ending)) {
    throw Error(with_line(where, fmt::format("ModelCheckpoint: the path must end in {}, found '{}'",
                                             ending, state_->pattern)));
  }
  at_line(where, [&] {
    check_verbose("ModelCheckpoint", options.verbose);
    if (options.save_freq) check_at_least("ModelCheckpoint", "save_freq", *options.save_freq, 1);
    if (options.initial_value_threshold && std::isnan(*options.initial_value_threshold))
      throw Error("ModelCheckpoint: initial_value_threshold is not a number");
  });
}

bool ModelCheckpoint::wants_batch_logs() const { return state_->options.save_freq.has_value(); }

// The best stays: a second fit must not put a worse model in its place.
void ModelCheckpoint::on_train_begin(Logs&) {
  state_->batches = 0;
  if (state_->options.save_weights_only) return;
  try {  // now, before an epoch has been trained
    check_own_names(model({}), {});
  } catch (const Error& error) {
    rethrow_as(error, fmt::format("{}: {}", state_->title, error.what()));
  }
}

void ModelCheckpoint::on_epoch_begin(int epoch, Logs&) { state_->epoch = epoch; }

void ModelCheckpoint::on_train_batch_end(int64_t batch, Logs& logs) {
  State& s = *state_;
  if (!s.options.save_freq || ++s.batches < *s.options.save_freq) return;
  s.batches = 0;
  save(s.epoch, batch, logs);
}

void ModelCheckpoint::on_epoch_end(int epoch, Logs& logs) {
  if (!state_->options.save_freq) save(epoch, std::nullopt, logs);
}

void ModelCheckpoint::save(int epoch, std::optional<int64_t> batch, const Logs& logs) {
  State& s = *state_;
  std::optional<double> current;
  if (s.options.save_best_only) {
    current = s.monitor.read(logs, is_validated());
    if (!current) return;
  }
  const std::string path = path_of(s.title, s.pattern, epoch, batch, logs);
  const auto say = [&](const std::string& what) {
    if (s.options.verbose > 0) fmt::print("Epoch {}: {}\n", epoch + 1, what);
  };
  if (current) {
    if (!s.monitor.improved(*current, s.best, model({}))) {
      say(s.best ? fmt::format("{} did not improve from {:.5f}", s.monitor.name(), *s.best)
                 : fmt::format("{} is {}", s.monitor.name(), *current));
      return;
    }
    say(fmt::format("{} improved to {:.5f}, saving to {}", s.monitor.name(), *current, path));
    s.best = current;
  } else {
    say(fmt::format("saving to {}", path));
  }
  try {
    if (s.options.save_weights_only) {
      model({}).save_weights(path);
    } else {
      model({}).save(path, {});
    }
  } catch (const FileError& error) {
    throw FileError(fmt::format("{}: {}", s.title, error.what()));
  }
}

}  // namespace sinter
