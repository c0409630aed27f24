// Short forms for op definitions: what every family file uses to declare its records. Internal to
// ops/.
#pragma once

#include <string>
#include <vector>

#include "core/graph.h"
#include "core/op_record.h"
#include "ops/ops.h"
#include "ops/promotion.h"

namespace sinter::ops {

// One function a family file; register_ops() calls them all.
void register_arithmetic(Registry& registry);
void register_compare(Registry& registry);
void register_move(Registry& registry);
void register_reduce(Registry& registry);
void register_matmul(Registry& registry);
void register_convolution(Registry& registry);
void register_pooling(Registry& registry);
void register_activation(Registry& registry);
void register_piecewise_activation(Registry& registry);
void register_softmax(Registry& registry);
void register_loss(Registry& registry);
void register_batch_norm(Registry& registry);
void register_layer_norm(Registry& registry);
void register_dropout(Registry& registry);
void register_map(Registry& registry);

using Arguments = std::span<const Scalar>;

/// An elementwise op of `inputs` operands of one shape.
void define_elementwise(Registry& registry, std::string name, int inputs, ScalarBody body,
                        std::vector<AttributeSpec> attributes = {},
                        ScalarDerivative derivative = nullptr);
/// An elementwise op of two operands; kCommutative: they may change places, bit for bit.
enum class Operands : uint8_t { kInOrder, kCommutative };
void define_binary(Registry& registry, const char* name, Scalar (*body)(Scalar, Scalar),
                   Operands operands = Operands::kInOrder);
/// What the first result of a composite may be, and so its operands: what it is built from computes
/// in float32 and float64, and only where the composite sees to it in others.
enum class CompositeDTypes : uint8_t { kFloat, kAllButStorage, kAll };
/// A composite with its shape rule and decomposition. A result of another dtype raises ShapeError
/// when the node is added.
void define_composite(Registry& registry, std::string name, int min_inputs, int max_inputs,
                      std::vector<AttributeSpec> attributes, ShapeRule shape,
                      Decomposition decomposition, GradientRule gradient = nullptr,
                      CompositeDTypes dtypes = CompositeDTypes::kFloat);
/// The shape rule "as input 0".
std::vector<ValueType> same_as_first(std::span<const ValueType> in, const Attributes& attributes);

/// Applies an elementwise op after promoting dtypes (ops/promotion.h) and broadcasting.
Symbol apply(std::string_view op, std::span<const Operand> operands, Attributes attributes = {});
/// The same with all operands in a given dtype.
Symbol apply_as(std::string_view op, DType dtype, std::span<const Operand> operands,
                Attributes attributes = {});
inline Symbol apply(std::string_view op, std::initializer_list<Operand> operands,
                    Attributes attributes = {}) {
  return apply(op, std::span(operands.begin(), operands.size()), std::move(attributes));
}
/// "'fc1' (train.cc:23): ", the start of an error: what the graph says it is being written for.
std::string where(const Graph& graph);
/// `axis` counted from the start. Raises ShapeError that names the op when x has no such axis.
int checked_axis(std::string_view op, Symbol x, int64_t axis);
/// The same for each of `axes`, in their order. Raises ShapeError where two are one, too.
std::vector<int64_t> checked_axes(std::string_view op, Symbol x, std::span<const int64_t> axes);
/// The attribute `name` of `op` as an element of `dtype`, by the rules of plain numbers: what is
/// too small is 0, and what overflows raises ShapeError.
double parameter(std::string_view op, const char* name, DType dtype, const Attributes& attributes);
/// `x` [.., with the dimensions `axes` reduced away ..] spread back over `shape`.
Symbol unreduce(Symbol x, const Shape& shape, std::span<const int64_t> axes);
/// At each element of x the product of all others along `axes`, ascending and not negative: the
/// derivative of prod.
Symbol product_of_others(Symbol x, std::span<const int64_t> axes);
/// A vector along `axis` of a tensor like x, broadcast to x's shape.
Symbol along_axis(Symbol vector, Symbol x, int axis);
/// Number of elements in `axes` of x as a scalar of x's dtype.
Symbol count(Symbol x, std::span<const int64_t> axes);
/// The results of `body` on `inputs`: a `map` node of the inputs it needs; results that are inputs
/// as they stand need no node.
std::vector<Symbol> add_map(Graph& graph, std::span<const Symbol> inputs, const ScalarExpr& body);

}  // namespace sinter::ops
