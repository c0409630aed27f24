// Rescaling: x * scale + offset, as for pixels from 0 to 255.
#pragma once

#include "frontend/layer.h"
#include "frontend/real_numbers.h"

namespace sinter {

struct RescalingOptions {
  RealNumbers offset = 0.0;
  std::string name = "";
};

/// x * scale + offset in the layer's dtype, in training and inference alike; x of any dtype and
/// shape. `scale` and `offset` are numbers, or one number for each channel, the last dimension:
/// Rescaling({1 / 255.0, 1 / 127.5, 1.0}). Raises ShapeError when their count is not that of the
/// channels, and Error for a scale of 0, which is what C++ makes of 1 / 255.
class Rescaling : public Layer {
 public:
  explicit Rescaling(RealNumbers scale, RescalingOptions options = {},
                     SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
