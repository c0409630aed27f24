// Values divided by the norm of their row, as keras.utils.normalize.
#pragma once

#include "core/source_location.h"
#include "core/tensor.h"

namespace sinter {

struct NormalizeOptions {
  int axis = -1;  // along which norms are taken
  /// sum(|x|^order)^(1/order); infinity: the largest |x|, -infinity: the least, 0: how many are not
  /// 0 (numpy.linalg.norm).
  double order = 2;
};

/// x / norm(x), where the norm is not 0; of the same shape and dtype, of integers as floatx().
/// (keras.utils.normalize takes axis 0 for -1 in its last step; here axis 0 is the first one.)
/// Raises ShapeError for an axis that x has not, Error for an order that is NaN.
Tensor normalize(const Tensor& x, NormalizeOptions options = {},
                 SourceLocation where = SourceLocation::current());

}  // namespace sinter
