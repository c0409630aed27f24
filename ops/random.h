// Random numbers of other distributions than those of ops/ops.h (ops/dropout.cc).
#pragma once

#include "ops/ops.h"

namespace sinter {

/// Composite `random_normal`: mean 0 and standard deviation 1, of two uniform numbers an element
/// (Box, Muller 1958).
Symbol random_normal(OpInput state, Shape shape, int64_t stream, DType dtype = DType::kFloat32);
/// bool: false with probability `rate` (+- 2^-17), the mask that `dropout` draws.
Symbol random_keep(OpInput state, Shape shape, double rate, int64_t stream);

}  // namespace sinter
