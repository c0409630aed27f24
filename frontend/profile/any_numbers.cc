#include "frontend/profile/any_numbers.h"

namespace sinter {

Tensor any_numbers(const ValueType& type) {
  Tensor tensor(type.dtype, type.shape);
  uint32_t state = 1;
  for (int64_t i = 0; is_floating(type.dtype) && i < tensor.elements(); ++i) {
    state = state * 1664525 + 1013904223;
    tensor.set(i, static_cast<double>(state >> 8) / (1 << 24));
  }
  return tensor;
}

}  // namespace sinter
