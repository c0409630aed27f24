// Matrix products: matmul as a contraction, its derivative, and the composite `dense`.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "core/contract.h"
#include "core/counted.h"
#include "core/error.h"
#include "core/sizes.h"
#include "ops/define.h"

namespace sinter {
namespace {

using Ints = std::vector<int64_t>;
using Cotangents = std::vector<std::optional<Symbol>>;

Symbol contract(Symbol a, Symbol b, Ints lhs_batch, Ints rhs_batch, Ints lhs_contract,
                Ints rhs_contract) {
  return a.graph().add1("contract", {a, b},
                        {{"lhs_batch", std::move(lhs_batch)},
                         {"rhs_batch", std::move(rhs_batch)},
                         {"lhs_contract", std::move(lhs_contract)},
                         {"rhs_contract", std::move(rhs_contract)}});
}

// Two sides of bfloat16 stay so: their product is float32 by itself.
DType product_dtype(std::initializer_list<Symbol> sides) {
  DType dtype = sides.begin()->dtype();
  for (const Symbol& s : sides) {
    if (s.dtype() != dtype) dtype = ops::promote(dtype, s.dtype());
  }
  return factor_dtype(dtype);
}

}  // namespace

Symbol matmul(OpInput a, OpInput b, bool transpose_a, bool transpose_b) {
  register_ops();
  if (a.rank() < 2 || b.rank() != a.rank()) {
    throw ShapeError(fmt::format("{}matmul needs two operands of one rank >= 2, found {} and {}",
                                 ops::where(a.graph()), a.type().to_string(),
                                 b.type().to_string()));
  }
  const DType dtype = product_dtype({a, b});
  a = cast(a, dtype);
  b = cast(b, dtype);
  Ints batch;
  for (int64_t i = 0; i + 2 < a.rank(); ++i) batch.push_back(i);
  const int64_t n = a.rank();
  const int64_t inner_a = transpose_a ? n - 2 : n - 1, inner_b = transpose_b ? n - 1 : n - 2;
  // Checked here, so that errors name what was called and not the contraction that it becomes.
  batch.push_back(inner_a);
  for (const int64_t i : batch) {
    const int in_a = static_cast<int>(i), in_b = static_cast<int>(i == inner_a ? inner_b : i);
    if (a.shape()[in_a] == b.shape()[in_b]) continue;
    throw ShapeError(fmt::format(
        "{}matmul({}{}, {}{}): dimension {} of the first must be dimension {} of the second",
        ops::where(a.graph()), a.type().to_string(), transpose_a ? " transposed" : "",
        b.type().to_string(), transpose_b ? " transposed" : "", in_a, in_b));
  }
  batch.pop_back();
  return contract(a, b, batch, batch, {inner_a}, {inner_b});
}

Symbol dense(OpInput x, OpInput kernel, OpInput bias) {
  register_ops();
  const DType dtype = product_dtype({x, kernel, bias.valid() ? bias : kernel});
  std::vector<Symbol> inputs = {cast(x, dtype), cast(kernel, dtype)};
  if (bias.valid()) inputs.push_back(cast(bias, dtype));
  return x.graph().add1("dense", inputs);
}

namespace ops {
namespace {

Contract::Axes range(size_t begin, size_t count) {
  Contract::Axes axes(count);
  std::iota(axes.begin(), axes.end(), static_cast<int>(begin));
  return axes;
}

// The cotangent of one side: dy times the other side over that one's free dimensions. Its own
// dimensions stand in another order then; a transpose (mostly the identity) puts them back.
Symbol side_gradient(Symbol dy, bool left, const Contract& c, Symbol other) {
  const Contract::Side &mine = left ? c.lhs : c.rhs, &others = left ? c.rhs : c.lhs;
  const size_t batches = mine.batch.size(), before = left ? mine.free.size() : 0;
  const Contract::Side of_dy{range(0, batches), {}, range(batches + before, others.free.size())};
  const Contract::Side of_other{others.batch, {}, others.free};
  const Contract product = left ? Contract{of_dy, of_other} : Contract{of_other, of_dy};
  const Symbol g =
      dy.graph().add1("contract", {left ? dy : other, left ? other : dy}, product.attributes());
  // Which axis of this side the dimensions of g are. Those of the depth come from the other side,
  // in its order.
  std::vector<std::pair<int, int>> depth;
  for (size_t i = 0; i < mine.depth.size(); ++i) depth.emplace_back(others.depth[i], mine.depth[i]);
  std::ranges::sort(depth);
  Contract::Axes order = mine.batch;
  if (left) order.insert(order.end(), mine.free.begin(), mine.free.end());
  for (const auto& [theirs, axis] : depth) order.push_back(axis);
  if (!left) order.insert(order.end(), mine.free.begin(), mine.free.end());
  Ints perm(order.size());
  for (size_t i = 0; i < order.size(); ++i)
    perm[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return transpose(g, perm);
}

Cotangents contract_gradient(const GradientContext& c) {
  const Symbol a = c.inputs[0], b = c.inputs[1];
  const Contract axes = Contract::of(a.shape(), b.shape(), c.attributes);
  Cotangents result(2);
  // The product of bfloat16 sides is float32: its cotangent is rounded to bfloat16 like them, and
  // so are theirs.
  const Symbol dy = cast(*c.cotangents[0], a.dtype());
  if (c.needed[0]) result[0] = cast(side_gradient(dy, true, axes, cast(b, a.dtype())), a.dtype());
  if (c.needed[1]) result[1] = cast(side_gradient(dy, false, axes, a), b.dtype());
  return result;
}

std::vector<ValueType> dense_type(std::span<const ValueType> in, const Attributes& a) {
  const Shape &x = in[0].shape, &kernel = in[1].shape;
  if (kernel.rank() != 2)
    throw ShapeError(fmt::format("kernel must be [features, units], found {}", kernel.to_string()));
  if (x.rank() < 1) throw ShapeError("input must have at least one dimension");
  if (x[x.rank() - 1] != kernel[0]) {
    throw ShapeError(fmt::format("input has {}, kernel expects {}",
                                 counted_text(dimension_text(x[x.rank() - 1]), "feature"),
                                 dimension_text(kernel[0])));
  }
  if (in.size() > 2 && in[2].shape != Shape{kernel[1]}) {
    throw ShapeError(fmt::format("bias must be {}, found {}", Shape{kernel[1]}.to_string(),
                                 in[2].shape.to_string()));
  }
  for (const ValueType& t : in) {
    if (t.dtype != in[0].dtype) throw ShapeError("input, kernel and bias must have one dtype");
    if (factor_dtype(t.dtype) != t.dtype) throw ShapeError(storage_fault(t.dtype));
  }
  if (!is_floating(in[0].dtype) && a.get<OpCall>("activation").op != "linear")
    throw ShapeError("activations take floating operands: cast to float32 first");
  Shape shape = x;
  shape[x.rank() - 1] = kernel[1];
  return {{arithmetic_dtype(in[0].dtype), shape}};
}

std::vector<Symbol> decompose_dense(std::span<const Symbol> in, const Attributes& a) {
  const int64_t last = in[0].rank() - 1;
  Symbol y = contract(in[0], in[1], {}, {}, {last}, {0});
  if (in.size() > 2) y = y + along_axis(in[2], y, -1);
  const OpCall& activation = a.get<OpCall>("activation");
  if (activation.op == "linear") return {y};
  return {y.graph().add1(activation.op, {y},
                         activation.attributes ? *activation.attributes : Attributes{})};
}

}  // namespace

void register_matmul(Registry& r) {
  r.set_gradient("contract", contract_gradient);
  define_composite(r, "dense", 2, 3,
                   {{"activation", AttributeType::kOpCall, OpCall{"linear", nullptr}}}, dense_type,
                   decompose_dense, nullptr, CompositeDTypes::kAll);
}

}  // namespace ops
}  // namespace sinter
