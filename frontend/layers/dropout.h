// Dropout (Srivastava and others, JMLR 2014), in the inverted form: kept values are scaled up in
// training. SpatialDropout1D, 2D, 3D (Tompson and others, CVPR 2015) drop whole channels.
#pragma once

#include <optional>

#include "frontend/layer.h"
#include "frontend/number_arguments.h"

namespace sinter {

struct DropoutOptions {
  std::vector<int64_t> noise_shape =
      {};  // with the batch as -1; 1 shares the mask along a dimension
  std::optional<int64_t> seed = std::nullopt;
  std::string name = "";
};

/// In training a value is 0 with probability `rate` (+- 2^-17; 1: always), else x / (1 - rate);
/// otherwise x. Masks depend on the model's random state, the layer's name and its seed.
class Dropout : public Layer {
 public:
  explicit Dropout(RealNumber rate, DropoutOptions options = {},
                   SourceLocation where = SourceLocation::current());
};

struct SpatialDropoutOptions {
  std::string data_format = "channels_last";  // or "channels_first"; 1D knows the first alone
  std::optional<int64_t> seed = std::nullopt;
  std::string name = "";
};

/// Dropout that keeps or drops all steps of a channel together; x [batch, steps, channels].
class SpatialDropout1D : public Layer {
 public:
  explicit SpatialDropout1D(RealNumber rate, SpatialDropoutOptions options = {},
                            SourceLocation where = SourceLocation::current());
};
/// The same for images [batch, rows, columns, channels], or [batch, channels, rows, columns] with
/// "channels_first".
class SpatialDropout2D : public Layer {
 public:
  explicit SpatialDropout2D(RealNumber rate, SpatialDropoutOptions options = {},
                            SourceLocation where = SourceLocation::current());
};
/// The same for volumes [batch, dim1, dim2, dim3, channels], or channels before them.
class SpatialDropout3D : public Layer {
 public:
  explicit SpatialDropout3D(RealNumber rate, SpatialDropoutOptions options = {},
                            SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
