// Pictures turned, shifted, sheared and zoomed, as scipy.ndimage.affine_transform reads them.
#pragma once

#include <span>
#include <string>

#include "core/tensor.h"
#include "frontend/data/image_data_generator.h"

namespace sinter {

struct ReadingOptions {
  std::string fill_mode = "nearest";
  float cval = 0;
  int order = 1;
  /// The centre of a picture with its sides exchanged, as Keras has it.
  bool swapped_centre = false;
};

/// The affine part of the transform alone, of `image`, float32 [height, width, channels], to `to`,
/// which has as many elements.
void affine(const Tensor& image, const ImageTransform& transform, const ReadingOptions& options,
            std::span<float> to);

}  // namespace sinter
