// What ImageDataGenerator does at random to one picture.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/tensor.h"
#include "frontend/data/image_data_generator.h"
#include "frontend/data/image_transform.h"

namespace sinter {

/// Uniform numbers that depend on a seed, a pass over the data and a place in it alone.
class ImageRandom {
 public:
  ImageRandom(int64_t seed, int64_t pass, int64_t place);
  double uniform(double low, double high);
  bool coin() { return uniform(0, 1) < 0.5; }

 private:
  std::array<uint32_t, 64> bits_;
  size_t next_;
};

/// Of a picture [height, width, channels].
ImageTransform random_transform(const ImageDataGeneratorOptions& options, const Shape& shape,
                                ImageRandom random);

/// A picture changed so, to `values`, which are as many.
void transform_to(const ImageDataGeneratorOptions& options, const ImageView& x,
                  const ImageTransform& transform, std::span<float> values);

}  // namespace sinter
