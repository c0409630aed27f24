// Pictures turned, shifted, sheared and zoomed, as scipy.ndimage.affine_transform reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "frontend/data/image_data_generator.h"

namespace sinter {

/// Values [height, width, channels] that somebody else holds.
struct ImageView {
  const float* values;
  int64_t height, width, channels;
};

enum class Fill { kNearest, kConstant, kReflect, kWrap };

/// Where scipy finds a coordinate beyond the edges (map_coordinate of ni_interpolation.c); nothing:
/// nowhere. `wrap` has a period of length - 1 there.
std::optional<double> inside(double at, int64_t length, Fill fill);

struct ReadingOptions {
  std::string fill_mode = "nearest";
  float cval = 0;
  int order = 1;
  /// The centre of a picture with its sides exchanged, as Keras has it.
  bool swapped_centre = false;
};

/// The affine part of the transform alone, to `to`, which has as many elements.
void affine(const ImageView& image, const ImageTransform& transform, const ReadingOptions& options,
            std::span<float> to);

}  // namespace sinter
