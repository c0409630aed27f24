// The operations of keras.ops that Sinter knows, by class name.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/kernel_ops.h"
#include "core/sizes.h"
#include "frontend/layers/operation.h"
#include "ops/ops.h"

namespace sinter {
namespace {

using A = OperationArguments;

template <Symbol (*function)(OpInput)>
Symbol unary(const A& a) {
  return function(a.tensor(0));
}

template <Symbol (*function)(Operand, Operand)>
Symbol binary(const A& a) {
  return function(a.operand(0), a.operand(1));
}

/// A setting that is a number, with Keras's default.
template <Symbol (*function)(OpInput, double), const char* key>
Symbol with_number(const A& a) {
  return function(a.tensor(0), a.settings().get_float(key, 0));
}

template <Symbol (*function)(OpInput, int)>
Symbol with_axis(const A& a) {
  return function(a.tensor(0), a.settings().get_int32("axis", -1));
}

template <Symbol (*function)(OpInput, Axes, bool)>
Symbol reduction(const A& a) {
  const Config& c = a.settings();
  if (!c.get("initial").is_null()) throw Error("a reduction with an initial value is not known");
  const Axes axes = c.get("axis").is_null() ? Axes() : Axes(c.get_ints("axis", {}));
  return function(a.tensor(0), axes, c.get_bool("keepdims", false));
}

constexpr char kNegativeSlope[] = "negative_slope", kAlpha[] = "alpha", kB[] = "b",
               kThreshold[] = "threshold";

// The key of x[key]: slices, integers and one ellipsis.
Symbol get_item(const A& a) {
  Symbol x = a.tensor(0);
  const ConfigValue& key = a.value(1);
  const ConfigList* given = key.as<ConfigList>();
  const ConfigList entries = given != nullptr ? *given : ConfigList{key};
  int axis = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (const int64_t* index = entries[i].as<int64_t>()) {
      const int64_t n = x.shape()[x.shape().normalize_axis(axis)];
      const int64_t at = *index < 0 && n >= 0 ? *index + n : *index;
      if (at < 0 || (n >= 0 && at >= n)) {
        throw ShapeError(fmt::format("index {} is outside of axis {} of {}", *index, axis,
                                     x.shape().to_string()));
      }
      x = squeeze(slice(x, axis, at, at + 1), axis);
      continue;
    }
    const Config* config = entries[i].as<Config>();
    const std::string* kind =
        config == nullptr ? nullptr : config->get("class_name").as<std::string>();
    if (kind != nullptr && *kind == "__ellipsis__") {
      axis = x.rank() - static_cast<int>(entries.size() - i - 1);
      continue;
    }
    if (kind == nullptr || *kind != "__slice__")
      throw Error("an index must be a slice, an integer or an ellipsis");
    const Config* bounds = config->get("config").as<Config>();
    if (bounds == nullptr) throw Error("a slice without bounds");
    const int64_t step = bounds->get_int("step", 1);
    if (step < 1) throw Error(fmt::format("a slice with step {}: it must be positive", step));
    const int64_t n = x.shape()[x.shape().normalize_axis(axis)];
    const auto bound = [&](const char* name, int64_t fallback) {
      const int64_t v = bounds->get_int(name, fallback);
      if (n < 0) return v;
      return std::clamp(v < 0 ? v + n : v, int64_t{0}, n);
    };
    const int64_t begin = bound("start", 0);
    const int64_t end = bounds->get("stop").is_null() ? kSliceEnd : bound("stop", 0);
    if (begin != 0 || end != kSliceEnd || step != 1) x = slice(x, axis, begin, end, step);
    ++axis;
  }
  return x;
}

Symbol cast_to(const A& a) {
  return cast(a.tensor(0), parse_dtype(a.settings().get_string("dtype", "float32")));
}

Symbol clip_to(const A& a) {
  const auto bound = [&](const char* key) {
    const std::optional<Number> number = number_in(a.settings().get(key));
    if (!number) throw Error(fmt::format("Clip: {} must be a number", key));
    return *number;
  };
  return clip(a.tensor(0), bound("x_min"), bound("x_max"));
}

Symbol reshape_to(const A& a) {
  const Symbol x = a.tensor(0);
  std::vector<int64_t> dims = a.settings().get_ints("newshape", {}, kBatch);
  // A -1 that is not the batch is what remains.
  const auto open = std::ranges::count(dims, int64_t{-1});
  if (open == 1 && dims[0] != -1 && x.shape().is_static()) {
    int64_t known = 1;
    for (const int64_t d : dims) known = checked_product(known, d == -1 ? 1 : d);
    std::ranges::replace(dims, int64_t{-1}, known == 0 ? 0 : x.shape().elements() / known);
  }
  return reshape(x, Shape(dims));
}

constexpr OperationEntry kOperations[] = {
    {"Add", "numpy", binary<add>},
    {"Subtract", "numpy", binary<subtract>},
    {"Multiply", "numpy", binary<multiply>},
    {"TrueDivide", "numpy", binary<divide>},
    {"Divide", "numpy", binary<divide>},
    {"DivideNoNan", "numpy", binary<divide_no_nan>},
    {"Power", "numpy", binary<power>},
    {"Maximum", "numpy", binary<maximum>},
    {"Minimum", "numpy", binary<minimum>},
    {"Equal", "numpy", binary<equal>},
    {"NotEqual", "numpy", binary<not_equal>},
    {"Less", "numpy", binary<less>},
    {"LessEqual", "numpy", binary<less_equal>},
    {"Greater", "numpy", binary<greater>},
    {"GreaterEqual", "numpy", binary<greater_equal>},
    {"Where", "numpy", [](const A& a) { return select(a.tensor(0), a.operand(1), a.operand(2)); }},
    {"Negative", "numpy", unary<negative>},
    {"Absolute", "numpy", unary<abs>},
    {"Sign", "numpy", unary<sign>},
    {"Floor", "numpy", unary<floor>},
    {"Ceil", "numpy", unary<ceil>},
    {"Round", "numpy",
     [](const A& a) {
       if (a.settings().get_int("decimals", 0) != 0) throw Error("round to decimals is not known");
       return round(a.tensor(0));
     }},
    {"Sqrt", "numpy", unary<sqrt>},
    {"Rsqrt", "math", unary<rsqrt>},
    {"Square", "numpy", unary<square>},
    {"Reciprocal", "numpy", unary<reciprocal>},
    {"Exp", "numpy", unary<exp>},
    {"Expm1", "numpy", unary<expm1>},
    {"Log", "numpy", unary<log>},
    {"Log1p", "numpy", unary<log1p>},
    {"Sin", "numpy", unary<sin>},
    {"Cos", "numpy", unary<cos>},
    {"Tanh", "numpy", unary<tanh>},
    {"Erf", "math", unary<erf>},
    {"Relu", "nn", unary<relu>},
    {"Relu6", "nn", unary<relu6>},
    {"Selu", "nn", unary<selu>},
    {"Sigmoid", "nn", unary<sigmoid>},
    {"Softplus", "nn", unary<softplus>},
    {"Softsign", "nn", unary<softsign>},
    {"Silu", "nn", unary<silu>},
    {"HardSigmoid", "nn", unary<hard_sigmoid>},
    {"HardSilu", "nn", unary<hard_silu>},
    {"HardTanh", "nn", unary<hard_tanh>},
    {"TanhShrink", "nn", unary<tanh_shrink>},
    {"LogSigmoid", "nn", unary<log_sigmoid>},
    {"SparsePlus", "nn", unary<sparse_plus>},
    {"SparseSigmoid", "nn", unary<sparse_sigmoid>},
    {"LeakyRelu", "nn", with_number<leaky_relu, kNegativeSlope>},
    {"Elu", "nn", with_number<elu, kAlpha>},
    {"Celu", "nn", with_number<celu, kAlpha>},
    {"Squareplus", "nn", with_number<squareplus, kB>},
    {"HardShrink", "nn", with_number<hard_shrink, kThreshold>},
    {"SoftShrink", "nn", with_number<soft_shrink, kThreshold>},
    {"Threshold", "nn",
     [](const A& a) {
       return threshold(a.tensor(0), a.settings().get_float("threshold", 0),
                        a.settings().get_float("default_value", 0));
     }},
    {"Gelu", "nn",
     [](const A& a) { return gelu(a.tensor(0), a.settings().get_bool("approximate", true)); }},
    {"Softmax", "nn", with_axis<softmax>},
    {"LogSoftmax", "nn", with_axis<log_softmax>},
    {"Glu", "nn", with_axis<glu>},
    {"Sparsemax", "nn", with_axis<sparsemax>},
    {"Sum", "numpy", reduction<sum>},
    {"Mean", "numpy", reduction<mean>},
    {"Var", "numpy", reduction<variance>},
    {"Max", "numpy", reduction<reduce_max>},
    {"Min", "numpy", reduction<reduce_min>},
    {"Prod", "numpy", reduction<prod>},
    {"Argmax", "numpy",
     [](const A& a) {
       const Symbol x = a.tensor(0);
       if (a.settings().get("axis").is_null()) throw Error("argmax over all axes is not known");
       const int axis = a.settings().get_int32("axis", -1);
       const Symbol index = argmax(x, axis);
       return a.settings().get_bool("keepdims", false) ? expand_dims(index, axis) : index;
     }},
    {"Matmul", "numpy", [](const A& a) { return matmul(a.tensor(0), a.tensor(1)); }},
    {"Concatenate", "numpy",
     [](const A& a) { return concat(a.tensors(), a.settings().get_int32("axis", 0)); }},
    {"Reshape", "numpy", reshape_to},
    {"Transpose", "numpy",
     [](const A& a) { return transpose(a.tensor(0), a.settings().get_ints("axes", {})); }},
    {"ExpandDims", "numpy", with_axis<expand_dims>},
    {"Squeeze", "numpy", with_axis<squeeze>},
    {"GetItem", "numpy", get_item},
    {"Clip", "numpy", clip_to},
    {"Cast", "core", cast_to},
};

}  // namespace

const OperationEntry* find_operation(std::string_view class_name) {
  for (const OperationEntry& entry : kOperations) {
    if (class_name == entry.class_name) return &entry;
  }
  return nullptr;
}

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const OperationEntry& entry : kOperations) names.emplace_back(entry.class_name);
  return names;
}

}  // namespace sinter
