// The values of attributes: what looks into nodes needs them, programs do not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/attributes.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace sinter {

/// An op named inside an attribute, with its own attributes: dense's `activation =
/// leaky_relu{negative_slope=0.1}`.
struct OpCall {
  std::string op;
  std::shared_ptr<const Attributes> attributes;
  bool operator==(const OpCall& other) const;
};

using AttributeVariant =
    std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, Shape, DType, Tensor,
                 std::shared_ptr<const ScalarExpr>, std::shared_ptr<const Graph>, OpCall>;

/// Alternatives in the order of AttributeType.
class AttributeValue : public AttributeVariant {
 public:
  using AttributeVariant::AttributeVariant;
};

template <typename T>
const T& Attributes::get(std::string_view name) const {
  const AttributeValue* value = find(name);
  const T* typed = value == nullptr ? nullptr : std::get_if<T>(value);
  if (typed == nullptr) raise_missing(name);
  return *typed;
}

}  // namespace sinter
