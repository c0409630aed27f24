// Model::evaluate, predict and the forms for one batch.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "core/float_environment.h"
#include "frontend/argument_checks.h"
#include "frontend/origin.h"
#include "frontend/progress.h"
#include "frontend/training/feed.h"
#include "frontend/training/loop.h"
#include "frontend/weights_lock.h"

namespace sinter {

double Evaluation::loss(SourceLocation where) const {
  if (values.empty())
    throw Error(with_line(where, "an Evaluation that holds nothing was asked for its loss"));
  return values.front().second;
}

Logs Evaluation::logs() const { return Logs(values.begin(), values.end()); }

double Evaluation::operator[](const LogName& name) const {
  std::vector<std::string> known;
  for (const auto& [key, value] : values) {
    if (key == name.name) return value;
    known.push_back(key);
  }
  raise_unknown_name("result of evaluate", name.name, known, name.where);
}

Evaluation::operator std::vector<double>() const {
  std::vector<double> result;
  for (const auto& [key, value] : values) result.push_back(value);
  return result;
}

namespace {

// `options` checked.
Evaluation evaluate_shown(ModelState& state, Feed& feed, int64_t count,
                          const EvaluateOptions& options, SourceLocation where) {
  EpochProgress progress(options.verbose, "", count);
  int64_t done = 0;
  const Evaluation result =
      evaluate_feed(state, feed, [&](int64_t batches, const RunningLogs& logs) {
        done = batches;
        if (progress.due()) progress.update(batches, shown(logs.evaluation().logs()));
      });
  if (options.steps) warn_of_missing_batches("evaluate: steps", *options.steps, done, feed, where);
  progress.close(done, shown(result.logs()));
  return result;
}

}  // namespace

Evaluation Model::evaluate(const Data& x, const Data& y, const EvaluateOptions& options,
                           SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    build_for(x);
    check_batch_size("evaluate", options.batch_size);
    check_steps("evaluate", "steps", options.steps);
    check_verbose("evaluate", options.verbose);
    const std::lock_guard lock(state_->fit_mutex);
    const std::shared_ptr<const Compiled> c = state_->settings("evaluate");
    const PreparedData data =
        prepare_data("evaluate", state_->net(), c->outputs, x, y, options.sample_weight);
    refuse_nan("evaluate", *state_, data, NaNUse::kEvaluation);
    const int64_t count = batch_count(data.rows, options.batch_size);
    TensorFeed feed(data, options.batch_size, options.steps);
    return evaluate_shown(*state_, feed, options.steps ? std::min(*options.steps, count) : count,
                          options, where);
  });
}

Evaluation Model::evaluate(const Dataset& batches, const EvaluateOptions& options,
                           SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    refuse_for_dataset("evaluate", options.batch_size, options.sample_weight);
    check_steps("evaluate", "steps", options.steps);
    check_verbose("evaluate", options.verbose);
    DatasetReader reader("evaluate", batches, options.steps, "steps");
    build_for(reader.first().part(0));
    const std::lock_guard lock(state_->fit_mutex);
    const std::shared_ptr<const Compiled> c = state_->settings("evaluate");
    DatasetFeed feed(reader, *state_, c->outputs, NaNUse::kEvaluation);
    return evaluate_shown(*state_, feed, reader.count(), options, where);
  });
}

namespace {

// Runs fewer rows than the program takes: the last one is repeated, and results beyond are dropped.
void run_padded(ScratchPool& pool, const StepProgram& program, int64_t rows,
                const std::vector<const void*>& inputs, const std::vector<void*>& outputs) {
  constexpr int64_t kAlignment = 64;
  const Graph& graph = program.executable->graph();
  std::vector<int64_t> row_bytes, offsets;
  int64_t bytes = 0;
  const auto place = [&](const ValueType& type) {
    row_bytes.push_back(type.bytes() / program.rows);
    offsets.push_back(bytes);
    bytes += (type.bytes() + kAlignment - 1) / kAlignment * kAlignment;
  };
  for (const int32_t input : graph.inputs()) place(graph.type({input, 0}));
  for (const Graph::Output& output : graph.outputs()) place(graph.type(output.value));
  const ScratchPool::Block block = pool.take(bytes);

  std::vector<const void*> from;
  std::vector<void*> to;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto row = static_cast<size_t>(row_bytes[i]);
    std::byte* target = block.begin() + offsets[i];
    from.push_back(target);
    std::memcpy(target, inputs[i], row * static_cast<size_t>(rows));
    for (auto r = static_cast<size_t>(rows); r < static_cast<size_t>(program.rows); ++r)
      std::memcpy(target + r * row, target + (r - 1) * row, row);
  }
  for (size_t i = inputs.size(); i < offsets.size(); ++i) to.push_back(block.begin() + offsets[i]);
  program.executable->run(from, to);
  for (size_t i = 0; i < outputs.size(); ++i)
    std::memcpy(outputs[i], to[i], static_cast<size_t>(row_bytes[inputs.size() + i] * rows));
}

// The shapes of outputs for `rows` rows.
std::vector<Tensor> results_for(const ModelState& state, int64_t rows) {
  std::vector<Tensor> results;
  for (const KerasTensor& output : state.net().outputs()) {
    Shape shape = output.shape();
    if (shape.rank() == 0 || shape[0] != kBatch) {
      throw Error(fmt::format("predict: output {} of model '{}' has no batch dimension",
                              shape.to_string(), state.name));
    }
    results.emplace_back(output.dtype(), shape.specialized(rows));
  }
  return results;
}

void predict_batch(ModelState& state, Programs& programs, int64_t size,
                   const std::vector<const void*>& inputs, const std::vector<void*>& targets) {
  StepProgram& program = programs.of_size(size);
  if (program.rows == size) {
    program.executable->run(inputs, targets);
  } else {
    run_padded(state.scratch, program, size, inputs, targets);
  }
}

// All rows, of parts that have as many dimensions and columns.
Tensor joined(const std::vector<std::vector<Tensor>>& parts, size_t output) {
  if (parts.size() == 1) return parts[0][output];
  int64_t rows = 0;
  for (const std::vector<Tensor>& part : parts) rows += part[output].shape()[0];
  Shape shape = parts[0][output].shape();
  shape[0] = rows;
  Tensor result(parts[0][output].dtype(), shape);
  auto* to = static_cast<std::byte*>(result.raw());
  for (const std::vector<Tensor>& part : parts) {
    const auto bytes = static_cast<size_t>(part[output].bytes());
    if (bytes > 0) std::memcpy(to, std::as_const(part[output]).raw(), bytes);
    to += bytes;
  }
  return result;
}

}  // namespace

List<Tensor> Model::predict_all(const Data& x, const PredictOptions& options,
                                SourceLocation where) const {
  return at_line(where, [&]() -> std::vector<Tensor> {
    const DefaultFloatEnvironment environment;
    build_for(x);
    check_batch_size("predict", options.batch_size);
    check_steps("predict", "steps", options.steps);
    check_verbose("predict", options.verbose);
    ModelState& state = *state_;
    const PreparedData data = prepare_inputs("predict", state.net(), x, false);
    const std::vector<int64_t> in_order;
    Batches batches(data, options.batch_size, in_order);
    const int64_t count = std::min(batches.count(), options.steps.value_or(batches.count()));
    const bool all = count == batches.count();
    const int64_t rows = all ? data.rows : count * options.batch_size;
    std::vector<Tensor> results = results_for(state, rows);
    EpochProgress progress(options.verbose, "", count);
    std::vector<void*> targets(results.size());
    state.refresh_version();
    // A size that comes several times in this call has a program of its own.
    Programs programs([&](int64_t batch) {
      return prediction_program(state, batch, count > 1 && batch == options.batch_size);
    });
    for (int64_t b = 0; b < count; ++b) {
      for (size_t i = 0; i < results.size(); ++i) {
        const int64_t row_bytes = results[i].bytes() / rows;
        targets[i] = static_cast<std::byte*>(results[i].raw()) + b * options.batch_size * row_bytes;
      }
      predict_batch(state, programs, batches.size(b), batches.pointers(b), targets);
      if (progress.due()) progress.update(b + 1, {});
    }
    progress.close(count, {});
    return results;
  });
}

List<Tensor> Model::predict_all(const Dataset& batches, const PredictOptions& options,
                                SourceLocation where) const {
  return at_line(where, [&]() -> std::vector<Tensor> {
    const DefaultFloatEnvironment environment;
    refuse_for_dataset("predict", options.batch_size, {});
    check_steps("predict", "steps", options.steps);
    check_verbose("predict", options.verbose);
    DatasetReader reader("predict", batches, options.steps, "steps");
    build_for(reader.first().part(0));
    ModelState& state = *state_;
    EpochProgress progress(options.verbose, "", reader.begin());
    state.refresh_version();
    int64_t usual = 0;  // the size of the first batch, which most have
    Programs programs([&](int64_t batch) {
      return prediction_program(state, batch, reader.count() != 1 && batch == usual);
    });
    std::vector<std::vector<Tensor>> parts;
    const std::vector<int64_t> in_order;
    while (const std::optional<Element> element = reader.next()) {
      const std::string call = fmt::format("predict (batch {})", parts.size());
      const PreparedData data = prepare_inputs(call.c_str(), state.net(), element->part(0), false);
      if (usual == 0) usual = data.rows;
      parts.push_back(results_for(state, data.rows));
      std::vector<void*> targets;
      for (Tensor& t : parts.back()) targets.push_back(t.raw());
      Batches rows(data, data.rows, in_order);
      predict_batch(state, programs, data.rows, rows.pointers(0), targets);
      if (progress.due()) progress.update(static_cast<int64_t>(parts.size()), {});
    }
    progress.close(static_cast<int64_t>(parts.size()), {});
    std::vector<Tensor> results;
    for (size_t i = 0; i < parts[0].size(); ++i) results.push_back(joined(parts, i));
    return results;
  });
}

namespace {

void check_one_output(std::string_view call, const ModelState& state) {
  if (!state.network || state.network->outputs().size() == 1) return;
  throw Error(fmt::format("{}: model '{}' has {} outputs; use predict_all()", call, state.name,
                          state.network->outputs().size()));
}

}  // namespace

Tensor Model::predict(const Data& x, const PredictOptions& options, SourceLocation where) const {
  return at_line(where, [&] {
    check_one_output("predict", *state_);
    return predict_all(x, options, where).front();
  });
}

Tensor Model::predict(const Dataset& batches, const PredictOptions& options,
                      SourceLocation where) const {
  return at_line(where, [&] {
    check_one_output("predict", *state_);
    return predict_all(batches, options, where).front();
  });
}

Tensor Model::predict_on_batch(const Data& x, SourceLocation where) const {
  return at_line(where, [&] {
    if (x.empty() || x.list()[0].shape().rank() == 0)
      throw ShapeError("predict_on_batch: x must hold rows");
    check_one_output("predict_on_batch", *state_);
    return predict(x, {.batch_size = std::max<int64_t>(x.list()[0].shape()[0], 1)}, where);
  });
}

Evaluation Model::train_on_batch(const Data& x, const Data& y, const Data& sample_weight,
                                 SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    build_for(x);
    const std::lock_guard lock(state_->fit_mutex);
    const std::shared_ptr<const Compiled> c = state_->settings("train_on_batch");
    const PreparedData data =
        prepare_data("train_on_batch", state_->net(), c->outputs, x, y, sample_weight);
    refuse_nan("train_on_batch", *state_, data, NaNUse::kTraining);
    const std::vector<int64_t> in_order;
    Batches batches(data, data.rows, in_order);
    const auto program = training_program(*state_, data.inputs, data.rows);
    RunningLogs logs;
    logs.run(*state_, *program, batches.pointers(0), data.rows);
    return logs.evaluation();
  });
}

std::vector<Tensor> gradients_of(ModelState& state, const PreparedData& data) {
  const std::vector<int64_t> in_order;
  Batches batches(data, data.rows, in_order);
  const auto program = gradients_program(state, data.inputs, data.rows);
  std::vector<Tensor> result;
  std::vector<void*> targets;
  for (const Tensor& g : program->outputs) {
    result.emplace_back(g.dtype(), g.shape());
    targets.push_back(result.back().raw());
  }
  const WeightsGuard guard(state.locks());
  state.refresh_version();
  program->executable->run(batches.pointers(0), targets);
  return result;
}

List<Tensor> Model::gradients(const Data& x, const Data& y, const Data& sample_weight,
                              SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    build_for(x);
    const std::lock_guard lock(state_->fit_mutex);
    const std::shared_ptr<const Compiled> c = state_->settings("gradients");
    const PreparedData data =
        prepare_data("gradients", state_->net(), c->outputs, x, y, sample_weight);
    refuse_nan("gradients", *state_, data, NaNUse::kTraining);
    return gradients_of(*state_, data);
  });
}

Evaluation Model::test_on_batch(const Data& x, const Data& y, const Data& sample_weight,
                                SourceLocation where) const {
  return at_line(where, [&] {
    const DefaultFloatEnvironment environment;
    build_for(x);
    const std::lock_guard lock(state_->fit_mutex);
    const std::shared_ptr<const Compiled> c = state_->settings("test_on_batch");
    const PreparedData data =
        prepare_data("test_on_batch", state_->net(), c->outputs, x, y, sample_weight);
    refuse_nan("test_on_batch", *state_, data, NaNUse::kEvaluation);
    return evaluate_rows(*state_, data, data.rows, std::nullopt);
  });
}

}  // namespace sinter
