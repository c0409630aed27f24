// Data for small trainings that no random generator decides.
#pragma once

#include <utility>

#include "core/tensor.h"

namespace sinter {

/// float32 values between -1 and 1 in a fixed order, another one for each k.
inline Tensor wave(Shape shape, int k) {
  Tensor t(DType::kFloat32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.set(i, static_cast<double>((i * 7919 + k * 104729) % 1009) / 504.5 - 1);
  return t;
}

}  // namespace sinter
