// The record of an op: everything Sinter knows about it, in one place. And the registry that finds
// records by name.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/attribute_value.h"
#include "core/kernel_ops.h"
#include "core/scalar_expr.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace sinter {

class Graph;
class Symbol;
struct Node;

/// Whose dimensions the axes in an attribute count. In a node they count from the first one,
/// whatever was given.
enum class AxisOf : uint8_t {
  kNone,    // no axes, or checked by the shape rule
  kFirst,   // input 0
  kSecond,  // input 1
  kShape,   // the attribute "shape"
};

/// One line of a schema. Without a default the attribute must be given.
struct AttributeSpec {
  std::string name;
  AttributeType type;
  std::optional<AttributeValue> default_value = std::nullopt;
  AxisOf axis_of = AxisOf::kNone;
};
/// Axes of `of`, which must be given: one for kInt, any number for kInts.
inline AttributeSpec axis_spec(std::string name, AttributeType type, AxisOf of = AxisOf::kFirst) {
  return {std::move(name), type, std::nullopt, of};
}

/// Checks `given` against `schema` and returns it completed with defaults, in schema order. An int
/// is accepted for a float. Raises Error naming `op` for unknown, missing or wrongly typed
/// attributes.
Attributes complete_attributes(std::string_view op, const std::vector<AttributeSpec>& schema,
                               const Attributes& given);

/// What backends implement. Ops of kind kComposite are decomposed (or claimed whole by a backend).
enum class KernelKind : uint8_t {
  kComposite,  // no kernel of its own
  kSource,     // input, variable, constant: storage, nothing runs
  kMap,        // scalar body at every element
  kReduce,     // sum, prod, max, min, argmax, argmin along axes
  kContract,   // matrix product in its general form
  kMove,       // reshape, transpose, broadcast, slice, as_strided, pad, concat, iota
  kGather,
  kScatter,
  kRandom,
  kFusion,  // a region of the kinds above, run as one kernel
};
std::string_view kernel_kind_name(KernelKind kind);

/// Result types from input types and attributes. Raise ShapeError for what does not fit (the caller
/// adds op, name and line).
using ShapeRule =
    std::function<std::vector<ValueType>(std::span<const ValueType>, const Attributes&)>;
/// The scalar body of an elementwise op.
using ScalarBody = std::function<Scalar(std::span<const Scalar>, const Attributes&)>;
/// Cotangents of the arguments from arguments, result y and its cotangent dy; cheaper than the
/// derived one (e.g. from y alone).
using ScalarDerivative = std::function<std::vector<Scalar>(std::span<const Scalar>, Scalar y,
                                                           Scalar dy, const Attributes&)>;
/// Builds the op from simpler ones in the graph of its inputs.
using Decomposition =
    std::function<std::vector<Symbol>(std::span<const Symbol>, const Attributes&)>;

/// What a gradient rule gets. Cotangents of results that nobody needs are nullopt.
struct GradientContext {
  std::span<const Symbol> inputs;
  std::span<const Symbol> results;
  std::span<const std::optional<Symbol>> cotangents;  // one for each result
  std::span<const bool> needed;                       // one for each input
  const Attributes& attributes;
};
/// Cotangents of the inputs; nullopt where there is none (integer inputs, not needed, zero).
using GradientRule = std::function<std::vector<std::optional<Symbol>>(const GradientContext&)>;

struct OpRecord {
  std::string name;
  KernelKind kind = KernelKind::kComposite;
  KernelOp kernel_op = KernelOp::kNone;
  int min_inputs = 0;
  int max_inputs = 0;  // kAnyNumber for no bound
  std::vector<AttributeSpec> attributes = {};
  ShapeRule shape = nullptr;
  /// Elementwise ops only: decomposition and gradient follow from it.
  ScalarBody body = nullptr;
  ScalarDerivative derivative = nullptr;  // optional, elementwise ops only
  Decomposition decomposition = nullptr;  // composites
  /// Optional for composites: without it the decomposition is differentiated.
  GradientRule gradient = nullptr;
  std::string no_gradient = "";  // why there is none, for ops that have no derivative
  bool commutative = false;      // the two inputs may change places, bit for bit

  bool is_elementwise() const { return static_cast<bool>(body); }
};
inline constexpr int kAnyNumber = 1 << 20;

/// All op records, by name. Filled by explicit calls (register_kernel_ops, register_ops): no static
/// initialisers.
class Registry {
 public:
  /// The registry of this process; holds the kernel ops from the start.
  static Registry& global();
  const OpRecord& add(OpRecord record);  // InternalError when the name is taken
  /// Adds the derivative of a kernel op, whose shape rule stands in core but whose mathematics
  /// belongs to ops.
  void set_gradient(std::string_view op, GradientRule rule);
  void set_no_gradient(std::string_view op, std::string reason);
  const OpRecord* find(std::string_view name) const;
  const OpRecord& get(std::string_view name) const;  // NameError with the nearest name
  std::vector<std::string> names() const;

 private:
  std::vector<std::unique_ptr<OpRecord>> records_;
  std::unordered_map<std::string_view, OpRecord*> by_name_;  // the names are those of the records
};

}  // namespace sinter
