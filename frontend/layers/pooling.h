// Pooling layers: the largest element of each window, or the average of those that are no padding.
// Input [batch, spatial.., channels] or, with data_format "channels_first", [batch, channels,
// spatial..]; output of the same form.
//
// Constructors raise Error for settings that cannot be; the first call raises ShapeError where the
// input does not fit.
#pragma once

#include <optional>

#include "frontend/layers/windowed.h"

namespace sinter {

struct PoolingOptions {
  std::optional<Sizes> strides = std::nullopt;  // those of the windows: side by side
  std::string padding = "valid";
  std::string data_format = "channels_last";
  std::string name = "";
};

class MaxPooling1D : public Layer {
 public:
  explicit MaxPooling1D(Sizes pool_size = 2, PoolingOptions options = {},
                        SourceLocation where = SourceLocation::current());
};
class MaxPooling2D : public Layer {
 public:
  explicit MaxPooling2D(Sizes pool_size = 2, PoolingOptions options = {},
                        SourceLocation where = SourceLocation::current());
};
class MaxPooling3D : public Layer {
 public:
  explicit MaxPooling3D(Sizes pool_size = 2, PoolingOptions options = {},
                        SourceLocation where = SourceLocation::current());
};
class AveragePooling1D : public Layer {
 public:
  explicit AveragePooling1D(Sizes pool_size = 2, PoolingOptions options = {},
                            SourceLocation where = SourceLocation::current());
};
class AveragePooling2D : public Layer {
 public:
  explicit AveragePooling2D(Sizes pool_size = 2, PoolingOptions options = {},
                            SourceLocation where = SourceLocation::current());
};
class AveragePooling3D : public Layer {
 public:
  explicit AveragePooling3D(Sizes pool_size = 2, PoolingOptions options = {},
                            SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
