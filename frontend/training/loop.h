// Running steps over batches: what fit, evaluate and their one-batch forms share.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "frontend/model_state.h"
#include "frontend/training/prepared_data.h"

namespace sinter {

/// Means over batches: losses weighted by the samples of each batch, so that the losses of outputs
/// add up to the loss; metrics as sum over count.
class RunningLogs {
 public:
  RunningLogs() = default;
  RunningLogs(const RunningLogs&) = delete;
  /// States of metrics are as they were before the first step again: an evaluation within an epoch
  /// leaves those of the epoch alone.
  ~RunningLogs();
  /// Runs one step on the rows of `pointers`, over `samples` samples; states of metrics start anew
  /// at the first.
  void run(ModelState& state, StepProgram& program, const std::vector<const void*>& pointers,
           int64_t samples);
  /// loss, losses of outputs, metrics.
  Evaluation evaluation() const;
  bool empty() const { return samples_ == 0; }
  /// The running mean of the loss.
  double loss() const { return losses_.empty() ? 0 : losses_[0] / samples_; }

 private:
  void begin(const StepGraph& step);

  double samples_ = 0;
  std::vector<std::string> loss_names_;
  std::vector<LoggedMetric> metrics_;
  std::vector<double> losses_, totals_, counts_;
  std::vector<std::vector<Tensor>> before_;  // of each metric: its state when this began
};

/// The programs of one run over batches: all of one size and kind but for the last, so two lookups
/// serve all of them.
class Programs {
 public:
  using Find = std::function<std::shared_ptr<StepProgram>(int64_t batch)>;
  explicit Programs(Find find) : find_(std::move(find)) {}
  StepProgram& of_size(int64_t batch, int64_t kind = 0) {
    if (!program_ || size_ != batch || kind_ != kind) {
      program_ = find_(batch);
      size_ = batch;
      kind_ = kind;
    }
    return *program_;
  }
  /// The program that of_size() gave last.
  const std::shared_ptr<StepProgram>& last() const { return program_; }

 private:
  Find find_;
  std::shared_ptr<StepProgram> program_;
  int64_t size_ = 0, kind_ = 0;
};

/// Which batch of its data a training takes next. With a number of steps an epoch goes on where the
/// one before stopped, and ends early with the last batch; the next one then starts anew: as in
/// Keras.
class BatchPosition {
 public:
  /// Whether the next epoch starts at the first batch.
  bool at_start() const { return next_ == 0; }
  /// How many batches the next epoch takes of `count`.
  int64_t steps(int64_t count, std::optional<int64_t> wanted) const {
    return wanted ? std::min(*wanted, count - next_) : count;
  }
  int64_t next() { return next_++; }
  void end_epoch(int64_t count, std::optional<int64_t> wanted) {
    if (!wanted || next_ >= count) next_ = 0;
  }

 private:
  int64_t next_ = 0;
};

/// Loss and metrics over all rows, or the first `steps` batches, in order.
Evaluation evaluate_rows(ModelState& state, const PreparedData& data, int64_t batch_size,
                         std::optional<int64_t> steps);

/// The gradients of the loss on all rows of `data`, of each of the trainable weights.
std::vector<Tensor> gradients_of(ModelState& state, const PreparedData& data);

/// Where data hold NaN: raises Error when the loss of these rows is NaN, too, or, where they would
/// train, its gradients are, for all weights would be. A model that fills such values in, or a loss
/// that leaves them out, may have them. kWatched: of training whose steps are looked at, so nothing
/// is refused.
enum class NaNUse { kEvaluation, kTraining, kWatched };
void refuse_nan(const char* call, ModelState& state, const PreparedData& data, NaNUse use);

/// Raises Error unless batch_size is positive.
void check_batch_size(const char* call, int64_t batch_size);
/// Raises Error naming `argument` of `call` unless it is absent or positive.
void check_steps(const char* call, const char* argument, std::optional<int64_t> steps);

class Feed;
/// Warns once where `steps` batches were asked for, `argument` ("evaluate: steps"), and fewer
/// taken.
void warn_of_missing_batches(const char* argument, int64_t steps, int64_t taken, const Feed& feed,
                             SourceLocation where);

/// For progress bars: names sorted, loss last but for validation, as Keras shows them.
std::vector<std::pair<std::string, double>> shown(const Logs& logs);

}  // namespace sinter
