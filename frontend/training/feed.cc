#include "frontend/training/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/convert.h"
#include "core/counted.h"
#include "core/error.h"
#include "frontend/network.h"

namespace sinter {

TensorFeed::TensorFeed(const PreparedData& data, int64_t batch_size, std::optional<int64_t> steps,
                       std::function<std::vector<int64_t>()> order)
    : data_(data), batch_size_(batch_size), steps_(steps), make_order_(std::move(order)) {}

int64_t TensorFeed::begin() {
  const int64_t all = batch_count(data_.rows, batch_size_);
  if (!make_order_) position_ = {};
  position_.end_epoch(all, steps_);
  if (!batches_ || position_.at_start()) {
    if (make_order_) order_ = make_order_();
    batches_.emplace(data_, batch_size_, order_);
  }
  left_ = position_.steps(all, steps_);
  return left_;
}

bool TensorFeed::next() {
  if (left_ == 0) return false;
  --left_;
  at_ = position_.next();
  return true;
}

int64_t TensorFeed::sample(int64_t batch, int64_t row) const {
  const int64_t place = batch * batch_size_ + row;
  return order_.empty() ? place : order_[static_cast<size_t>(place)];
}

std::string TensorFeed::shortage() const {
  return fmt::format("{} in batches of {} are {}", counted(data_.rows, "row"), batch_size_,
                     batches_->count());
}

std::string TensorFeed::remedy() const {
  return fmt::format("Leave out steps_per_epoch, or take a number that divides {}",
                     batches_->count());
}

DatasetReader::DatasetReader(const char* call, const Dataset& dataset, std::optional<int64_t> steps,
                             const char* steps_argument)
    : call_(call), dataset_(dataset), steps_(steps), count_(dataset.cardinality()) {
  if (count_ == Dataset::kInfiniteCardinality && !steps) {
    throw Error(fmt::format("{}: the dataset is endless: give {}, or leave out repeat()", call,
                            steps_argument));
  }
}

void DatasetReader::walk() {
  walk_.emplace(dataset_);
  seen_ = 0;
}

const Element& DatasetReader::first() {
  if (!walk_) walk();
  if (!ahead_) ahead_ = walk_->next();
  if (!ahead_) throw Error(fmt::format("{}: the dataset holds no element", call_));
  return *ahead_;
}

int64_t DatasetReader::begin() {
  // As in Keras, steps go on where the epoch before stopped.
  if (!walk_ || (seen_ > 0 && (!steps_ || from_start_)) || (count_ >= 0 && seen_ >= count_)) walk();
  taken_ = 0;
  if (!steps_) return count_;
  return count_ < 0 ? *steps_ : std::min(*steps_, count_ - seen_);
}

std::optional<Element> DatasetReader::next() {
  if (!walk_ || (steps_ && taken_ == *steps_)) return std::nullopt;
  std::optional<Element> element = ahead_ ? std::exchange(ahead_, std::nullopt) : walk_->next();
  if (!element) {
    walk_.reset();
    if (count_ < 0) count_ = seen_;
    return std::nullopt;
  }
  ++seen_;
  ++taken_;
  return element;
}

std::string DatasetReader::shortage() const {
  return fmt::format("the dataset has {}", std::max<int64_t>(count_, 0));
}

DatasetFeed::DatasetFeed(DatasetReader& reader, ModelState& state,
                         const std::vector<OutputPlan>& plans, NaNUse use,
                         std::map<int, double> weights)
    : reader_(reader), state_(state), plans_(plans), use_(use), class_weight_(std::move(weights)) {}

namespace {

bool is_same(const StepInputs& a, const StepInputs& b) {
  return a.labels == b.labels && a.weights == b.weights;
}

// Where the values of `t` are as elements of `dtype`; `memory` serves one batch after the other.
const void* values_as(const Tensor& t, DType dtype, std::optional<Tensor>& memory) {
  if (t.dtype() == dtype) return t.raw();
  if (!memory || memory->dtype() != dtype || memory->elements() < t.elements())
    memory = Tensor::placeholder(dtype, t.shape());
  dispatch_dtype(t.dtype(), [&](auto from) {
    dispatch_dtype(dtype, [&](auto to) {
      const auto values = t.data<decltype(from)>();
      std::transform(values.begin(), values.end(), static_cast<decltype(to)*>(memory->raw()),
                     [](decltype(from) v) { return convert_element<decltype(to)>(v); });
    });
  });
  return memory->raw();
}

}  // namespace

void DatasetFeed::read(const std::string& call, const Element& element, Batch& batch) const {
  if (element.size() < 2)
    throw Error(call + ": the element of the dataset has no y; elements are (x, y)");
  batch.data = prepare_data(call.c_str(), state_.net(), plans_, element.part(0), element.part(1),
                            element.part(2));
  const PreparedData& data = batch.data;
  apply_class_weight(batch.data, state_.net(), plans_, class_weight_);
  batch.pointers.clear();
  size_t next = 0;
  batch.converted.resize(data.x.size() + 2 * data.y.size());
  const auto add = [&](const Tensor& values, DType dtype) {
    batch.pointers.push_back(values_as(values, dtype, batch.converted[next++]));
  };
  for (size_t i = 0; i < data.x.size(); ++i) add(data.x[i], data.x_dtypes[i]);
  for (size_t i = 0; i < data.y.size(); ++i) add(data.y[i], data.inputs.labels[i].dtype);
  for (size_t i = 0; i < data.weights.size(); ++i) {
    if (data.weights[i]) add(*data.weights[i], data.inputs.weights[i]->dtype);
  }
}

bool DatasetFeed::next() {
  const StepInputs before = std::move(batch_.data.inputs);
  batch_.data = {};  // whoever makes the next one may use its memory
  const std::optional<Element> element = reader_.next();
  if (!element) return false;
  const std::string call = fmt::format("{} (batch {})", reader_.call(), reader_.seen() - 1);
  if (reader_.seen() == 1) rows_walked_ = 0;
  read(call, *element, batch_);
  refuse_nan(call.c_str(), state_, batch_.data, use_);
  if (kind_ < 0 || !is_same(before, batch_.data.inputs)) ++kind_;
  rows_before_ = rows_walked_;
  rows_walked_ += batch_.data.rows;
  return true;
}

int64_t DatasetFeed::keep() {
  if (kept_count_ == 0) {
    again_ = reader_.repeated();
    again_begun_ = false;
  }
  if (kept_count_ == kept_.size()) kept_.emplace_back();
  Kept& to = kept_[kept_count_];
  to.first = rows_before_;
  to.place = again_ ? reader_.seen() - 1 : -1;
  if (again_) return static_cast<int64_t>(kept_count_++);
  const PreparedData& data = batch_.data;
  to.pointers.clear();
  to.inputs.resize(batch_.pointers.size());
  const auto add = [&](const Tensor& given, DType dtype) {
    const size_t i = to.pointers.size();
    const ValueType type{dtype, given.shape()};
    if (to.inputs[i].type() != type) to.inputs[i] = Tensor::placeholder(dtype, given.shape());
    if (type.bytes() > 0)
      std::memcpy(to.inputs[i].raw(), batch_.pointers[i], static_cast<size_t>(type.bytes()));
    to.pointers.push_back(to.inputs[i].raw());
  };
  for (size_t i = 0; i < data.x.size(); ++i) add(data.x[i], data.x_dtypes[i]);
  for (size_t i = 0; i < data.y.size(); ++i) add(data.y[i], data.inputs.labels[i].dtype);
  for (size_t i = 0; i < data.weights.size(); ++i) {
    if (data.weights[i]) add(*data.weights[i], data.inputs.weights[i]->dtype);
  }
  return static_cast<int64_t>(kept_count_++);
}

const std::vector<const void*>& DatasetFeed::kept(int64_t batch) {
  const Kept& wanted = kept_[static_cast<size_t>(batch)];
  if (wanted.place < 0) return wanted.pointers;
  if (again_begun_ && again_at_ == wanted.place + 1) return made_anew_.pointers;
  if (!again_begun_ || again_at_ > wanted.place) {
    again_ = again_->repeated();
    again_at_ = 0;
    again_begun_ = true;
  }
  std::optional<Element> element;
  made_anew_.data = {};
  for (; again_at_ <= wanted.place; ++again_at_) {
    element.reset();  // whose memory may serve again
    element = again_->next();
  }
  SINTER_CHECK(element.has_value(), "a walk that is repeated has other elements");
  read(reader_.call(), *element, made_anew_);
  return made_anew_.pointers;
}

void DatasetFeed::forget() {
  kept_count_ = 0;
  again_.reset();
  made_anew_ = {};
}

int64_t DatasetFeed::sample(int64_t batch, int64_t row) const {
  return kept_[static_cast<size_t>(batch)].first + row;
}

void refuse_for_dataset(const char* call, int64_t batch_size, const Data& sample_weight) {
  if (batch_size != FitOptions().batch_size) {
    throw Error(
        fmt::format("{}: batch_size is for tensors; a Dataset makes its own batches: batch({})",
                    call, batch_size));
  }
  if (!sample_weight.empty()) {
    throw Error(fmt::format(
        "{}: sample_weight is for tensors; elements of a Dataset are (x, y, sample_weight)", call));
  }
}

namespace {

// A row has one weight, so its steps or pixels cannot have those of their classes; and a class that
// no label can name is a mistake that nobody would see.
void check_class_weight(const PreparedData& data, const Network& network, const OutputPlan& plan,
                        const std::map<int, double>& class_weight) {
  const Shape& output = network.outputs()[0].shape();
  const std::string& name = network.output_names()[0];
  int64_t steps = 1;
  for (int axis = 1; axis + 1 < output.rank(); ++axis) steps *= output[axis];
  if (steps > 1) {
    throw Error(
        fmt::format("fit: class_weight is for one class a row, output '{}' {} has {} of them: give "
                    "sample_weight, one for each",
                    name, output.to_string(), steps));
  }
  // Numbers may be of classes that only the user's own loss knows, or of a sigmoid's two.
  const bool is_one_hot = data.y[0].shape().rank() > 1 && data.y[0].shape().dim(-1) > 1;
  if (!is_one_hot && !plan.loss.takes_classes()) return;
  const int64_t classes = is_one_hot ? data.y[0].shape().dim(-1) : output.dim(-1);
  for (const auto& [label, weight] : class_weight) {
    if (label >= 0 && label < classes) continue;
    throw Error(
        fmt::format("fit: class_weight has a weight for class {}, output '{}' {} has "
                    "classes 0 to {}",
                    label, name, output.to_string(), classes - 1));
  }
}

}  // namespace

void apply_class_weight(PreparedData& data, const Network& network,
                        std::span<const OutputPlan> plans,
                        const std::map<int, double>& class_weight) {
  if (class_weight.empty()) return;
  if (data.y.size() != 1) throw Error("fit: class_weight is for models of one output");
  if (data.weights[0]) throw Error("fit: give class_weight or sample_weight, not both");
  check_class_weight(data, network, plans[0], class_weight);
  data.weights[0] = class_weights(data.y[0], class_weight);
  data.inputs.weights[0] = {data_dtype(network.outputs()[0].type()), Shape{kBatch}};
}

Evaluation evaluate_feed(ModelState& state, Feed& feed,
                         const std::function<void(int64_t, const RunningLogs&)>& on_batch) {
  RunningLogs logs;
  Programs programs([&](int64_t batch) { return evaluation_program(state, feed.inputs(), batch); });
  feed.begin();
  for (int64_t done = 1; feed.next(); ++done) {
    StepProgram& program = programs.of_size(feed.rows(), feed.kind());
    logs.run(state, program, feed.pointers(), feed.rows());
    if (on_batch) on_batch(done, logs);
  }
  return logs.evaluation();
}

}  // namespace sinter
