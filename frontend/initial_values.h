// Distributions of initial weights over Philox: numbers depend on the key and the place of the
// element alone.
#pragma once

#include "frontend/initializers.h"

namespace sinter {

Initializer::Function uniform_between(double low, double high);
/// `truncated`: drawn again beyond two deviations.
Initializer::Function normal_around(double mean, double deviation, bool truncated);
/// `gain` times a matrix of orthonormal columns, or rows where these are fewer; all dimensions but
/// the last make the rows. Raises ShapeError for a vector.
Tensor orthogonal(const Shape& shape, DType dtype, uint64_t key, double gain);

}  // namespace sinter
