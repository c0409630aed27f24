// Assignment with a check of the type.
#include "frontend/variable.h"

#include <fmt/format.h>

#include "core/error.h"

namespace sinter {

void Variable::assign(const Tensor& source) {
  if (source.shape() != value.shape()) {
    throw ShapeError(fmt::format("weight '{}' has shape {}, the new value {}", path,
                                 value.shape().to_string(), source.shape().to_string()));
  }
  value.copy_from(source.cast(value.dtype()));
  touch();
}

}  // namespace sinter
