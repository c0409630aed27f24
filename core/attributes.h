// Typed attributes of graph nodes. Their schema stands in the op record; printing, parsing, hashing
// and files are written once over it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/scalar_expr.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace sinter {

class Graph;
class Attributes;

/// An op named inside an attribute, with its own attributes: dense's `activation =
/// leaky_relu{negative_slope=0.1}`.
struct OpCall {
  std::string op;
  std::shared_ptr<const Attributes> attributes;
  bool operator==(const OpCall& other) const;
};

enum class AttributeType : uint8_t {
  kBool,
  kInt,
  kFloat,
  kString,
  kInts,
  kShape,
  kDType,
  kTensor,
  kExpr,
  kGraph,
  kOpCall
};
std::string_view attribute_type_name(AttributeType type);

/// Alternatives in the order of AttributeType.
using AttributeValue =
    std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, Shape, DType, Tensor,
                 std::shared_ptr<const ScalarExpr>, std::shared_ptr<const Graph>, OpCall>;

/// Deep equality: expressions, graphs and tensors by content, doubles by bits.
bool equal_values(const AttributeValue& a, const AttributeValue& b);

/// One line of a schema. Without a default the attribute must be given.
struct AttributeSpec {
  std::string name;
  AttributeType type;
  std::optional<AttributeValue> default_value = std::nullopt;
};

/// Name-value pairs in the order of the schema (after Graph::add has completed them). Copies share
/// them until one is changed: passes copy nodes all the time.
class Attributes {
 public:
  using Values = std::vector<std::pair<std::string, AttributeValue>>;

  Attributes() = default;
  Attributes(std::initializer_list<Values::value_type> values)
      : values_(std::make_shared<Values>(values)) {}
  explicit Attributes(Values values)
      : values_(values.empty() ? nullptr : std::make_shared<Values>(std::move(values))) {}

  bool contains(std::string_view name) const { return find(name) != nullptr; }
  const AttributeValue* find(std::string_view name) const;
  void set(std::string name, AttributeValue value);
  const Values& values() const;

  /// The attribute as T; InternalError when it is absent or of another type (the schema rules that
  /// out for graph nodes).
  template <typename T>
  const T& get(std::string_view name) const {
    const AttributeValue* value = find(name);
    const T* typed = value == nullptr ? nullptr : std::get_if<T>(value);
    if (typed == nullptr) raise_missing(name);
    return *typed;
  }
  bool get_bool(std::string_view name) const { return get<bool>(name); }
  int64_t get_int(std::string_view name) const { return get<int64_t>(name); }
  double get_float(std::string_view name) const { return get<double>(name); }
  const std::string& get_string(std::string_view name) const { return get<std::string>(name); }
  const std::vector<int64_t>& get_ints(std::string_view name) const {
    return get<std::vector<int64_t>>(name);
  }
  const ScalarExpr& get_expr(std::string_view name) const {
    return *get<std::shared_ptr<const ScalarExpr>>(name);
  }
  const Graph& get_graph(std::string_view name) const {
    return *get<std::shared_ptr<const Graph>>(name);
  }

  bool operator==(const Attributes& other) const;

 private:
  [[noreturn]] void raise_missing(std::string_view name) const;
  std::shared_ptr<Values> values_;  // null when there are none; never changed while shared
};

/// Checks `given` against `schema` and returns it completed with defaults, in schema order. An int
/// is accepted for a float. Raises Error naming `op` for unknown, missing or wrongly typed
/// attributes.
Attributes complete_attributes(std::string_view op, const std::vector<AttributeSpec>& schema,
                               const Attributes& given);

}  // namespace sinter
