// Layers that give images another size: Resizing and CenterCrop.
#pragma once

#include "frontend/layers/padding.h"

namespace sinter {

struct ResizingOptions {
  std::string interpolation = "bilinear";  // "nearest" or "bicubic"
  bool crop_to_aspect_ratio = false;       // first crop to the largest part of the new shape
  bool pad_to_aspect_ratio = false;        // or pad to it, with fill_value
  double fill_value = 0.0;
  DataFormatName data_format = "channels_last";  // or "channels_first"
  std::string name = "";
};

/// Images [batch, rows, columns, channels] of height x width, as UpSampling2D interpolates, without
/// smoothing where they become smaller. Integers stay integers: what is computed is rounded to
/// them. Raises Error for sizes that are not positive, another interpolation, or a crop and a pad
/// at once; ShapeError for inputs of another rank.
class Resizing : public Layer {
 public:
  explicit Resizing(WholeNumber height, WholeNumber width, ResizingOptions options = {},
                    SourceLocation where = SourceLocation::current());
};

/// The middle height x width of images; of smaller ones the largest part of that shape, resized to
/// it. Raises as Resizing.
class CenterCrop : public Layer {
 public:
  explicit CenterCrop(WholeNumber height, WholeNumber width, SpatialOptions options = {},
                      SourceLocation where = SourceLocation::current());
};

}  // namespace sinter
