// Normalization.
#include "frontend/layers/normalization.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/line.h"
#include "frontend/layers/inputs.h"
#include "frontend/layers/registry.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;

/// Numbers as Keras writes an array: one number, or lists of lists of them.
ConfigValue value_of(const std::optional<Tensor>& tensor) {
  if (!tensor) return nullptr;
  const Shape& shape = tensor->shape();
  if (shape.rank() == 0) return tensor->at(0);
  ConfigList list;
  const int64_t rows = shape[0], each = rows == 0 ? 0 : tensor->elements() / rows;
  const Shape inner(Ints(shape.begin() + 1, shape.end()));
  for (int64_t i = 0; i < rows; ++i) {
    Tensor row(tensor->dtype(), inner);
    for (int64_t k = 0; k < each; ++k) row.set(k, tensor->at(i * each + k));
    list.push_back(value_of(row));
  }
  return list;
}

void collect(const ConfigValue& value, const char* key, size_t depth, Ints& dims,
             std::vector<double>& numbers) {
  const ConfigList* list = value.as<ConfigList>();
  if (list == nullptr) {
    if (depth != dims.size()) throw Error(fmt::format("{}: lists of different depth", key));
    numbers.push_back(Config{{key, value}}.get_float(key, 0));
    return;
  }
  const auto size = static_cast<int64_t>(list->size());
  if (depth == dims.size() && numbers.empty()) dims.push_back(size);
  if (depth >= dims.size() || dims[depth] != size)
    throw Error(fmt::format("{}: lists of different length", key));
  for (const ConfigValue& entry : *list) collect(entry, key, depth + 1, dims, numbers);
}

std::optional<Tensor> tensor_in(const Config& c, const char* key) {
  if (c.get(key).is_null()) return std::nullopt;
  Ints dims;
  std::vector<double> numbers;
  collect(c.get(key), key, 0, dims, numbers);
  return Tensor::from(Shape(dims), numbers);
}

class NormalizationImpl : public LayerImpl {
 public:
  NormalizationImpl(NormalizationOptions options, SourceLocation where)
      : LayerImpl("Normalization", options.name, where), options_(std::move(options)) {
    const auto &mean = options_.mean, &variance = options_.variance;
    if (mean.has_value() != variance.has_value())
      throw Error(fmt::format("{}: mean and variance must be given both, or none", title()));
    if (mean && mean->shape() != variance->shape()) {
      throw ShapeError(fmt::format("{}: mean {} and variance {} must have one shape", title(),
                                   mean->shape().to_string(), variance->shape().to_string()));
    }
    if (mean && mean->shape().rank() > static_cast<int>(options_.axis.list().size())) {
      throw ShapeError(
          fmt::format("{}: mean {} must have at most one dimension for each axis, of "
                      "which there are {}",
                      title(), mean->shape().to_string(), options_.axis.list().size()));
    }
  }

  Config config() const override {
    Config c = base_config();
    return c.merge({{"axis", ConfigValue::ints(options_.axis.list())},
                    {"invert", options_.invert},
                    {"mean", value_of(options_.mean)},
                    {"variance", value_of(options_.variance)}});
  }

  void build(std::span<const ValueType> inputs) override {
    const Shape& x = only_input(title(), inputs).shape;
    Ints dims;
    for (const int64_t axis : kept_axes(x)) dims.push_back(x[static_cast<int>(axis)]);
    if (options_.mean) return;
    mean_ = add_weight("mean", Shape(dims), "zeros", false);
    variance_ = add_weight("variance", Shape(dims), "ones", false);
    add_weight("count", {}, "zeros", false);
  }

  std::vector<Symbol> call(CallContext& context, std::span<const Symbol> inputs) override {
    const Symbol x = cast(only_input(title(), inputs), dtype());
    const Ints kept = kept_axes(x.shape());
    Ints dims(static_cast<size_t>(x.rank()), 1);
    for (const int64_t axis : kept)
      dims[static_cast<size_t>(axis)] = x.shape()[static_cast<int>(axis)];
    const Symbol mean = options_.mean ? given(context, *options_.mean, kept, dims)
                                      : reshape(context.variable(mean_), Shape(dims));
    const Symbol variance = options_.mean ? given(context, *options_.variance, kept, dims)
                                          : reshape(context.variable(variance_), Shape(dims));
    const Symbol deviation = maximum(sqrt(variance), 1e-7);
    return {options_.invert ? mean + x * deviation : (x - mean) / deviation};
  }

  void adapt(const Tensor& data) {
    if (options_.mean)
      throw Error(fmt::format("{}: mean and variance are given, so nothing adapts them", title()));
    Ints dims = data.shape().dims();
    if (dims.empty() || dims[0] == 0)
      throw Error(fmt::format("{}: adapt() takes rows of samples, found {}", title(),
                              data.shape().to_string()));
    dims[0] = kBatch;
    const ValueType type{data.dtype(), Shape(dims)};
    ensure_built(std::span(&type, 1));
    const Shape& x = data.shape();
    const Ints kept = kept_axes(type.shape);
    Ints at_axes;
    for (const int64_t axis : kept) at_axes.push_back(x[static_cast<int>(axis)]);
    if (Shape(at_axes) != mean_->value.shape()) {
      throw ShapeError(fmt::format("{}: data {} do not have the {} that the layer was built for",
                                   title(), x.to_string(), mean_->value.shape().to_string()));
    }
    // In two passes, in double: no digits cancel.
    const auto places = static_cast<size_t>(mean_->value.elements());
    std::vector<double> sums(places, 0), squares(places, 0);
    const double count = static_cast<double>(data.elements()) / static_cast<double>(places);
    const std::vector<int64_t> strides = strides_of(x, kept);
    for_each(data, strides, [&](size_t place, double v) { sums[place] += v / count; });
    if (!std::ranges::all_of(sums, [](double sum) { return std::isfinite(sum); }))
      refuse_infinite(data);
    for_each(data, strides, [&](size_t place, double v) {
      squares[place] += std::pow(v - sums[place], 2) / count;
    });
    mean_->assign(Tensor::from(mean_->value.shape(), sums).cast(dtype()));
    variance_->assign(Tensor::from(mean_->value.shape(), squares).cast(dtype()));
  }

 private:
  // With one such value the layer would give NaN for every row from then on.
  void refuse_infinite(const Tensor& data) const {
    const int64_t width = data.elements() / data.shape()[0];
    for (int64_t i = 0; i < data.elements(); ++i) {
      const double value = data.at(i);
      if (std::isfinite(value)) continue;
      throw Error(fmt::format(
          "{}: adapt() takes finite numbers, but the data hold {} (row {}, element {} of the row); "
          "remove or fill such rows first",
          title(),
          std::isnan(value) ? "NaN"
          : value > 0       ? "inf"
                            : "-inf",
          i / width, i % width));
    }
  }

  // Ascending, counted from the start.
  Ints kept_axes(const Shape& x) const {
    Ints result;
    for (const int64_t axis : options_.axis.list()) {
      const int64_t at = axis < 0 ? axis + x.rank() : axis;
      if (at < 0 || at >= x.rank())
        throw ShapeError(
            fmt::format("{}: the input {} has no axis {}", title(), x.to_string(), axis));
      if (at == 0) throw ShapeError(fmt::format("{}: axis {} is the batch", title(), axis));
      if (std::ranges::find(result, at) != result.end())
        throw ShapeError(fmt::format("{}: axis {} is given twice", title(), axis));
      result.push_back(at);
    }
    std::ranges::sort(result);
    return result;
  }

  // The last dimensions given are those of the last axes kept.
  Symbol given(CallContext& context, const Tensor& value, const Ints& kept,
               const Ints& wanted) const {
    Ints dims(wanted.size(), 1);
    const Shape& shape = value.shape();
    for (int i = 1; i <= shape.rank(); ++i) {
      const auto axis = static_cast<size_t>(kept[kept.size() - static_cast<size_t>(i)]);
      const int64_t d = shape[shape.rank() - i];
      if (d != 1 && d != wanted[axis]) {
        throw ShapeError(
            fmt::format("{}: mean and variance {} do not fit the dimension {} at axis "
                        "{}",
                        title(), shape.to_string(), wanted[axis], axis));
      }
      dims[axis] = d;
    }
    return constant(context.graph(), value.cast(dtype()).reshaped(Shape(dims)));
  }

  // How far apart elements of one step along each axis of x stand in the statistics.
  static Ints strides_of(const Shape& x, const Ints& kept) {
    Ints strides(static_cast<size_t>(x.rank()), 0);
    int64_t stride = 1;
    for (size_t i = kept.size(); i-- > 0;) {
      strides[static_cast<size_t>(kept[i])] = stride;
      stride *= x[static_cast<int>(kept[i])];
    }
    return strides;
  }

  template <typename F>
  static void for_each(const Tensor& data, const Ints& strides, F function) {
    const Shape& shape = data.shape();
    Ints index(strides.size(), 0);
    int64_t place = 0;
    for (int64_t i = 0; i < data.elements(); ++i) {
      function(static_cast<size_t>(place), data.at(i));
      for (size_t d = index.size(); d-- > 0;) {
        place += strides[d];
        if (++index[d] < shape[static_cast<int>(d)]) break;
        place -= strides[d] * index[d];
        index[d] = 0;
      }
    }
  }

  NormalizationOptions options_;
  VariablePtr mean_, variance_;
};

}  // namespace

Normalization::Normalization(NormalizationOptions options, SourceLocation where)
    : Layer(std::make_shared<NormalizationImpl>(std::move(options), where)) {}

void Normalization::adapt(const Tensor& data, SourceLocation where) const {
  at_line(where, [&] { static_cast<NormalizationImpl&>(impl()).adapt(data); });
}

void register_normalization() {
  register_layer("Normalization", [](const Config& c, SourceLocation where) -> Layer {
    const std::optional<Tensor> mean = tensor_in(c, "mean"), variance = tensor_in(c, "variance");
    return Normalization({.axis = c.get_ints("axis", {}),
                          .mean = mean,
                          .variance = variance,
                          .invert = c.get_bool("invert", false),
                          .name = c.get_string("name", "")},
                         where);
  });
}

}  // namespace sinter
