// Weights of normalization layers beside their input.
#include "frontend/layers/scaled_normalization.h"

#include <fmt/format.h>

#include "core/error.h"

namespace sinter {

Symbol weight_as(const std::string& title, CallContext& context, const VariablePtr& variable,
                 const Shape& shape) {
  const Symbol weight = context.variable(variable);
  if (weight.shape().elements() != shape.elements()) {
    throw ShapeError(fmt::format(
        "{}: the layer was built with {} {}, which does not fit this input: it needs {}", title,
        variable->name, weight.shape().to_string(), shape.to_string()));
  }
  return reshape(weight, shape);
}

}  // namespace sinter
