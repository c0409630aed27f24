// Checks and conversions of data.
#include "frontend/training/prepared_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/counted.h"
#include "core/error.h"
#include "frontend/session.h"

namespace sinter {

int64_t first_nan(const Tensor& t) {
  if (!is_floating(t.dtype())) return -1;
  // Blocks first, without a branch an element: a training step should not wait for this.
  constexpr size_t kBlock = 64;
  const auto has_nan = [](const auto* values) {
    unsigned found = 0;
    for (size_t i = 0; i < kBlock; ++i) found |= values[i] != values[i] ? 1u : 0u;
    return found != 0;
  };
  const auto scan = [&](auto values) -> int64_t {
    size_t clean = 0;
    while (clean + kBlock <= values.size() && !has_nan(values.data() + clean)) clean += kBlock;
    for (size_t i = clean; i < values.size(); ++i) {
      if (std::isnan(values[i])) return static_cast<int64_t>(i);
    }
    return -1;
  };
  if (t.dtype() == DType::kFloat32) return scan(t.data<float>());
  if (t.dtype() == DType::kFloat64) return scan(t.data<double>());
  return first_nan(t.cast(DType::kFloat32));
}

namespace {

// `first_row`: which row of the user's data the first one is.
void note_nan(std::string& place, const std::string& what, const Tensor& t, int64_t first_row = 0) {
  if (!place.empty()) return;
  const int64_t at = first_nan(t);
  if (at < 0) return;
  const int64_t per_row = t.elements() / t.shape()[0];
  place = fmt::format("{} holds NaN (row {}, element {} of the row)", what,
                      first_row + at / per_row, at % per_row);
}

// The first element that `dtype` does not hold even when its fraction is cut, or -1: of whole
// numbers beyond their range, and NaN.
int64_t first_beyond(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype || is_floating(dtype) || dtype == DType::kBool) return -1;
  return dispatch_dtype(t.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto number = [](T value) -> Number {
      if constexpr (is_floating_type<T>)
        return std::trunc(static_cast<double>(value));
      else
        return static_cast<int64_t>(value);
    };
    const auto values = t.data<T>();
    const auto found =
        std::ranges::find_if(values, [&](T value) { return !element_of(dtype, number(value)); });
    return found == values.end() ? int64_t{-1} : static_cast<int64_t>(found - values.begin());
  });
}

// Fewer label types mean fewer programs.
DType label_dtype(const Tensor& t, const ValueType& output) {
  if (is_floating(t.dtype())) return data_dtype(output);
  return first_beyond(t, DType::kInt32) < 0 ? DType::kInt32 : DType::kInt64;
}

Shape with_batch(const Shape& shape) {
  Shape result = shape;
  if (result.rank() > 0) result[0] = kBatch;
  return result;
}

// Keras's mending of a last dimension of 1.
Tensor adjust_rank(const Tensor& t, const Shape& wanted) {
  std::vector<int64_t> dims = t.shape().dims();
  if (t.shape().rank() + 1 == wanted.rank() && wanted.dim(-1) == 1) {
    dims.push_back(1);
    return t.reshaped(Shape(dims));
  }
  if (t.shape().rank() == wanted.rank() + 1 && t.shape().dim(-1) == 1) {
    dims.pop_back();
    return t.reshaped(Shape(dims));
  }
  return t;
}

void check_count(const char* call, const char* what, size_t wanted, size_t found) {
  if (wanted != found) {
    throw ShapeError(
        fmt::format("{}: the model has {}, given {}", call, counted(wanted, what), found));
  }
}

void check_rows(const char* call, const std::string& what, const Tensor& t, int64_t rows,
                const std::string& reference) {
  if (t.shape().rank() == 0)
    throw ShapeError(fmt::format("{}: {} is a scalar; give one row for each sample", call, what));
  if (t.shape()[0] != rows) {
    throw ShapeError(fmt::format("{}: {} has {}, {} has {}", call, what,
                                 counted(t.shape()[0], "row"), reference, rows));
  }
}

std::string indexed(const char* name, size_t i, size_t count) {
  return count == 1 ? name : fmt::format("{}[{}]", name, i);
}

void check_classes(const char* call, const std::string& what, const Tensor& y,
                   const OutputPlan& plan, int64_t classes) {
  const std::optional<int64_t> ignored = plan.loss.ignored_class();
  for (int64_t i = 0; i < y.elements(); ++i) {
    const double v = y.at(i);
    if (v >= 0 && v < static_cast<double>(classes) && v == std::floor(v)) continue;
    if (ignored && v == static_cast<double>(*ignored)) continue;
    throw Error(
        fmt::format("{}: {} holds {} (element {}), but output '{}' has the classes 0 to {} and "
                    "loss '{}' takes integer classes",
                    call, what, v, i, plan.name, classes - 1, plan.loss.name()));
  }
}

}  // namespace

std::vector<int64_t> rows_with_nan(const PreparedData& data) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < data.rows; ++row) {
    const auto holds_nan = [row](const Tensor& t) { return first_nan(t.rows(row, row + 1)) >= 0; };
    if (std::ranges::any_of(data.x, holds_nan) || std::ranges::any_of(data.y, holds_nan))
      rows.push_back(row);
  }
  return rows;
}

PreparedData PreparedData::slice(int64_t begin, int64_t end) const {
  PreparedData part;
  part.rows = end - begin;
  part.inputs = inputs;
  part.x_dtypes = x_dtypes;
  for (const Tensor& t : x) part.x.push_back(t.rows(begin, end));
  for (const Tensor& t : y) part.y.push_back(t.rows(begin, end));
  for (const auto& w : weights)
    part.weights.push_back(w ? std::optional(w->rows(begin, end)) : std::nullopt);
  if (nan.empty()) return part;
  for (size_t i = 0; i < part.x.size(); ++i)
    note_nan(part.nan, indexed("x", i, part.x.size()), part.x[i], begin);
  for (size_t i = 0; i < part.y.size(); ++i)
    note_nan(part.nan, indexed("y", i, part.y.size()), part.y[i], begin);
  return part;
}

PreparedData prepare_inputs(const char* call, const Network& network, const Data& x,
                            bool check_values) {
  const std::vector<Tensor> given =
      x.in_order(network.input_names(), "input", fmt::format("{}: x", call));
  check_count(call, "input", network.inputs().size(), given.size());
  PreparedData result;
  for (size_t i = 0; i < given.size(); ++i) {
    const ValueType& wanted = network.inputs()[i].type();
    const std::string what = indexed("x", i, given.size());
    Tensor t = adjust_rank(given[i], wanted.shape);
    if (t.shape().rank() == 0 || with_batch(t.shape()) != wanted.shape) {
      throw ShapeError(fmt::format("{}: input '{}' takes {}, found {} of shape {}", call,
                                   network.input_names()[i], wanted.shape.to_string(), what,
                                   given[i].shape().to_string()));
    }
    check_rows(call, what, t, i == 0 ? t.shape()[0] : result.rows, "x[0]");
    if (t.shape()[0] == 0) throw Error(fmt::format("{}: {} has no rows", call, what));
    if (check_values) note_nan(result.nan, what, t);
    if (const int64_t at = first_beyond(t, wanted.dtype); at >= 0) {
      throw Error(fmt::format("{}: {} holds {} (element {}), but input '{}' takes {}", call, what,
                              t.at(at), at, network.input_names()[i], dtype_name(wanted.dtype)));
    }
    result.rows = t.shape()[0];
    result.x.push_back(t);
    result.x_dtypes.push_back(wanted.dtype);
  }
  return result;
}

namespace {

// A weight for each row, or for each step of an output of steps. Whether the loss has values of
// steps shows where it is written.
void check_weight_shape(const char* call, const std::string& what, const Shape& weights,
                        const Shape& output) {
  bool fits = weights.rank() == 1 || weights.rank() <= output.rank() ||
              (weights.rank() == 2 && weights[1] == 1);
  for (int axis = 1; axis < std::min(weights.rank(), output.rank()); ++axis)
    fits = fits && (weights[axis] == 1 || weights[axis] == output[axis]);
  if (fits) return;
  std::string shapes = fmt::format("[{}]", weights[0]);
  if (output.rank() > 2)
    shapes += fmt::format(", or for each step, [{},{}]", weights[0], output[1]);
  throw ShapeError(fmt::format("{}: {} must hold one weight for each row, shape {}, found {}", call,
                               what, shapes, weights.to_string()));
}

}  // namespace

PreparedData prepare_data(const char* call, const Network& network,
                          const std::vector<OutputPlan>& plans, const Data& x, const Data& y,
                          const Data& sample_weight) {
  PreparedData data = prepare_inputs(call, network, x, true);
  const std::vector<Tensor> labels =
      y.in_order(network.output_names(), "output", fmt::format("{}: y", call));
  check_count(call, "output", plans.size(), labels.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    const std::string what = indexed("y", i, plans.size());
    Tensor t = labels[i];
    check_rows(call, what, t, data.rows, "x");
    const ValueType& output = network.outputs()[i].type();
    const ValueType label = {label_dtype(t, output), with_batch(t.shape())};
    const Loss loss = plans[i].loss.resolve(label, output);
    try {
      loss.check_labels(plans[i].name, label, output);
      for (const auto* metrics : {&plans[i].metrics, &plans[i].weighted_metrics}) {
        for (const Metric& m : *metrics)
          m.resolve(label, output).check_labels(plans[i].name, label, output);
      }
    } catch (const ShapeError& error) {
      throw ShapeError(fmt::format("{}: {}", call, error.what()));
    }
    note_nan(data.nan, what, t);
    if (loss.takes_classes()) check_classes(call, what, t, plans[i], output.shape.dim(-1));
    data.inputs.labels.push_back(label);
    data.y.push_back(std::move(t));
  }
  const std::vector<Tensor> sample_weights = sample_weight.in_order(
      network.output_names(), "output", fmt::format("{}: sample_weight", call));
  const size_t given = sample_weights.size();
  if (given > 1) check_count(call, "output", plans.size(), given);
  for (size_t i = 0; i < plans.size(); ++i) {
    data.weights.emplace_back();
    data.inputs.weights.emplace_back();
    if (given == 0) continue;
    const std::string what = indexed("sample_weight", given == 1 ? 0 : i, given);
    const Tensor& w = sample_weights[given == 1 ? 0 : i];
    check_rows(call, what, w, data.rows, "x");
    check_weight_shape(call, what, w.shape(), network.outputs()[i].shape());
    std::string nan;
    note_nan(nan, what, w);
    if (!nan.empty()) throw Error(fmt::format("{}: {}", call, nan));
    const bool is_column = w.shape().rank() == 2 && w.shape()[1] == 1;
    data.weights.back() = is_column ? w.reshaped({data.rows}) : w;
    data.inputs.weights.back() = {data_dtype(network.outputs()[i].type()),
                                  with_batch(data.weights.back()->shape())};
  }
  return data;
}

std::string first_improbable(const PreparedData& data, const Network& network,
                             const std::vector<OutputPlan>& plans) {
  for (size_t i = 0; i < plans.size(); ++i) {
    const Loss loss = plans[i].loss.resolve(data.inputs.labels[i], network.outputs()[i].type());
    const Tensor& y = data.y[i];
    if (!loss.takes_probabilities() || y.dtype() == DType::kBool) continue;
    const int64_t at = dispatch_dtype(y.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const auto values = y.data<T>();
      const auto found = std::ranges::find_if(values, [](T v) {
        const auto value = static_cast<double>(v);
        return value < 0 || value > 1;
      });
      return found == values.end() ? int64_t{-1} : found - values.begin();
    });
    if (at < 0) continue;
    return fmt::format("{} holds {} (row {}), but '{}' at output '{}' takes labels in 0..1",
                       indexed("y", i, plans.size()), y.at(at), at / (y.elements() / y.shape()[0]),
                       loss.name(), plans[i].name);
  }
  return "";
}

std::string first_infinity(const PreparedData& data) {
  const auto place = [](const std::string& what, const Tensor& t) -> std::string {
    if (!is_floating(t.dtype())) return "";
    const int64_t per_row = t.elements() / t.shape()[0];
    for (int64_t i = 0; i < t.elements(); ++i) {
      if (std::isinf(t.at(i)))
        return fmt::format("{} holds {} (row {}, element {} of the row)", what, t.at(i),
                           i / per_row, i % per_row);
    }
    return "";
  };
  for (size_t i = 0; i < data.x.size(); ++i) {
    if (std::string found = place(indexed("x", i, data.x.size()), data.x[i]); !found.empty())
      return found;
  }
  for (size_t i = 0; i < data.y.size(); ++i) {
    if (std::string found = place(indexed("y", i, data.y.size()), data.y[i]); !found.empty())
      return found;
  }
  for (const auto& w : data.weights) {
    if (!w) continue;
    if (std::string found = place("sample_weight", *w); !found.empty()) return found;
  }
  return "";
}

Tensor class_weights(const Tensor& y, const std::map<int, double>& class_weight) {
  for (const auto& [label, weight] : class_weight) {
    if (!std::isfinite(weight))
      throw Error(fmt::format("class_weight: the weight of class {} is {}", label, weight));
  }
  const int64_t rows = y.shape()[0];
  const int64_t columns = rows == 0 ? 1 : y.elements() / rows;
  Tensor weights(DType::kFloat64, {rows});
  for (int64_t row = 0; row < rows; ++row) {
    double label = 0;
    if (columns > 1) {
      int64_t highest = 0;
      for (int64_t c = 1; c < columns; ++c) {
        if (y.at(row * columns + c) > y.at(row * columns + highest)) highest = c;
      }
      label = static_cast<double>(highest);
    } else {
      label = std::nearbyint(y.at(row));
    }
    const bool is_class = std::abs(label) <= std::numeric_limits<int>::max();
    const auto it = is_class ? class_weight.find(static_cast<int>(label)) : class_weight.end();
    weights.set(row, it == class_weight.end() ? 1.0 : it->second);
  }
  return weights;
}

}  // namespace sinter
