// Comparison, logic, selection and casts. Bool and integer results carry no gradient.
#include "ops/define.h"

namespace sinter {

using ops::apply;

Symbol equal(Operand a, Operand b) { return apply("equal", {a, b}); }
Symbol not_equal(Operand a, Operand b) { return apply("not_equal", {a, b}); }
Symbol less(Operand a, Operand b) { return apply("less", {a, b}); }
Symbol less_equal(Operand a, Operand b) { return apply("less_equal", {a, b}); }
Symbol greater(Operand a, Operand b) { return apply("greater", {a, b}); }
Symbol greater_equal(Operand a, Operand b) { return apply("greater_equal", {a, b}); }
Symbol logical_and(Symbol a, Symbol b) {
  return apply("logical_and", {cast(a, DType::kBool), cast(b, DType::kBool)});
}
Symbol logical_or(Symbol a, Symbol b) {
  return apply("logical_or", {cast(a, DType::kBool), cast(b, DType::kBool)});
}
Symbol logical_not(Symbol a) { return apply("logical_not", {cast(a, DType::kBool)}); }
Symbol stop_gradient(Symbol x) { return apply("stop_gradient", {x}); }

Symbol select(Symbol condition, Operand then_value, Operand else_value) {
  // The branches are promoted and broadcast together first; the condition stays bool.
  Symbol a, b;
  Graph& graph = condition.graph();
  DType dtype = DType::kFloat32;
  if (!then_value.is_number()) dtype = then_value.symbol().dtype();
  if (!else_value.is_number())
    dtype = then_value.is_number() ? else_value.symbol().dtype()
                                   : ops::promote(dtype, else_value.symbol().dtype());
  const auto value = [&](const Operand& o) {
    return o.is_number() ? graph.constant(Tensor::full(dtype, {}, o.number()))
                         : cast(o.symbol(), dtype);
  };
  a = value(then_value);
  b = value(else_value);
  Shape shape = condition.shape();
  for (const Symbol& s : {a, b}) {
    if (const auto joined = broadcast_shapes(shape, s.shape())) shape = *joined;
  }
  return graph.add1("select", {broadcast_to(cast(condition, DType::kBool), shape),
                               broadcast_to(a, shape), broadcast_to(b, shape)});
}

Symbol cast(Symbol x, DType dtype) {
  register_ops();
  return x.dtype() == dtype ? x : x.graph().add1("cast", {x}, {{"dtype", dtype}});
}

namespace ops {

void register_compare(Registry& r) {
  const auto binary = [&](const char* name, Scalar (*f)(Scalar, Scalar)) {
    define_elementwise(r, name, 2, [f](Arguments a, const Attributes&) { return f(a[0], a[1]); });
    r.set_no_gradient(name, "its result is bool");
  };
  binary("equal", [](Scalar a, Scalar b) { return equal(a, b); });
  binary("not_equal", [](Scalar a, Scalar b) { return logical_not(equal(a, b)); });
  binary("less", [](Scalar a, Scalar b) { return a < b; });
  binary("less_equal", [](Scalar a, Scalar b) { return a <= b; });
  binary("greater", [](Scalar a, Scalar b) { return a > b; });
  binary("greater_equal", [](Scalar a, Scalar b) { return a >= b; });
  binary("logical_and", [](Scalar a, Scalar b) { return logical_and(a, b); });
  binary("logical_or", [](Scalar a, Scalar b) { return logical_or(a, b); });
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
