// Typed attributes of graph nodes. Their schema stands in the op record; printing, parsing, hashing
// and files are written once over it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/dtype.h"

namespace sinter {

class Attributes;
class Graph;
class ScalarExpr;
class Shape;
class Tensor;
struct OpCall;  // in core/attribute_value.h, as the values are

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

/// In core/attribute_value.h.
class AttributeValue;

/// Deep equality: expressions, graphs and tensors by content, doubles by bits.
bool equal_values(const AttributeValue& a, const AttributeValue& b);

/// Name-value pairs in the order of the schema (after Graph::add has completed them). Copies share
/// them until one is changed: passes copy nodes all the time. core/attribute_value.h (core/graph.h)
/// is needed to give and to read values.
class Attributes {
 public:
  using Values = std::vector<std::pair<std::string, AttributeValue>>;

  Attributes() = default;
  Attributes(std::initializer_list<std::pair<std::string, AttributeValue>> values);
  explicit Attributes(Values values);

  bool contains(std::string_view name) const { return find(name) != nullptr; }
  const AttributeValue* find(std::string_view name) const;
  void set(std::string name, AttributeValue value);
  const Values& values() const;

  /// The attribute as T; InternalError when it is absent or of another type (the schema rules that
  /// out for graph nodes).
  template <typename T>
  const T& get(std::string_view name) const;
  bool get_bool(std::string_view name) const;
  int64_t get_int(std::string_view name) const;
  double get_float(std::string_view name) const;
  const std::string& get_string(std::string_view name) const;
  const std::vector<int64_t>& get_ints(std::string_view name) const;
  const ScalarExpr& get_expr(std::string_view name) const;
  const Graph& get_graph(std::string_view name) const;

  bool operator==(const Attributes& other) const;

 private:
  [[noreturn]] void raise_missing(std::string_view name) const;
  std::shared_ptr<Values> values_;  // null when there are none; never changed while shared
};

}  // namespace sinter
