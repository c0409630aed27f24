// Each function makes one operation and calls it.
#include "frontend/operations.h"

#include <fmt/format.h>

#include "core/error.h"
#include "frontend/layers/operation.h"
#include "frontend/origin.h"

namespace sinter {
namespace {

KerasTensor operate(const char* class_name, Config settings, std::vector<KerasTensor> tensors,
                    ConfigList arguments, SourceLocation where) {
  const OperationEntry* entry = find_operation(class_name);
  SINTER_CHECK(entry != nullptr, class_name);
  const Layer layer(std::make_shared<OperationImpl>(*entry, std::move(settings),
                                                    std::move(arguments), "", where));
  return layer(tensors, where);
}

KerasTensor with_settings(const char* class_name, const KerasTensor& x, Config settings,
                          SourceLocation where) {
  return operate(class_name, std::move(settings), {x}, {OperationImpl::tensor_argument()}, where);
}

KerasTensor on_operands(const char* class_name, std::initializer_list<KerasOperand> operands) {
  std::vector<KerasTensor> tensors;
  ConfigList arguments;
  for (const KerasOperand& o : operands) {
    if (!o.tensor().empty()) {
      tensors.push_back(o.tensor()[0]);
      arguments.push_back(OperationImpl::tensor_argument());
    } else {
      arguments.push_back(config_value(o.number()));
    }
  }
  if (tensors.empty()) {
    throw Error(fmt::format("{}: an operation of numbers alone, one operand must be a tensor",
                            origin_at(class_name, operands.begin()->where())->to_string()));
  }
  return operate(class_name, {}, std::move(tensors), std::move(arguments),
                 operands.begin()->where());
}

// null, one axis or a list, as Keras writes them.
Config reduction_settings(const Axes& axes, bool keepdims) {
  const std::vector<int64_t>& list = axes.list();
  ConfigValue axis;
  if (list.size() == 1) axis = list[0];
  if (list.size() > 1) axis = ConfigValue::ints(list);
  return {{"axis", axis}, {"keepdims", keepdims}};
}

Config slice_bounds(ConfigValue start, ConfigValue stop, ConfigValue step) {
  return {
      {"class_name", "__slice__"},
      {"config",
       Config{{"start", std::move(start)}, {"stop", std::move(stop)}, {"step", std::move(step)}}}};
}

}  // namespace

#define SINTER_BINARY(name, class_name)                           \
  KerasTensor name(KerasOperand a, KerasOperand b) {              \
    return on_operands(class_name, {std::move(a), std::move(b)}); \
  }
SINTER_BINARY(add, "Add")
SINTER_BINARY(subtract, "Subtract")
SINTER_BINARY(multiply, "Multiply")
SINTER_BINARY(divide, "TrueDivide")
SINTER_BINARY(divide_no_nan, "DivideNoNan")
SINTER_BINARY(maximum, "Maximum")
SINTER_BINARY(minimum, "Minimum")
SINTER_BINARY(power, "Power")
SINTER_BINARY(equal, "Equal")
SINTER_BINARY(not_equal, "NotEqual")
SINTER_BINARY(less, "Less")
SINTER_BINARY(less_equal, "LessEqual")
SINTER_BINARY(greater, "Greater")
SINTER_BINARY(greater_equal, "GreaterEqual")
#undef SINTER_BINARY

KerasTensor select(const KerasTensor& condition, KerasOperand then_value, KerasOperand else_value) {
  const SourceLocation where = then_value.where();
  return on_operands("Where", {{condition, where}, std::move(then_value), std::move(else_value)});
}

KerasTensor operator-(KerasOperand x) { return on_operands("Negative", {std::move(x)}); }

#define SINTER_UNARY(name, class_name)                           \
  KerasTensor name(const KerasTensor& x, SourceLocation where) { \
    return with_settings(class_name, x, {}, where);              \
  }
SINTER_UNARY(negative, "Negative")
SINTER_UNARY(abs, "Absolute")
SINTER_UNARY(sign, "Sign")
SINTER_UNARY(floor, "Floor")
SINTER_UNARY(ceil, "Ceil")
SINTER_UNARY(sqrt, "Sqrt")
SINTER_UNARY(rsqrt, "Rsqrt")
SINTER_UNARY(square, "Square")
SINTER_UNARY(reciprocal, "Reciprocal")
SINTER_UNARY(exp, "Exp")
SINTER_UNARY(expm1, "Expm1")
SINTER_UNARY(log, "Log")
SINTER_UNARY(log1p, "Log1p")
SINTER_UNARY(sin, "Sin")
SINTER_UNARY(cos, "Cos")
SINTER_UNARY(erf, "Erf")
SINTER_UNARY(relu, "Relu")
SINTER_UNARY(relu6, "Relu6")
SINTER_UNARY(selu, "Selu")
SINTER_UNARY(sigmoid, "Sigmoid")
SINTER_UNARY(tanh, "Tanh")
SINTER_UNARY(softplus, "Softplus")
SINTER_UNARY(softsign, "Softsign")
SINTER_UNARY(silu, "Silu")
SINTER_UNARY(hard_sigmoid, "HardSigmoid")
SINTER_UNARY(hard_silu, "HardSilu")
SINTER_UNARY(hard_tanh, "HardTanh")
SINTER_UNARY(tanh_shrink, "TanhShrink")
SINTER_UNARY(log_sigmoid, "LogSigmoid")
SINTER_UNARY(sparse_plus, "SparsePlus")
SINTER_UNARY(sparse_sigmoid, "SparseSigmoid")
#undef SINTER_UNARY

KerasTensor swish(const KerasTensor& x, SourceLocation where) { return silu(x, where); }
KerasTensor mish(const KerasTensor& x, SourceLocation where) {
  return multiply({x, where}, {tanh(softplus(x, where), where), where});
}
KerasTensor round(const KerasTensor& x, SourceLocation where) {
  return with_settings("Round", x, {{"decimals", 0}}, where);
}
KerasTensor leaky_relu(const KerasTensor& x, double negative_slope, SourceLocation where) {
  return with_settings("LeakyRelu", x, {{"negative_slope", negative_slope}}, where);
}
KerasTensor elu(const KerasTensor& x, double alpha, SourceLocation where) {
  return with_settings("Elu", x, {{"alpha", alpha}}, where);
}
KerasTensor celu(const KerasTensor& x, double alpha, SourceLocation where) {
  return with_settings("Celu", x, {{"alpha", alpha}}, where);
}
KerasTensor gelu(const KerasTensor& x, bool approximate, SourceLocation where) {
  return with_settings("Gelu", x, {{"approximate", approximate}}, where);
}
KerasTensor squareplus(const KerasTensor& x, double b, SourceLocation where) {
  return with_settings("Squareplus", x, {{"b", b}}, where);
}
KerasTensor softmax(const KerasTensor& x, int axis, SourceLocation where) {
  return with_settings("Softmax", x, {{"axis", axis}}, where);
}
KerasTensor log_softmax(const KerasTensor& x, int axis, SourceLocation where) {
  return with_settings("LogSoftmax", x, {{"axis", axis}}, where);
}
KerasTensor glu(const KerasTensor& x, int axis, SourceLocation where) {
  return with_settings("Glu", x, {{"axis", axis}}, where);
}
KerasTensor clip(const KerasTensor& x, Number low, Number high, SourceLocation where) {
  return with_settings("Clip", x, {{"x_min", config_value(low)}, {"x_max", config_value(high)}},
                       where);
}
KerasTensor cast(const KerasTensor& x, DType dtype, SourceLocation where) {
  return with_settings("Cast", x, {{"dtype", std::string(dtype_name(dtype))}}, where);
}

#define SINTER_REDUCTION(name, class_name)                                                 \
  KerasTensor name(const KerasTensor& x, Axes axes, bool keepdims, SourceLocation where) { \
    return with_settings(class_name, x, reduction_settings(axes, keepdims), where);        \
  }
SINTER_REDUCTION(sum, "Sum")
SINTER_REDUCTION(mean, "Mean")
SINTER_REDUCTION(variance, "Var")
SINTER_REDUCTION(reduce_max, "Max")
SINTER_REDUCTION(reduce_min, "Min")
SINTER_REDUCTION(prod, "Prod")
#undef SINTER_REDUCTION

KerasTensor argmax(const KerasTensor& x, int axis, SourceLocation where) {
  return with_settings("Argmax", x, {{"axis", axis}, {"keepdims", false}}, where);
}
KerasTensor concat(const std::vector<KerasTensor>& xs, int axis, SourceLocation where) {
  return operate("Concatenate", {{"axis", axis}}, xs,
                 {ConfigList(xs.size(), OperationImpl::tensor_argument())}, where);
}
KerasTensor concatenate(const std::vector<KerasTensor>& xs, int axis, SourceLocation where) {
  return concat(xs, axis, where);
}

KerasTensor matmul(const KerasTensor& a, const KerasTensor& b, SourceLocation where) {
  return on_operands("Matmul", {{a, where}, {b, where}});
}
KerasTensor reshape(const KerasTensor& x, Shape shape, SourceLocation where) {
  return with_settings("Reshape", x, {{"newshape", ConfigValue::ints(shape.dims())}}, where);
}
KerasTensor transpose(const KerasTensor& x, std::vector<int64_t> axes, SourceLocation where) {
  return with_settings("Transpose", x, {{"axes", ConfigValue::ints(axes)}}, where);
}
KerasTensor expand_dims(const KerasTensor& x, int axis, SourceLocation where) {
  return with_settings("ExpandDims", x, {{"axis", axis}}, where);
}
KerasTensor squeeze(const KerasTensor& x, int axis, SourceLocation where) {
  return with_settings("Squeeze", x, {{"axis", axis}}, where);
}

KerasTensor slice(const KerasTensor& x, int axis, int64_t begin, int64_t end, int64_t stride,
                  SourceLocation where) {
  const int at = axis < 0 ? axis + x.shape().rank() : axis;
  if (at < 0 || at >= x.shape().rank()) {
    throw ShapeError(fmt::format("{}: axis {} is out of range for {}",
                                 origin_at("slice", where)->to_string(), axis,
                                 x.type().to_string()));
  }
  ConfigList key(static_cast<size_t>(at), slice_bounds({}, {}, {}));
  key.emplace_back(slice_bounds(begin, end == kSliceEnd ? ConfigValue() : ConfigValue(end),
                                stride == 1 ? ConfigValue() : ConfigValue(stride)));
  return operate("GetItem", {}, {x},
                 {OperationImpl::tensor_argument(), ConfigValue(std::move(key))}, where);
}

KerasOperand::KerasOperand(const KerasOperand&) = default;
KerasOperand::~KerasOperand() = default;
KerasOperand::KerasOperand(KerasTensor tensor, SourceLocation where) : where_(where) {
  tensor_.change().push_back(std::move(tensor));
}
KerasOperand::KerasOperand(Number number, SourceLocation where, Only)
    : number_(number), where_(where) {}
const std::vector<KerasTensor>& KerasOperand::tensor() const { return *tensor_; }

KerasTensor operator+(const KerasTensor& a, KerasOperand b) { return add({a, b.where()}, b); }
KerasTensor operator-(const KerasTensor& a, KerasOperand b) { return subtract({a, b.where()}, b); }
KerasTensor operator*(const KerasTensor& a, KerasOperand b) { return multiply({a, b.where()}, b); }
KerasTensor operator/(const KerasTensor& a, KerasOperand b) { return divide({a, b.where()}, b); }
KerasTensor operator>(const KerasTensor& a, KerasOperand b) { return greater({a, b.where()}, b); }
KerasTensor operator<(const KerasTensor& a, KerasOperand b) { return less({a, b.where()}, b); }
KerasTensor operator>=(const KerasTensor& a, KerasOperand b) {
  return greater_equal({a, b.where()}, b);
}
KerasTensor operator<=(const KerasTensor& a, KerasOperand b) {
  return less_equal({a, b.where()}, b);
}
KerasTensor pow(const KerasTensor& a, KerasOperand b) { return power({a, b.where()}, b); }

}  // namespace sinter
