// Comparison, logic, selection and casts. Bool and integer results carry no gradient.
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/error.h"
#include "ops/define.h"

namespace sinter {

using ops::apply;

namespace {

enum class Order : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

// An integer or bool x against a number, exact whatever the number is: one that the dtype does not
// have lies between two of its values or beyond all of them.
Symbol compare_integer(const char* op, Order order, Symbol x, Number number) {
  if (x.dtype() == DType::kBool) x = cast(x, DType::kUint8);
  if (const auto element = element_of(x.dtype(), number)) return apply(op, {x, *element});
  const auto always = [&](bool value) {
    return broadcast_to(x.graph().constant(Tensor::scalar(value)), x.shape());
  };
  if (order <= Order::kNotEqual || std::isnan(number.as_double()))
    return always(order == Order::kNotEqual);
  const bool below = order == Order::kLess || order == Order::kLessEqual;
  const auto whole = element_of(x.dtype(), std::floor(number.as_double()));
  if (number.is_floating() && whole)
    return below ? apply("less_equal", {x, *whole}) : apply("greater", {x, *whole});
  return always(below == (number.as_double() > 0));
}

Symbol compare(const char* op, Order order, Operand a, Operand b) {
  const auto is_whole = [](const Operand& o) {
    return !o.is_number() && !is_floating(o.symbol().dtype());
  };
  if (is_whole(a) && b.is_number()) return compare_integer(op, order, a.symbol(), b.number());
  if (is_whole(b) && a.is_number()) {
    constexpr std::pair<const char*, Order> mirrored[] = {
        {"equal", Order::kEqual},     {"not_equal", Order::kNotEqual},
        {"greater", Order::kGreater}, {"greater_equal", Order::kGreaterEqual},
        {"less", Order::kLess},       {"less_equal", Order::kLessEqual}};
    const auto& [mirror, turned] = mirrored[static_cast<size_t>(order)];
    return compare_integer(mirror, turned, b.symbol(), a.number());
  }
  const Operand operands[] = {a, b};
  if (a.is_number() || b.is_number()) return apply(op, operands);
  return ops::apply_as(op, ops::comparison_dtype(a.symbol().dtype(), b.symbol().dtype()), operands);
}

}  // namespace

Symbol equal(Operand a, Operand b) { return compare("equal", Order::kEqual, a, b); }
Symbol not_equal(Operand a, Operand b) { return compare("not_equal", Order::kNotEqual, a, b); }
Symbol less(Operand a, Operand b) { return compare("less", Order::kLess, a, b); }
Symbol less_equal(Operand a, Operand b) { return compare("less_equal", Order::kLessEqual, a, b); }
Symbol greater(Operand a, Operand b) { return compare("greater", Order::kGreater, a, b); }
Symbol greater_equal(Operand a, Operand b) {
  return compare("greater_equal", Order::kGreaterEqual, a, b);
}
Symbol logical_and(OpInput a, OpInput b) {
  return apply("logical_and", {cast(a, DType::kBool), cast(b, DType::kBool)});
}
Symbol logical_or(OpInput a, OpInput b) {
  return apply("logical_or", {cast(a, DType::kBool), cast(b, DType::kBool)});
}
Symbol logical_not(OpInput a) { return apply("logical_not", {cast(a, DType::kBool)}); }
Symbol stop_gradient(OpInput x) {
  register_ops();
  return x.graph().add1("stop_gradient", {x});
}

Symbol select(OpInput condition, Operand then_value, Operand else_value) {
  // The branches are promoted and broadcast together first; the condition stays bool. Values are
  // moved, not computed with: two of bfloat16 stay so.
  const Operand branches[] = {then_value, else_value};
  Graph& graph = condition.graph();
  const auto is_narrow = [](const Operand& o) {
    return !o.is_number() && o.symbol().dtype() == DType::kBFloat16;
  };
  const DType dtype =
      is_narrow(then_value) && is_narrow(else_value) ? DType::kBFloat16 : ops::promote(branches);
  std::vector<Symbol> operands = {cast(condition, DType::kBool)};
  for (const Operand& o : branches) {
    operands.push_back(o.is_number()
                           ? graph.constant(Tensor::full(
                                 dtype, {}, ops::weak_element("select", dtype, o.number())))
                           : cast(o.symbol(), dtype));
  }
  Shape shape = condition.shape();
  for (const Symbol& s : operands) {
    const std::optional<Shape> joined = broadcast_shapes(shape, s.shape());
    if (!joined) {
      throw ShapeError(fmt::format("{}select: shapes {} and {} cannot be broadcast together",
                                   ops::where(graph), shape.to_string(), s.shape().to_string()));
    }
    shape = *joined;
  }
  for (Symbol& s : operands) s = broadcast_to(s, shape);
  return graph.add1("select", operands);
}

Symbol cast(OpInput x, DType dtype) {
  register_ops();
  return x.dtype() == dtype ? x : x.graph().add1("cast", {x}, {{"dtype", dtype}});
}

namespace ops {

void register_compare(Registry& r) {
  const auto binary = [&](const char* name, Operands operands, Scalar (*f)(Scalar, Scalar)) {
    define_binary(r, name, f, operands);
    r.set_no_gradient(name, "its result is bool");
  };
  using enum Operands;
  binary("equal", kCommutative, [](Scalar a, Scalar b) { return equal(a, b); });
  binary("not_equal", kCommutative, [](Scalar a, Scalar b) { return logical_not(equal(a, b)); });
  binary("less", kInOrder, [](Scalar a, Scalar b) { return a < b; });
  binary("less_equal", kInOrder, [](Scalar a, Scalar b) { return a <= b; });
  binary("greater", kInOrder, [](Scalar a, Scalar b) { return a > b; });
  binary("greater_equal", kInOrder, [](Scalar a, Scalar b) { return a >= b; });
  binary("logical_and", kCommutative, [](Scalar a, Scalar b) { return logical_and(a, b); });
  binary("logical_or", kCommutative, [](Scalar a, Scalar b) { return logical_or(a, b); });
  define_elementwise(r, "logical_not", 1,
                     [](Arguments a, const Attributes&) { return logical_not(a[0]); });
  r.set_no_gradient("logical_not", "its result is bool");
  define_elementwise(r, "select", 3,
                     [](Arguments a, const Attributes&) { return select(a[0], a[1], a[2]); });
  define_elementwise(
      r, "cast", 1,
      [](Arguments a, const Attributes& at) { return cast(a[0], at.get<DType>("dtype")); },
      {{"dtype", AttributeType::kDType}});
  define_elementwise(r, "stop_gradient", 1, [](Arguments a, const Attributes&) { return a[0]; });
  r.set_gradient("stop_gradient", [](const GradientContext& c) {
    return std::vector<std::optional<Symbol>>(c.inputs.size());
  });
}

}  // namespace ops
}  // namespace sinter
