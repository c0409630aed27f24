// Where steps take their batches from: rows of tensors, or the elements of a Dataset.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/model_state.h"
#include "frontend/training/loop.h"
#include "frontend/training/prepared_data.h"

namespace sinter {

class Feed {
 public:
  virtual ~Feed() = default;
  /// Begins an epoch, or a run; gives how many batches it has, or -1 where that will show.
  virtual int64_t begin() = 0;
  /// Goes to the next batch; false at the end of the epoch.
  virtual bool next() = 0;

  // --- the batch at hand
  virtual int64_t rows() const = 0;
  virtual const std::vector<const void*>& pointers() = 0;
  virtual const StepInputs& inputs() const = 0;
  /// Changes when inputs() do.
  virtual int64_t kind() const { return 0; }
  /// The batch where it was checked by itself; null where all rows were checked before.
  virtual const PreparedData* checked() const { return nullptr; }

  // --- batches to come back to
  /// Keeps the batch at hand until forget(), or the next begin(); gives what it is known by.
  virtual int64_t keep() = 0;
  /// The inputs of a batch that was kept, valid until the next call and the next batch.
  virtual const std::vector<const void*>& kept(int64_t batch) = 0;
  /// Which row of the data row `row` of it is; in a Dataset counted from where the walk began.
  virtual int64_t sample(int64_t batch, int64_t row) const = 0;
  virtual void forget() {}

  // --- where fewer batches came than were asked for
  /// "40 rows in batches of 4 are 10", "the dataset has 10".
  virtual std::string shortage() const = 0;
  /// "Leave out steps_per_epoch, or ..."
  virtual std::string remedy() const = 0;
};

class TensorFeed : public Feed {
 public:
  /// `order` gives the order of rows each time that they are begun anew; epochs of some steps go on
  /// where the one before stopped. Without it rows are taken as they stand, from the first in each
  /// run. `data` must outlive this.
  TensorFeed(const PreparedData& data, int64_t batch_size, std::optional<int64_t> steps,
             std::function<std::vector<int64_t>()> order = {});
  int64_t begin() override;
  bool next() override;
  int64_t rows() const override { return batches_->size(at_); }
  const std::vector<const void*>& pointers() override { return batches_->pointers(at_); }
  const StepInputs& inputs() const override { return data_.inputs; }
  int64_t keep() override { return at_; }
  const std::vector<const void*>& kept(int64_t batch) override { return batches_->pointers(batch); }
  int64_t sample(int64_t batch, int64_t row) const override;
  std::string shortage() const override;
  std::string remedy() const override;

 private:
  const PreparedData& data_;
  int64_t batch_size_;
  std::optional<int64_t> steps_;
  std::function<std::vector<int64_t>()> make_order_;
  std::vector<int64_t> order_;
  std::optional<Batches> batches_;
  BatchPosition position_;
  int64_t at_ = 0, left_ = 0;
};

/// Walks through a Dataset, once or several times, and looks ahead.
class DatasetReader {
 public:
  /// Raises Error, which starts with `call`, for a dataset that is endless without `steps`.
  DatasetReader(const char* call, const Dataset& dataset, std::optional<int64_t> steps,
                const char* steps_argument);
  /// Each epoch walks from the start, also with steps: that of validation.
  void from_start() { from_start_ = true; }
  /// What the first batch will be. Raises Error when there is none.
  const Element& first();
  /// As Feed::begin().
  int64_t begin();
  std::optional<Element> next();
  /// Of the batches of an epoch that starts with the first, or -1.
  int64_t count() const {
    return steps_ && count_ >= 0 ? std::min(*steps_, count_) : steps_.value_or(count_);
  }
  /// Batches taken in this walk.
  int64_t seen() const { return seen_; }
  /// The walk of the batch at hand from its start; nothing where it need not be the same again.
  std::optional<Dataset::Iterator> repeated() const { return walk_->repeated(); }
  std::string shortage() const;
  const char* call() const { return call_; }

 private:
  void walk();

  const char* call_;
  Dataset dataset_;
  std::optional<int64_t> steps_;
  bool from_start_ = false;
  std::optional<Dataset::Iterator> walk_;
  std::optional<Element> ahead_;
  int64_t seen_ = 0, taken_ = 0;  // in this walk, in this epoch
  int64_t count_;                 // of a walk, or negative
};

/// Batches for steps that compare predictions with labels.
class DatasetFeed : public Feed {
 public:
  /// What it refers to must outlive this. `weights` are those of classes.
  DatasetFeed(DatasetReader& reader, ModelState& state, const std::vector<OutputPlan>& plans,
              NaNUse use, std::map<int, double> weights = {});
  int64_t begin() override { return reader_.begin(); }
  bool next() override;
  int64_t rows() const override { return batch_.data.rows; }
  const std::vector<const void*>& pointers() override { return batch_.pointers; }
  const StepInputs& inputs() const override { return batch_.data.inputs; }
  int64_t kind() const override { return kind_; }
  const PreparedData* checked() const override { return &batch_.data; }
  int64_t keep() override;
  const std::vector<const void*>& kept(int64_t batch) override;
  int64_t sample(int64_t batch, int64_t row) const override;
  void forget() override;
  std::string shortage() const override { return reader_.shortage(); }
  std::string remedy() const override { return "Leave out steps_per_epoch, or use repeat()"; }

 private:
  // An element, as a step takes it.
  struct Batch {
    PreparedData data;
    std::vector<std::optional<Tensor>> converted;  // memory, which serves again
    std::vector<const void*> pointers;
  };
  void read(const std::string& call, const Element& element, Batch& batch) const;

  DatasetReader& reader_;
  ModelState& state_;
  const std::vector<OutputPlan>& plans_;
  NaNUse use_;
  std::map<int, double> class_weight_;
  Batch batch_;
  int64_t kind_ = -1;
  int64_t rows_before_ = 0, rows_walked_ = 0;  // the batch at hand: in this walk
  // Where a walk can be repeated, batches are made anew when somebody comes back to them. Others
  // are copied, as the dataset may use the memory of a batch for the next one; the memory of copies
  // serves again.
  struct Kept {
    std::vector<Tensor> inputs;
    std::vector<const void*> pointers;
    int64_t first = 0;   // row
    int64_t place = -1;  // in the walk; -1: a copy
  };
  std::vector<Kept> kept_;
  size_t kept_count_ = 0;
  std::optional<Dataset::Iterator> again_;  // the walk of the batches that are kept, once more
  int64_t again_at_ = 0;                    // of its next element
  bool again_begun_ = false;
  Batch made_anew_;
};

/// Raises Error where options are given that are for tensors.
void refuse_for_dataset(const char* call, int64_t batch_size, const Data& sample_weight);

/// Turns class weights into sample weights of the rows.
void apply_class_weight(PreparedData& data, const Network& network,
                        std::span<const OutputPlan> plans,
                        const std::map<int, double>& class_weight);

/// Loss and metrics over the batches of one run of the feed. `on_batch(done, logs)` is called after
/// each.
Evaluation evaluate_feed(ModelState& state, Feed& feed,
                         const std::function<void(int64_t, const RunningLogs&)>& on_batch = {});

}  // namespace sinter
