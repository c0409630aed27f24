// Pooling over all of a sample's steps, rows and columns, or volume: GlobalAveragePooling and
// GlobalMaxPooling.
//
// [batch, .., channels] -> [batch, channels]; with data_format "channels_first" [batch, channels,
// ..] likewise. With `keepdims` the dimensions stay as 1. Inputs of another rank raise ShapeError.
#pragma once

#include "frontend/layer.h"

namespace sinter {

struct GlobalPoolingOptions {
  std::string data_format = "channels_last";  // or "channels_first"
  bool keepdims = false;
  std::string name = "";
};

/// The mean over the steps of [batch, steps, channels].
class GlobalAveragePooling1D : public Layer {
 public:
  explicit GlobalAveragePooling1D(GlobalPoolingOptions options = {},
                                  SourceLocation where = SourceLocation::current());
};
/// Over rows and columns of [batch, rows, columns, channels].
class GlobalAveragePooling2D : public Layer {
 public:
  explicit GlobalAveragePooling2D(GlobalPoolingOptions options = {},
                                  SourceLocation where = SourceLocation::current());
};
/// Over the volume of [batch, dim1, dim2, dim3, channels].
class GlobalAveragePooling3D : public Layer {
 public:
  explicit GlobalAveragePooling3D(GlobalPoolingOptions options = {},
                                  SourceLocation where = SourceLocation::current());
};

/// The largest element of each channel. Several that are equal share the gradient.
class GlobalMaxPooling1D : public Layer {
 public:
  explicit GlobalMaxPooling1D(GlobalPoolingOptions options = {},
                              SourceLocation where = SourceLocation::current());
};
class GlobalMaxPooling2D : public Layer {
 public:
  explicit GlobalMaxPooling2D(GlobalPoolingOptions options = {},
                              SourceLocation where = SourceLocation::current());
};
class GlobalMaxPooling3D : public Layer {
 public:
  explicit GlobalMaxPooling3D(GlobalPoolingOptions options = {},
                              SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
