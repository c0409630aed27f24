// Registration of all families, and the helpers that op definitions share: promotion, broadcasting,
// maps.
#include "ops/define.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "core/error.h"

namespace sinter {

void register_ops() {
  static std::once_flag once;
  std::call_once(once, [] {
    Registry& r = Registry::global();
    ops::register_map(r);
    ops::register_arithmetic(r);
    ops::register_compare(r);
    ops::register_move(r);
    ops::register_reduce(r);
    ops::register_matmul(r);
    ops::register_convolution(r);
    ops::register_pooling(r);
    ops::register_activation(r);
    ops::register_piecewise_activation(r);
    ops::register_softmax(r);
    ops::register_loss(r);
    ops::register_batch_norm(r);
    ops::register_layer_norm(r);
    ops::register_dropout(r);
  });
}

namespace ops {

void define_elementwise(Registry& registry, std::string name, int inputs, ScalarBody body,
                        std::vector<AttributeSpec> attributes, ScalarDerivative derivative) {
  OpRecord record;
  record.name = std::move(name);
  record.min_inputs = record.max_inputs = inputs;
  record.attributes = std::move(attributes);
  record.body = std::move(body);
  record.derivative = std::move(derivative);
  registry.add(std::move(record));
}

void define_binary(Registry& registry, const char* name, Scalar (*body)(Scalar, Scalar),
                   Operands operands) {
  OpRecord record;
  record.name = name;
  record.min_inputs = record.max_inputs = 2;
  record.body = [body](Arguments a, const Attributes&) { return body(a[0], a[1]); };
  record.commutative = operands == Operands::kCommutative;
  registry.add(std::move(record));
}

void define_composite(Registry& registry, std::string name, int min_inputs, int max_inputs,
                      std::vector<AttributeSpec> attributes, ShapeRule shape,
                      Decomposition decomposition, GradientRule gradient, CompositeDTypes dtypes) {
  OpRecord record;
  record.name = std::move(name);
  record.min_inputs = min_inputs;
  record.max_inputs = max_inputs;
  record.attributes = std::move(attributes);
  record.shape = [shape = std::move(shape), dtypes](std::span<const ValueType> in,
                                                    const Attributes& a) {
    const std::vector<ValueType> types = shape(in, a);
    const DType dtype = types[0].dtype;
    if (dtypes != CompositeDTypes::kAll && is_for_storage(dtype))
      throw ShapeError(storage_fault(dtype));
    if (dtypes == CompositeDTypes::kFloat && !is_floating(dtype))
      throw ShapeError("it takes floating operands: cast to float32 first");
    return types;
  };
  record.decomposition = std::move(decomposition);
  record.gradient = std::move(gradient);
  registry.add(std::move(record));
}

std::vector<ValueType> same_as_first(std::span<const ValueType> in, const Attributes&) {
  return {in[0]};
}

double parameter(std::string_view op, const char* name, DType dtype, const Attributes& attributes) {
  return weak_element(op, dtype, attributes.get_float(name)).as_double();
}

std::string where(const Graph& graph) {
  const std::string origin = graph.origin() ? graph.origin()->to_string() : "";
  return origin.empty() ? "" : origin + ": ";
}

int checked_axis(std::string_view op, Symbol x, int64_t axis) {
  if (axis < -x.rank() || axis >= x.rank()) {
    throw ShapeError(
        fmt::format("{}{}: {} has no axis {}", where(x.graph()), op, x.type().to_string(), axis));
  }
  return x.shape().normalize_axis(static_cast<int>(axis));
}

std::vector<int64_t> checked_axes(std::string_view op, Symbol x, std::span<const int64_t> axes) {
  std::vector<int64_t> result;
  for (const int64_t given : axes) {
    const int64_t axis = checked_axis(op, x, given);
    if (std::ranges::find(result, axis) != result.end()) {
      throw ShapeError(fmt::format("{}{}: axis {} of {} is given twice, in [{}]", where(x.graph()),
                                   op, axis, x.type().to_string(), fmt::join(axes, ", ")));
    }
    result.push_back(axis);
  }
  return result;
}

Symbol apply_as(std::string_view op, DType dtype, std::span<const Operand> operands,
                Attributes attributes) {
  register_ops();
  const auto first =
      std::ranges::find_if(operands, [](const Operand& o) { return !o.is_number(); });
  if (first == operands.end())
    throw Error(fmt::format("op '{}' needs at least one symbolic operand", op));
  Graph& graph = first->symbol().graph();
  Shape shape = first->symbol().shape();
  for (const Operand& o : operands) {
    if (o.is_number()) continue;
    const std::optional<Shape> joined = broadcast_shapes(shape, o.symbol().shape());
    if (!joined) {
      throw ShapeError(fmt::format("{}{}: shapes {} and {} cannot be broadcast together",
                                   where(graph), op, shape.to_string(),
                                   o.symbol().shape().to_string()));
    }
    shape = *joined;
  }
  std::vector<Symbol> symbols;
  for (const Operand& o : operands) {
    const Symbol value =
        o.is_number() ? graph.constant(Tensor::full(dtype, {}, weak_element(op, dtype, o.number())))
                      : cast(o.symbol(), dtype);
    symbols.push_back(broadcast_to(value, shape));
  }
  return graph.add1(op, symbols, std::move(attributes));
}

Symbol apply(std::string_view op, std::span<const Operand> operands, Attributes attributes) {
  return apply_as(op, promote(operands), operands, std::move(attributes));
}

Symbol unreduce(Symbol x, const Shape& shape, std::span<const int64_t> axes) {
  std::vector<int64_t> dims;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) dims.push_back(i);
  }
  if (x.rank() == shape.rank() && !axes.empty()) {  // reduced with keepdims
    dims.resize(static_cast<size_t>(shape.rank()));
    for (size_t i = 0; i < dims.size(); ++i) dims[i] = static_cast<int64_t>(i);
  }
  return x.graph().add1("broadcast", {x}, {{"shape", shape}, {"dims", dims}});
}

Symbol along_axis(Symbol vector, Symbol x, int axis) {
  const int64_t dim = x.shape().normalize_axis(axis);
  return x.graph().add1("broadcast", {vector},
                        {{"shape", x.shape()}, {"dims", std::vector<int64_t>{dim}}});
}

Symbol count(Symbol x, std::span<const int64_t> axes) {
  double fixed = 1;
  std::vector<Symbol> symbolic;
  for (int64_t axis : axes) {
    const int64_t d = x.shape()[static_cast<int>(axis)];
    if (d == kBatch)
      symbolic.push_back(size(x, static_cast<int>(axis), x.dtype()));
    else
      fixed *= static_cast<double>(d);
  }
  if (symbolic.empty()) return scalar_like(x, fixed);
  Symbol total = symbolic[0];
  for (size_t i = 1; i < symbolic.size(); ++i) total = total * symbolic[i];
  return fixed == 1 ? total : total * fixed;
}

std::vector<Symbol> add_map(Graph& graph, std::span<const Symbol> inputs, const ScalarExpr& body) {
  // A result that is an argument as it stands needs no node.
  std::vector<Symbol> results(body.results.size());
  std::vector<size_t> computed;
  std::vector<char> used(inputs.size(), 0);
  for (size_t r = 0; r < body.results.size(); ++r) {
    const ScalarInstruction& i = body.instructions[static_cast<size_t>(body.results[r])];
    if (i.op == ScalarOp::kArgument)
      results[r] = inputs[static_cast<size_t>(i.operands[0])];
    else
      computed.push_back(r);
  }
  if (computed.empty()) return results;
  ScalarExpr rest = body;
  rest.results.clear();
  for (size_t r : computed) rest.results.push_back(body.results[r]);
  // Only arguments that a computed result depends on become inputs; a map needs one at least, which
  // gives its shape.
  std::vector<char> live(rest.instructions.size(), 0);
  for (int32_t r : rest.results) live[static_cast<size_t>(r)] = 1;
  for (size_t k = rest.instructions.size(); k-- > 0;) {
    const ScalarInstruction& i = rest.instructions[k];
    if (!live[k]) continue;
    if (i.op == ScalarOp::kArgument) used[static_cast<size_t>(i.operands[0])] = 1;
    for (int32_t operand : i.operands) {
      if (i.op != ScalarOp::kArgument && operand >= 0) live[static_cast<size_t>(operand)] = 1;
    }
  }
  if (std::find(used.begin(), used.end(), 1) == used.end()) used.back() = 1;
  std::vector<DType> dtypes;
  std::vector<Symbol> kept;
  std::vector<int> new_index(inputs.size(), -1);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!used[i]) continue;
    new_index[i] = static_cast<int>(kept.size());
    kept.push_back(inputs[i]);
    dtypes.push_back(inputs[i].dtype());
  }
  ScalarBuilder builder(dtypes);
  std::vector<Scalar> arguments;
  for (size_t i = 0; i < inputs.size(); ++i) {
    arguments.push_back(new_index[i] >= 0 ? builder.argument(new_index[i])
                                          : builder.constant(inputs[i].dtype(), 0));
  }
  const std::vector<Scalar> values = builder.inline_expr(rest, arguments);
  const std::vector<Symbol> made = graph.add(
      "map", kept, {{"body", std::make_shared<const ScalarExpr>(builder.finish(values))}});
  for (size_t k = 0; k < computed.size(); ++k) results[computed[k]] = made[k];
  return results;
}

}  // namespace ops
}  // namespace sinter
