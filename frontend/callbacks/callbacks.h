// Callbacks of Keras, with its logic. All are handles: copies share their state, so the object
// given to fit() can be asked afterwards.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "frontend/callbacks/callback.h"

namespace sinter {

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0;
  int verbose = 0;
  std::string mode = "auto";  // min, max or auto: by the name of the metric
  std::optional<double> baseline = std::nullopt;
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};

/// Ends training when the monitored number has not improved for `patience` epochs; NaN is no
/// improvement. Each call of fit starts anew, as in Keras.
class EarlyStopping : public Callback {
 public:
  using HandleOf = EarlyStopping;
  explicit EarlyStopping(EarlyStoppingOptions options = {},
                         SourceLocation where = SourceLocation::current());
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;
  bool wants_batch_logs() const override { return false; }
  /// The epoch (from 0) that ended training, or 0.
  int stopped_epoch() const;
  int best_epoch() const;
  std::optional<double> best() const;

 private:
  struct State;
  Handle<State> state_;
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0.0;
};

/// Multiplies the learning rate by `factor` when the monitored number has not improved for
/// `patience` epochs. Raises Error at the start of fit() where the optimizer has a schedule.
class ReduceLROnPlateau : public Callback {
 public:
  using HandleOf = ReduceLROnPlateau;
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {},
                             SourceLocation where = SourceLocation::current());
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batch_logs() const override { return false; }

 private:
  struct State;
  Handle<State> state_;
};

/// Sets the learning rate of each epoch: schedule(epoch, current rate). Raises Error at the start
/// of fit() where the optimizer has a schedule of its own, and for a rate that is negative or NaN;
/// and here for an empty function.
class LearningRateScheduler : public Callback {
 public:
  using HandleOf = LearningRateScheduler;
  explicit LearningRateScheduler(Callable<double(int epoch, double rate)> schedule, int verbose = 0,
                                 SourceLocation where = SourceLocation::current());
  void on_train_begin(Logs& logs) override;
  void on_epoch_begin(int epoch, Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batch_logs() const override { return false; }

 private:
  Callable<double(int, double)> schedule_;
  int verbose_;
  SourceLocation where_;
};

/// Ends training as soon as the running loss is NaN or infinite.
class TerminateOnNaN : public Callback {
 public:
  using HandleOf = TerminateOnNaN;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
};

struct CSVLoggerOptions {
  char separator = ',';
  bool append = false;
};

/// One line an epoch: epoch (from 0), then the logs in the order of their names. Raises FileError
/// when the file cannot be written.
class CSVLogger : public Callback {
 public:
  using HandleOf = CSVLogger;
  explicit CSVLogger(std::string path, CSVLoggerOptions options = {},
                     SourceLocation where = SourceLocation::current());
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;
  bool wants_batch_logs() const override { return false; }

 private:
  struct State;
  Handle<State> state_;
};

struct LambdaCallbackOptions {
  Callable<void(int epoch, Logs& logs)> on_epoch_begin = {};
  Callable<void(int epoch, Logs& logs)> on_epoch_end = {};
  Callable<void(Logs& logs)> on_train_begin = {};
  Callable<void(Logs& logs)> on_train_end = {};
  Callable<void(int64_t batch, Logs& logs)> on_train_batch_begin = {};
  Callable<void(int64_t batch, Logs& logs)> on_train_batch_end = {};
};

class LambdaCallback : public Callback {
 public:
  using HandleOf = LambdaCallback;
  explicit LambdaCallback(LambdaCallbackOptions functions);
  void on_epoch_begin(int epoch, Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_begin(Logs& logs) override;
  void on_train_end(Logs& logs) override;
  void on_train_batch_begin(int64_t batch, Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  bool wants_batch_logs() const override;

 private:
  LambdaCallbackOptions f_;
};

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;  // then the path must end in .weights.sinter
  std::string mode = "auto";
  std::optional<int64_t> save_freq = std::nullopt;  // batches; default: at the end of each epoch
  std::optional<double> initial_value_threshold = std::nullopt;
};

/// Saves the model; `path` may hold {epoch:02d} and, with save_freq, {batch}, both from 1, and
/// logs: {val_loss:.4f}. The best is remembered over all calls of fit, and NaN is never the best.
/// Raises NameError for a name in the path that is not among the logs, Error or FileError.
class ModelCheckpoint : public Callback {
 public:
  using HandleOf = ModelCheckpoint;
  explicit ModelCheckpoint(std::string path, ModelCheckpointOptions options = {},
                           SourceLocation where = SourceLocation::current());
  void on_train_begin(Logs& logs) override;
  void on_train_batch_end(int64_t batch, Logs& logs) override;
  void on_epoch_begin(int epoch, Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batch_logs() const override;

 private:
  struct State;
  void save(int epoch, std::optional<int64_t> batch, const Logs& logs);
  Handle<State> state_;
};

namespace callbacks {
using sinter::CSVLogger;
using sinter::EarlyStopping;
using sinter::LambdaCallback;
using sinter::LearningRateScheduler;
using sinter::ModelCheckpoint;
using sinter::ReduceLROnPlateau;
using sinter::TerminateOnNaN;
}  // namespace callbacks

}  // namespace sinter
