// NumPy's promotion as far as there are dtypes for it (NEP 50), with Keras's default dtypes.
#include "ops/promotion.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/error.h"

namespace sinter::ops {

DType promote(DType a, DType b) {
  a = arithmetic_dtype(a);
  b = arithmetic_dtype(b);
  if (is_floating(a) != is_floating(b)) return is_floating(a) ? a : b;
  if (holds_all_of(a, b)) return a;
  // NumPy's int16 for int8 beside uint8 is none of ours.
  return holds_all_of(b, a) ? b : DType::kInt32;
}

DType default_dtype(Number number) {
  switch (number.kind()) {
    case Number::Kind::kBool: return DType::kBool;
    case Number::Kind::kInteger: return DType::kInt32;
    case Number::Kind::kFloating: break;
  }
  return DType::kFloat32;
}

DType promote(DType dtype, Number number) {
  if (is_floating(dtype)) return arithmetic_dtype(dtype);
  if (number.is_floating()) return DType::kFloat32;
  return dtype == DType::kBool ? default_dtype(number) : dtype;
}

DType promote(std::span<const Operand> operands) {
  std::optional<DType> dtype;
  for (const Operand& o : operands) {
    if (!o.is_number()) dtype = promote(dtype.value_or(o.symbol().dtype()), o.symbol().dtype());
  }
  for (const Operand& o : operands) {
    if (o.is_number()) dtype = promote(dtype.value_or(default_dtype(o.number())), o.number());
  }
  return dtype.value_or(DType::kFloat32);
}

DType floating_dtype(DType dtype) {
  return is_floating(dtype) ? arithmetic_dtype(dtype) : DType::kFloat32;
}

DType sum_dtype(DType dtype) {
  return dtype_size(dtype) == 1 ? DType::kInt32 : arithmetic_dtype(dtype);
}

DType comparison_dtype(DType a, DType b) {
  const auto is_wide_integer = [](DType d) { return d == DType::kInt32 || d == DType::kInt64; };
  const bool mixed =
      (is_wide_integer(a) && is_floating(b)) || (is_floating(a) && is_wide_integer(b));
  return mixed ? DType::kFloat64 : promote(a, b);
}

Number weak_element(std::string_view op, DType dtype, Number number) {
  const std::optional<Number> element = element_of(dtype, number);
  const bool overflows =
      element && std::isinf(element->as_double()) && !std::isinf(number.as_double());
  if (!element || overflows) {
    throw ShapeError(
        fmt::format("{}: {}; cast the tensor beside it to a dtype that has this number", op,
                    no_element_of(dtype, number)));
  }
  return *element;
}

Number lower_bound(std::string_view op, DType dtype, Number number) {
  const Number lowest = lowest_element(dtype);
  const bool below = is_floating(dtype) ? element_of(dtype, number) == lowest
                                        : number.as_double() < lowest.as_double();
  return below ? lowest : weak_element(op, dtype, number);
}

Number upper_bound(std::string_view op, DType dtype, Number number) {
  const Number highest = highest_element(dtype);
  const bool above = is_floating(dtype) ? element_of(dtype, number) == highest
                                        : number.as_double() > highest.as_double();
  return above ? highest : weak_element(op, dtype, number);
}

Symbol floating(Symbol x) { return cast(x, floating_dtype(x.dtype())); }

}  // namespace sinter::ops
