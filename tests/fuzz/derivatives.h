// Gradients of random compositions, held against differences of what they are the gradients of.
#pragma once

#include <cstdint>
#include <string>

#include "frontend/verify/check_gradients.h"

namespace sinter::fuzz {

using namespace verification;

/// Makes the random graph of `seed` in float64, a loss of some of its values, the loss's derivative
/// along a random direction by gradients(), and that one's by gradients() once more; then takes
/// central differences of the loss and of the first derivative along the same direction. "" where
/// they agree, or tell nothing: at kinks, at jumps, where numbers are too large. Raises what
/// building and running raise.
std::string derivative_fault(uint64_t seed, DerivativeCounts& counts);

}  // namespace sinter::fuzz
